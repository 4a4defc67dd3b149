"""What is seen: processes and the balancers' word in one Observed. Nothing is waited for; what is old is unknown."""

import os
from typing import cast

from seawall.control.link import Link
from seawall.control.processes import Balancer, Processes, Server, Warm
from seawall.control.tally import Tally
from seawall.model import BALANCERS, BalancerName, BalancerSeen, Observed, ServerSeen, WarmSeen
from seawall.paths import Paths


def observe(
    processes: Processes, links: dict[str, Link], tally: Tally, active: BalancerName, wants_warm: bool, now: float
) -> Observed:
    """Everything as it is now."""
    balancers = processes.balancers
    return Observed(
        servers=tuple(_server(server) for server in processes.servers.values()),
        balancers=tuple(_balancer(name, balancers.get(name), links.get(name), now) for name in BALANCERS),
        active=active,
        warms=tuple(_warm(warm, processes.paths) for warm in processes.warms.values() if not warm.trial)
        if wants_warm
        else None,
        load=tally.load(active, balancers, processes.servers, now),
    )


def _server(server: Server) -> ServerSeen:
    return ServerSeen(
        server.name,
        server.started,
        alive=not server.exited,
        ready=server.ready,
        hung=server.hung,
        ending=server.ending,
        generation=server.generation,
        lost=server.ready and _lost(server),
        slots=server.slots,
    )


def _lost(server: Server) -> bool:
    """Whether its socket was removed under it, as when somebody cleans the runtime folder."""
    return server.address.startswith("unix@") and not os.path.exists(server.address.removeprefix("unix@"))


def _balancer(name: BalancerName, balancer: Balancer | None, link: Link | None, now: float) -> BalancerSeen:
    if balancer is None:
        return BalancerSeen(name)
    word = link.word(now) if link and balancer.alive else None
    pulse = link.pulse if link and word else None
    return BalancerSeen(
        cast(BalancerName, balancer.name),
        alive=balancer.alive,
        answering=balancer.alive and balancer.answering,
        owes=balancer.owes,
        hung=balancer.hung,
        edge=balancer.edge,
        started=balancer.started,
        strategy=word.strategy if word else None,
        routes=word.routes if word else None,
        requests=pulse.requests if pulse else None,
        current=pulse.current if pulse else 0,
        turns_away=bool(word and word.turns_away),
    )


def _warm(warm: Warm, paths: Paths) -> WarmSeen:
    lost = warm.ready and not paths.warm_socket(warm.name).exists()
    return WarmSeen(
        warm.name,
        warm.started,
        warm.generation,
        alive=not warm.exited,
        ready=warm.ready,
        hung="has lost its socket" if lost else warm.hung,
    )
