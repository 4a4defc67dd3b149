"""What must hold at every single action, whatever happens."""

from collections.abc import Iterator
from contextlib import contextmanager

from seawall.decide.liveness import TERM_GRACE
from seawall.decide.servers import AT_ONCE
from seawall.decide.takeover import START
from seawall.model import Action, KillBalancer, KillServer, Plan, Route, StartServer, StopServer, TakeOver
from tests.decide.machine import NOTICED
from tests.decide.world import World

LAG = NOTICED + 1.0  # s the last look at a server or balancer may be old


class Guard:
    """Watches one world; every broken promise is an AssertionError that names the action."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    @contextmanager
    def __call__(self, world: World, plan: Plan, action: Action) -> Iterator[None]:
        before = serving(world)
        match action:
            case StartServer(server=name):
                self._start(world, name)
            case StopServer(server=name):
                _stop(world, name)
            case KillServer(server=name):
                _kill(world, name)
                before.discard(name)  # it hangs, though this balancer may not know yet
            case KillBalancer():
                _kill_balancer(world, action)
            case TakeOver():
                _take_over(world, action)
            case Route(step="add" | "enable", server=name):
                gone = plan.memory.leaving.keys() | plan.memory.stopping.keys()
                assert world.servers[name].alive, f"{action} for a dead server"
                assert world.servers[name].ready, f"{action} before its first heartbeat"
                assert name not in gone, f"{action} for a server that leaves"
            case Route(step="maint", balancer=balancer, strategy=strategy, server=name):
                entry = world.balancers[balancer].table.get((strategy, name))
                assert not entry or not world.requests(entry, name), f"{action} cuts off requests"
        yield
        wanted = plan.memory.asleep_since is None
        assert serving(world) or not before or not wanted, f"{action} left nobody to serve; before: {before}"

    def _start(self, world: World, name: str) -> None:
        assert name not in self.names, f"{name} was used before"
        self.names.add(name)
        starting = [s for s in world.servers.values() if s.alive and not s.ready and s.dies_at > world.now]
        starting = [s for s in starting if s.name not in world.memory.stopping]
        assert len(starting) < AT_ONCE, f"{name} is one too many starting at once"


def serving(world: World) -> set[str]:
    """The servers new visitors reach now: what the active balancer has in its present backend and believes in."""
    balancer = world.balancers[world.active]
    if not balancer.alive or not balancer.answering or balancer.missed(world.now):
        return set()
    return {
        name
        for (strategy, name), entry in balancer.table.items()
        if strategy == balancer.strategy and world.status(entry, name) == "up"
        if name in world.servers and world.servers[name].alive
    }


def _stop(world: World, name: str) -> None:
    since = world.memory.leaving[name]
    for balancer in world.balancers.values():
        for entry in [entry for key, entry in balancer.table.items() if key[1] == name and balancer.alive]:
            assert world.status(entry, name) != "up", f"{name} is stopped while {balancer.name} sends it visitors"
            late = world.now - since > world.site.stop_timeout
            assert late or not world.requests(entry, name), f"{name} is stopped while it works for {balancer.name}"


def _kill(world: World, name: str) -> None:
    server = world.servers[name]
    never_ready = not server.ready and world.now - server.started > world.site.start_timeout
    deaf = world.now - world.memory.stopping.get(name, world.now) > TERM_GRACE
    assert server.hangs or world.now - server.bad_until < LAG or never_ready or deaf, f"{name} is killed without cause"


def _kill_balancer(world: World, action: KillBalancer) -> None:
    balancer = world.balancers[action.balancer]
    mute = not balancer.answering and world.now - balancer.started > START
    late = world.now - world.memory.retiring.get(action.balancer, world.now) > world.site.stop_timeout
    hung = balancer.hung_since < world.now and balancer.retired_since > world.now
    assert hung or mute or late, f"{action} without cause"


def _take_over(world: World, action: TakeOver) -> None:
    balancer = world.balancers[action.balancer]
    assert balancer.alive, f"{action}: it is dead"
    assert balancer.answering, f"{action}: it has not started"
    assert balancer.retired_since > world.now, f"{action}: it was told to finish"
    assert world.now - balancer.hung_since < LAG, f"{action}: it hangs"
