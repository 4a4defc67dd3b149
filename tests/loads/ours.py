"""The simulated fleet as the site's own decisions see it, and what becomes of it by their actions."""

from seawall.decide import count
from seawall.decide.plan import plan
from seawall.model import (
    BalancerSeen,
    Event,
    ForgetServer,
    KillServer,
    Load,
    Memory,
    Observed,
    Plan,
    Route,
    RouteSeen,
    RouteStatus,
    ServerSeen,
    Site,
    StartServer,
    StopServer,
    WarmSeen,
)
from tests.loads.fleet import Fleet

WARM = WarmSeen("w1", -100.0, ready=True)
TICK = 0.1  # s between two looks while there are requests


class Ours:
    """`plan`, tick by tick: both balancers have the same routes, and the active one has all requests."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.memory = Memory(opened=True)
        self.status: dict[str, RouteStatus] = {}
        self.ended: dict[str, float] = {}  # servers that have ended, but are not forgotten yet: since when
        self.events: list[tuple[float, Event]] = []

    @property
    def wanted(self) -> int:
        return count.wanted(self.site, self.memory)

    def tick(self, fleet: Fleet) -> float:
        result = plan(self.site, self._observed(fleet), self.memory, fleet.now)
        self.memory = result.memory
        self.events += [(fleet.now, event) for event in result.events]
        self._act(fleet, result)
        return TICK

    def _observed(self, fleet: Fleet) -> Observed:
        servers = tuple(
            ServerSeen(server.name, server.started, ready=server.ready_at <= fleet.now)
            for server in fleet.servers.values()
        )
        servers += tuple(ServerSeen(name, at, alive=False, ready=True) for name, at in self.ended.items())
        routes = tuple(
            RouteSeen("least-connections", name, status, current=fleet.servers[name].busy)
            for name, status in self.status.items()
        )
        spare = tuple(RouteSeen("least-connections", name, status) for name, status in self.status.items())
        balancers = (
            BalancerSeen("a", True, True, started=-100.0, strategy="least-connections", routes=routes),
            BalancerSeen("b", True, True, started=-100.0, strategy="least-connections", routes=spare),
        )
        return Observed(servers, balancers, warms=(WARM,), load=self._load(fleet))

    def _load(self, fleet: Fleet) -> Load:
        return Load(
            at=fleet.now,
            arrived=fleet.arrived,
            finished=fleet.finished,
            work=fleet.work,
            serving=fleet.serving,
            queued=len(fleet.queue),
        )

    def _act(self, fleet: Fleet, result: Plan) -> None:
        for action in result.actions:
            match action:
                case StartServer(server=name):
                    fleet.start(name)
                case Route(balancer="a", server=name, step=step):
                    self._step(fleet, name, step)
                case StopServer(server=name) | KillServer(server=name):
                    fleet.end(name)
                    self.ended[name] = fleet.now
                case ForgetServer(server=name):
                    del self.ended[name]

    def _step(self, fleet: Fleet, name: str, step: str) -> None:
        if step == "remove":
            del self.status[name]
            return
        statuses: dict[str, RouteStatus] = {"add": "maint", "enable": "up", "drain": "drain", "maint": "maint"}
        self.status[name] = statuses[step]
        fleet.route(name, step == "enable")
