"""How many requests at a time a server is given and takes, while that number changes on the running site.

A server is never given more than it takes: a higher number is told to the server first and to the balancers once it
says so, a lower one to the balancers first.
"""

from seawall.model import Observed, Site


def given(site: Site, slots: int) -> int:
    """What balancers give a server that takes `slots`; 0 where it does not say, as a command."""
    return min(site.slots, slots) if slots > 0 else site.slots


def taken(site: Site, observed: Observed, server: str, slots: int) -> int:
    """What a server that takes `slots` is told to take."""
    words = [balancer.routes for balancer in observed.balancers if balancer.alive]
    if None in words:
        return max(site.slots, slots)  # a balancer that says nothing may give it as many as before
    return max([site.slots, *(route.limit for word in words for route in word or () if route.server == server)])
