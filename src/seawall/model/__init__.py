"""The values everything is said in: what is wanted, what is seen, what is remembered, what is to be done.

All are frozen. Times are seconds on one clock whose zero does not matter (`now` is an argument everywhere).
"""

from seawall.model.actions import (
    Action,
    ForgetServer,
    ForgetWarm,
    KillBalancer,
    KillServer,
    KillWarm,
    RetireBalancer,
    Route,
    RouteStep,
    SetStrategy,
    StartBalancer,
    StartServer,
    StartWarm,
    StopServer,
    TakeOver,
    TurnAway,
)
from seawall.model.memory import Memory
from seawall.model.plan import Event, Plan
from seawall.model.scaling import Capacity, Demand, Rate, Sample, Sizing
from seawall.model.seen import (
    FINISHING,
    BalancerSeen,
    Expected,
    Load,
    Observed,
    RouteSeen,
    RouteStatus,
    ServerSeen,
    WarmSeen,
)
from seawall.model.site import (
    BALANCERS,
    HEALTH_PATH,
    STRATEGIES,
    BalancerName,
    Site,
    Strategy,
)

__all__ = [
    "BALANCERS",
    "FINISHING",
    "HEALTH_PATH",
    "STRATEGIES",
    "Action",
    "BalancerName",
    "BalancerSeen",
    "Capacity",
    "Demand",
    "Event",
    "Expected",
    "ForgetServer",
    "ForgetWarm",
    "KillBalancer",
    "KillServer",
    "KillWarm",
    "Load",
    "Memory",
    "Observed",
    "Plan",
    "Rate",
    "RetireBalancer",
    "Route",
    "RouteSeen",
    "RouteStatus",
    "RouteStep",
    "Sample",
    "ServerSeen",
    "SetStrategy",
    "Site",
    "Sizing",
    "StartBalancer",
    "StartServer",
    "StartWarm",
    "StopServer",
    "Strategy",
    "TakeOver",
    "TurnAway",
    "WarmSeen",
]
