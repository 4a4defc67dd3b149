"""The state of the site as one JSON object, for `seawall status`, the live view and whoever asks the control socket."""

import os
import time
from dataclasses import asdict
from typing import Any

from seawall.control.metrics import Meter
from seawall.control.processes import Managed, Server
from seawall.control.state import State
from seawall.decide.backoff import pause
from seawall.decide.count import wanted
from seawall.decide.liveness import AT_WORK, SAID
from seawall.decide.sleep import asleep
from seawall.decide.slots import given
from seawall.model import BalancerSeen, Observed, RouteSeen
from seawall.process import memory_used


def status(control: State, meter: Meter, change: str = "") -> dict[str, Any]:
    """Latencies in ms, times in s, memory in bytes, processor in processors. A figure nobody knows is null.

    `change` is what goes on with changed settings.
    """
    traffic = meter.summary()
    seen = control.seen
    routes = _routes(seen)
    now = time.monotonic()
    slept = asleep_for(control, now)
    rates = traffic.pop("servers")
    memory = control.usage.memory(control.processes.servers, now)
    return {
        "name": control.wanted.name,
        "project": str(control.paths.project),
        "urls": control.wanted.urls,
        "open": control.open,
        "control": {"pid": os.getpid(), "uptime": now - control.began, "tick_ms": _ticks(control)},
        "application": {"kind": control.wanted.application.kind, "target": control.wanted.application.target},
        "strategy": control.site.strategy,
        "wanted": wanted(control.site, control.record.memory),
        "asleep": slept,
        "why": control.record.memory.demand.why,
        "forecast": asdict(control.seen.expected) if control.seen.expected else None,
        "min": control.site.min,
        "max": control.site.max,
        "concurrency": control.site.slots,
        "traffic": traffic,
        "balancers": [_balancer(control, balancer, seen.active, now) for balancer in seen.balancers],
        "servers": [
            {
                **_server(control, server, routes.get(server.name), rates.get(server.name), now),
                "memory": memory[server.name],
                "processor": control.usage.processor(server, now),
                "slots": given(control.site, server.slots),
            }
            for server in control.processes.servers.values()
        ],
        "limits": _limits(control),
        "warm": _warm(control, now),
        "processes": [_process(managed, now) for managed in control.processes],
        "change": change,
        "advice": [vars(advice) for advice in control.advice],
        "trouble": _trouble(control, now),
        "events": list(control.journal.recent)[-12:],
    }


def asleep_for(control: State, now: float) -> float | None:
    """Seconds; None while the site is awake."""
    memory = control.record.memory
    return now - memory.asleep_since if asleep(control.site, memory) and memory.asleep_since is not None else None


def _ticks(control: State) -> dict[str, float | None]:
    """How long a round of the loop takes."""
    taken = sorted(1000 * seconds for seconds in control.ticks)
    if not taken:
        return {"p50": None, "p99": None, "max": None}
    return {"p50": taken[len(taken) // 2], "p99": taken[len(taken) * 99 // 100], "max": taken[-1]}


def _trouble(control: State, now: float) -> str:
    memory = control.record.memory
    wait = max(0.0, memory.retry_at - now)
    dying = ""
    if pause(memory.deaths):
        dying = f"servers keep dying, {memory.deaths} in a row; next try in {wait:.0f} s: seawall logs"
    if (died := len(memory.died_at_work)) >= SAID:
        dying = f"{died} servers died at their work within {AT_WORK:g} s: seawall logs"
    return "; ".join(
        trouble
        for trouble in (control.journal.trouble, *control.troubles.present, dying, memory.demand.capacity.why)
        if trouble
    )


def _limits(control: State) -> dict[str, Any]:
    """What each server may take; `missing` says what of it is not enforced."""
    groups = control.groups
    return {**asdict(groups.limits), "missing": groups.why_not(), "remedy": groups.remedy, "places": groups.places}


def _routes(seen: Observed) -> dict[str, RouteSeen]:
    """What the active balancer has of each server, in the strategy it uses."""
    active = next((b for b in seen.balancers if b.name == seen.active), None)
    if active is None:
        return {}
    return {route.server: route for route in active.routes or () if route.strategy == active.strategy}


def _balancer(control: State, seen: BalancerSeen, active: str, now: float) -> dict[str, Any]:
    balancer = control.processes.balancers.get(seen.name)
    process = balancer.process if balancer else None
    state = "down" if not seen.alive else "starting" if not seen.answering else "hung" if seen.hung else "up"
    return {
        "name": seen.name,
        "role": "active" if seen.name == active else "spare",
        "state": state,
        "pid": process.pid if process and seen.alive else None,
        "uptime": now - seen.started if seen.alive else None,
    }


def _server(
    control: State, server: Server, route: RouteSeen | None, rates: dict[str, Any] | None, now: float
) -> dict[str, Any]:
    return {
        "name": server.name,
        "state": _state(control, server, route),
        "pid": server.process.pid if server.process else None,
        "uptime": now - server.started,
        "address": server.address,
        "heartbeat_ms": route.latency * 1000 if route and route.latency is not None else None,
        "check": route.check if route else "",
        "current": route.current if route else 0,
        "queue": route.queued if route else 0,
        **(rates or {"requests_per_second": 0.0, "p50_ms": None, "p99_ms": None}),
    }


def _state(control: State, server: Server, route: RouteSeen | None) -> str:
    memory = control.record.memory
    if server.exited:
        return "dead"
    if server.name in memory.stopping:
        return "stopping"
    if server.name in memory.leaving:
        return "draining"
    if not server.ready or route is None:
        return "starting"
    if server.busy:
        return "busy"
    return route.status


def _warm(control: State, now: float) -> dict[str, Any] | None:
    """The warm process that servers come from, or the one that is to be."""
    warms = list(control.processes.warms.values())
    if not warms:
        return None
    warm = next((warm for warm in reversed(warms) if warm.ready), warms[-1])
    state = "down" if not warm.alive else "ready" if warm.ready else "importing"
    return {
        "state": state,
        "pid": warm.process.pid if warm.process else None,
        "uptime": now - warm.started,
        # To find that takes the kernel a millisecond: only where nothing else is to be told.
        "memory": memory_used(warm.process.pid) if warm.process and asleep_for(control, now) is not None else None,
    }


def _process(managed: Managed, now: float) -> dict[str, Any]:
    """One line of the table of managed processes."""
    state = "gone" if managed.exited else "starting" if managed.process is None else "runs"
    return {
        "kind": managed.kind,
        "name": managed.name,
        "state": state,
        "pid": managed.process.pid if managed.process else None,
        "owner": managed.owner,
        "uptime": now - managed.started,
    }
