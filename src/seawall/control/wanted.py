"""From settings to what is wanted: the site as decisions see it, the application, and the configuration of the edge."""

import hashlib
import os
import pwd
import resource
from dataclasses import dataclass
from pathlib import Path

from seawall.config import Settings
from seawall.control.most import most
from seawall.fleet.application import Application, find
from seawall.haproxy.memory import memory_limit
from seawall.haproxy.render import Edge
from seawall.model import Site
from seawall.paths import Paths
from seawall.tls.certificate import ensure_certificate


@dataclass(frozen=True)
class Wanted:
    """All that the control plane is told."""

    name: str
    site: Site
    application: Application
    edge: Edge
    address: str
    ports: dict[str, int]  # "http", and "https" where it is on

    @property
    def urls(self) -> list[str]:
        host = self.application.hosts[0]
        usual = {"http": 80, "https": 443}
        return [_url(scheme, host, port, usual[scheme]) for scheme, port in reversed(self.ports.items())]


def _url(scheme: str, host: str, port: int, usual: int) -> str:
    return f"{scheme}://{host}/" if port == usual else f"{scheme}://{host}:{port}/"


def wanted(settings: Settings, paths: Paths) -> Wanted:
    """Finds the application and makes the certificate. Raises the errors of both."""
    application = find(settings, paths.project)
    edge = _edge(settings, application, paths)
    site = Site(
        min=settings.servers.min,
        max=settings.servers.max or most(settings.servers.min, application.kind).servers,
        cores=len(os.sched_getaffinity(0)),
        hold=settings.servers.hold,
        slots=application.concurrency,
        strategy=settings.balancer.strategy,
        edge=edge.digest(),
        start_timeout=settings.servers.start_timeout,
        stop_timeout=settings.servers.stop_timeout,
    )
    ports = {"http": settings.listen.http}
    if settings.https.enabled:
        ports["https"] = settings.listen.https
    name = settings.name or paths.project.name
    return Wanted(name, site, application, edge, settings.listen.address, ports)


def _edge(settings: Settings, application: Application, paths: Paths) -> Edge:
    https = settings.https
    own = paths.project / Path(https.certificate).expanduser() if https.certificate else None
    kind = "wsgi" if application.kind == "django" else application.kind
    account = _haproxy_account()
    sticky = settings.sticky(kind)
    certificate = ensure_certificate(paths, https.domains, own) if https.enabled else None
    return Edge(
        concurrency=application.concurrency,
        request_timeout=settings.servers.request_timeout,
        queue_timeout=settings.servers.queue_timeout,
        https_port=settings.listen.https if https.enabled else None,
        certificate=certificate,
        certificate_digest=hashlib.sha256(certificate.read_bytes()).hexdigest() if certificate else "",
        redirect=https.enabled and https.redirect,
        sticky=sticky,
        user=account,
        group=account,
        max_connections=_max_connections(),
        run_folder=paths.runtime,
        body_timeout=settings.servers.body_timeout,
        stream_timeout=settings.servers.stream_timeout,
        hop=kind == "command",
        beats=kind != "command",
        # A cookie leads all that one visitor sends to one server.
        slots=application.concurrency * (1 if sticky else settings.servers.min),
    )


def _haproxy_account() -> str | None:
    """Where we are root HAProxy runs as its own user; otherwise as ours."""
    try:
        pwd.getpwnam("haproxy")
    except KeyError:
        return None
    return "haproxy" if os.geteuid() == 0 else None


def _max_connections() -> int:
    """For each balancer: what the limit of open files and a quarter of the memory allow.

    An idle visitor needs one file, one being served two; and a connection with TLS 44 KB in HAProxy 2.6, whether it is
    used or not.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(100, min(50_000, limit * 3 // 4, memory_limit() // 4 // 44_000))
