"""Carries out a plan: the takeover, then processes in order, then the steps at each balancer, which nobody awaits."""

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.control.act.balancers import Balancers
from seawall.control.act.servers import Servers
from seawall.control.act.warms import Warms
from seawall.control.journal import action_event
from seawall.errors import SeawallError, StateUnusable, shell
from seawall.model import Action, Route, SetStrategy, Site, StartServer, TakeOver, TurnAway, actions
from seawall.paths import Paths

Outcome = dict[str, SeawallError | None]  # kind of action → why it could not be done, or None


@dataclass
class Actor:
    """What carries out each kind of action."""

    paths: Paths
    servers: Servers
    warms: Warms
    balancers: Balancers

    def act(self, site: Site, plan: Sequence[Action]) -> Outcome:
        """Do all of a plan. What will exist is put on record before the first process is started."""
        outcome: Outcome = {}
        for action in plan:
            if isinstance(action, TakeOver):
                outcome[action_event(action).kind] = self._attempt(site, action)
        self.servers.about([action for action in plan if isinstance(action, StartServer)], site)
        try:
            for action in plan:
                if not isinstance(action, Route | SetStrategy | TurnAway | TakeOver):
                    outcome[action_event(action).kind] = self._attempt(site, action)
        finally:
            self.servers.give_up_the_rest()
        self.balancers.post([action for action in plan if isinstance(action, Route | SetStrategy | TurnAway)])
        return outcome

    def _attempt(self, site: Site, action: Action) -> SeawallError | None:
        try:
            self._do(site, action)
        except SeawallError as error:
            return error
        except OSError as error:
            return StateUnusable(
                f"This failed: {action_event(action).kind}, because {action.reason}: {error}.",
                "Make room or correct the permissions, then try again: "
                f"df -h {shell(self.paths.state)} {shell(self.paths.runtime)}",
            )
        return None

    def _do(self, site: Site, action: Action) -> None:
        match action:
            case actions.StartWarm(warm=name):
                self.warms.start(name, site.generation)
            case actions.KillWarm(warm=name):
                self.warms.kill(name)
            case actions.ForgetWarm(warm=name):
                self.warms.forget(name)
            case actions.StartServer(server=name, warm=warm):
                self.servers.start(name, warm)
            case actions.StopServer(server=name):
                self.servers.stop(name)
            case actions.KillServer(server=name, reason=reason):
                self.servers.kill(name, f"killed, because {reason}")
            case actions.ForgetServer(server=name):
                self.servers.forget(name)
            case actions.StartBalancer(balancer=balancer):
                self.balancers.start(balancer, site)
            case actions.KillBalancer(balancer=balancer):
                self.balancers.kill(balancer)
            case actions.RetireBalancer(balancer=balancer):
                self.balancers.retire(balancer)
            case actions.TakeOver(balancer=balancer):
                self.balancers.take_over(balancer)
