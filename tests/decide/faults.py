"""What can go wrong on the simulated machine, and what people may ask for meanwhile; and how it all comes to rest."""

from collections.abc import Callable
from dataclasses import replace

from seawall.lost import Crashes
from seawall.model import STRATEGIES, Memory, RouteSeen
from tests.decide.machine import NEVER, Balancer, Server
from tests.decide.world import Crashed, World

PATIENCE = 300.0  # s the world has for coming to rest: the longest waits of all decisions after one another


def _server(world: World, number: int) -> Server | None:
    there = [server for server in world.servers.values() if server.alive]
    return there[number % len(there)] if there else None


def _balancer(world: World, number: int) -> Balancer:
    return world.balancers["a" if number % 2 else "b"]


def server_dies(world: World, number: int) -> None:
    if server := _server(world, number):
        world.end_server(server)


def server_hangs(world: World, number: int) -> None:
    if (server := _server(world, number)) and not server.hangs:
        server.bad_since, server.spinning = world.now, number % 2 == 1


def server_goes_on(world: World, number: int) -> None:
    for server in world.servers.values():
        if server.hangs:
            server.bad_since, server.bad_until = NEVER, world.now


def servers_die_young(world: World, number: int) -> None:
    world.doomed = number


def warm_dies(world: World, number: int) -> None:
    for warm in world.warms.values():
        world.end_warm(warm)


def warm_hangs(world: World, number: int) -> None:
    for warm in world.warms.values():
        warm.hung_since = min(warm.hung_since, world.now)


def actions_fail(world: World, number: int) -> None:
    world.failing = number


def balancer_dies(world: World, number: int) -> None:
    _balancer(world, number).alive = False


def balancer_hangs(world: World, number: int) -> None:
    balancer = _balancer(world, number)
    balancer.hung_since = min(balancer.hung_since, world.now)


def balancer_is_overloaded(world: World, number: int) -> None:
    balancer = _balancer(world, number)
    balancer.busy_since, balancer.busy_until = world.now, world.now + number


def balancer_is_silent(world: World, number: int) -> None:
    _balancer(world, number).mute_until = world.now + 6 * number


def both_balancers_die(world: World, number: int) -> None:
    balancer_dies(world, 0)
    balancer_dies(world, 1)


def strategy_is_set(world: World, number: int) -> None:
    world.site = replace(world.site, strategy=STRATEGIES[number % 3])


def servers_are_set(world: World, number: int) -> None:
    number = (1, 2, 3, 12)[number % 4]
    world.site = replace(world.site, min=number, max=number)


def server_is_drained(world: World, number: int) -> None:
    if server := _server(world, number):
        world.site = replace(world.site, drain=world.site.drain | {server.name})


def server_is_restarted(world: World, number: int) -> None:
    if server := _server(world, number):
        world.site = replace(world.site, restart=world.site.restart | {server.name})


def all_are_restarted(world: World, number: int) -> None:
    world.site = replace(world.site, generation=world.site.generation + 1)


def control_restarts(world: World, number: int) -> None:
    world.restart_control()


def configuration_changes(world: World, number: int) -> None:
    world.restart_control(edge=f"edge {number}")


def control_crashes(world: World, number: int) -> None:
    """In the middle of one of the next plans, after some of its actions; the next one comes a little later."""
    world.crash_after = world.done + number + 1


def nobody_comes(world: World, number: int) -> None:
    world.visitors = False
    world.site = replace(world.site, min=0, idle=3.0)


def somebody_comes_in_vain(world: World, number: int) -> None:
    """The next servers die before they are ready."""
    world.visitors = True
    world.doomed = 5


def somebody_comes(world: World, number: int) -> None:
    world.visitors = True


Fault = Callable[[World, int], None]
FAULTS: tuple[Fault, ...] = (
    server_dies,
    server_hangs,
    server_goes_on,
    servers_die_young,
    warm_dies,
    warm_hangs,
    actions_fail,
    balancer_dies,
    balancer_hangs,
    balancer_is_overloaded,
    balancer_is_silent,
    both_balancers_die,
    strategy_is_set,
    servers_are_set,
    server_is_drained,
    server_is_restarted,
    all_are_restarted,
    control_restarts,
    configuration_changes,
    control_crashes,
    nobody_comes,
    somebody_comes_in_vain,
    somebody_comes,
)


def run(world: World, ticks: int, pause: float = 0.0) -> None:
    """Let time pass. A control plane that crashes is followed by a new one after `pause` s."""
    for _ in range(ticks):
        world.pass_time(world.random.choice((0.05, 0.1, 0.5)))
        try:
            world.tick()
        except Crashed:
            world.crash_after = NEVER
            world.pass_time(pause)
            world.restart_control()
            world.tick()


def come_to_rest(world: World, crash_after: float = NEVER) -> float:
    """End all faults, and go on until nothing is left to do. Returns how many seconds that took."""
    world.doomed, world.failing, world.crash_after = 0, 0, crash_after
    for balancer in world.balancers.values():
        balancer.mute_until = 0.0
    start = world.now
    while world.now < start + PATIENCE:
        world.pass_time(0.5)
        if not world.tick().actions and not unrest(world):
            return world.now - start
    raise AssertionError(f"after {PATIENCE:g} s: {unrest(world)}")


def unrest(world: World) -> list[str]:
    """What is not yet as it is wanted."""
    site, memory, seen = world.site, world.memory, world.observe()
    names = {server.name for server in seen.servers if server.alive and server.ready}
    routes = {RouteSeen(site.strategy, name, "up", current=int(world.visitors)) for name in names}
    wrong = [f"server {server}" for server in seen.servers if server.name not in names or server.hung]
    wanted = 0 if site.min == 0 and not world.visitors else max(1, site.min)
    wrong += [] if len(names) == wanted else [f"{len(names)} servers, not {wanted}"]
    for balancer in seen.balancers:
        at_work = balancer.alive and balancer.answering and not balancer.owes and balancer.edge == site.edge
        at_work = at_work and not balancer.turns_away
        if not at_work or balancer.strategy != site.strategy or set(balancer.routes or ()) != routes:
            wrong.append(f"balancer {balancer}")
    if [(warm.ready, warm.generation) for warm in seen.warms or ()] != [(True, site.generation)]:
        wrong.append(f"warm {seen.warms}")
    wrong += [f"{server.name} runs old code" for server in seen.servers if server.generation != site.generation]
    rest = Memory(
        memory.next_server,
        memory.next_warm,
        opened=True,
        asleep_since=None if wanted else memory.asleep_since,
        idle_since=memory.idle_since,
        requests=memory.requests,
        deaths=0 if wanted else memory.deaths,
        retry_at=memory.retry_at,
        died_at_work=memory.died_at_work,
        crashes=Crashes(generation=memory.crashes.generation),
        warm_deaths=memory.warm_deaths,
        warm_retry_at=memory.warm_retry_at,
        balancer_deaths=memory.balancer_deaths,
        balancer_retry_at=memory.balancer_retry_at,
        sizing=memory.sizing,
        demand=memory.demand,
    )
    return wrong if memory == rest else [*wrong, f"memory {memory}"]
