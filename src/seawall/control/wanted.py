"""From settings to what is wanted: the site as decisions see it, the application, and the configuration of the edge."""

import hashlib
import os
import pwd
import resource
import time
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from seawall.allowance import memory_limit, processors
from seawall.config import Kind, Settings, size_in_bytes
from seawall.config.live import with_live
from seawall.control.most import most
from seawall.fleet.application import Application, find
from seawall.fleet.groups import Limits
from seawall.haproxy.render import Edge
from seawall.model import Site
from seawall.paths import Paths
from seawall.tls.certificate import ensure_certificate, needs_renewal, read_own


@dataclass(frozen=True)
class Wanted:
    """All that the control plane is told."""

    name: str
    site: Site
    application: Application
    edge: Edge
    address: str
    ports: dict[str, int]  # "http", and "https" where it is on
    file: Settings = field(default_factory=Settings)  # what seawall.toml said
    limits: Limits = field(default_factory=Limits)  # of each server

    @property
    def urls(self) -> list[str]:
        host = self.application.hosts[0]
        usual = {"http": 80, "https": 443}
        return [_url(scheme, host, port, usual[scheme]) for scheme, port in reversed(self.ports.items())]


def _url(scheme: str, host: str, port: int, usual: int) -> str:
    return f"{scheme}://{host}/" if port == usual else f"{scheme}://{host}:{port}/"


def wanted(file: Settings, paths: Paths, live: Mapping[str, str] | None = None) -> Wanted:
    """Finds the application and makes the certificate; `live` is what `seawall set` said. Raises the errors of both."""
    return built(file, live or {}, paths, find(with_live(file, live or {}), paths.project))


def built(
    file: Settings, live: Mapping[str, str], paths: Paths, application: Application, before: Edge | None = None
) -> Wanted:
    """With an application that was found. Makes the certificate, and raises its errors."""
    settings = with_live(file, live)
    edge = _edge(settings, application, paths, _slots(file, settings, application))
    if before and replace(edge, slots=before.slots, concurrency=before.concurrency) == before:
        # How many servers there are and what they work on is a matter of moments, and no reason for new balancers.
        edge = replace(before, concurrency=edge.concurrency)
    ports = {"http": settings.listen.http}
    if settings.https.enabled:
        ports["https"] = settings.listen.https
    site = _site(settings, application, edge)
    name, limits = _name(settings, paths), _limits(settings)
    return Wanted(name, site, application, edge, settings.listen.address, ports, file, limits)


def lightly(before: Wanted, file: Settings, live: Mapping[str, str], paths: Paths) -> Wanted:
    """With what only decisions ask for as it is now, and nothing looked for anew."""
    settings = with_live(file, live)
    application = replace(before.application, concurrency=settings.concurrency(_kind(before.application)))
    edge = replace(before.edge, concurrency=application.concurrency)
    if application.concurrency < before.application.concurrency:
        # The shares of slow uploads are in a balancer's configuration: of fewer places they would be all.
        edge = replace(edge, slots=min(edge.slots, _slots(file, settings, application)))
    site = _site(settings, application, edge)
    name, limits = _name(settings, paths), _limits(settings)
    return replace(before, name=name, site=site, application=application, edge=edge, file=file, limits=limits)


def certificate_is_new(settings: Settings, paths: Paths, before: Edge) -> bool:
    """Whether `built` would come to another certificate, of which nothing is made yet. Raises ConfigError."""
    if not settings.https.enabled:
        return False
    if own := _own_certificate(settings, paths):
        return hashlib.sha256(read_own(paths, own)).hexdigest() != before.certificate_digest
    return bool(needs_renewal(paths, settings.https.domains, time.time())) or before.certificate != paths.certificate


def starts_alike(before: Application, now: Application) -> bool:
    """Whether servers of both are the same. How many requests they work on at a time is told to them as they run."""
    now = replace(now, concurrency=before.concurrency)
    if now.kind == "command":
        now = replace(
            now,
            stop_timeout=before.stop_timeout,
            warm_path=before.warm_path,
            warm_timeout=before.warm_timeout,
            hosts=before.hosts,
        )
    return before == now


def _own_certificate(settings: Settings, paths: Paths) -> Path | None:
    name = settings.https.certificate
    return paths.project / Path(name).expanduser() if name else None


def _limits(settings: Settings) -> Limits:
    return Limits(settings.servers.cpu, size_in_bytes(settings.servers.memory))


def _name(settings: Settings, paths: Paths) -> str:
    return settings.name or paths.project.name


def _site(settings: Settings, application: Application, edge: Edge) -> Site:
    return Site(
        min=settings.servers.min,
        max=settings.servers.max or most(settings.servers.min, application.kind).servers,
        idle=settings.servers.idle,
        cores=processors(),
        hold=settings.servers.hold,
        slots=application.concurrency,
        strategy=settings.balancer.strategy,
        edge=edge.digest(),
        start_timeout=settings.servers.start_timeout,
        stop_timeout=settings.servers.stop_timeout,
    )


def _slots(file: Settings, settings: Settings, application: Application) -> int:
    """Of all servers that are wanted at least, or of the one to which a cookie leads all that a visitor sends."""
    kind = _kind(application)
    # A number that was raised on the running site is no reason for new balancers; see `lightly` for a lower one.
    each = min(file.concurrency(kind), settings.concurrency(kind))
    return each * (1 if settings.sticky(kind) else max(1, file.servers.min))


def _kind(application: Application) -> Kind:
    return "wsgi" if application.kind == "django" else application.kind


def _edge(settings: Settings, application: Application, paths: Paths, slots: int) -> Edge:
    https = settings.https
    kind = _kind(application)
    account = _haproxy_account()
    certificate = ensure_certificate(paths, https.domains, _own_certificate(settings, paths)) if https.enabled else None
    return Edge(
        concurrency=application.concurrency,
        request_timeout=settings.servers.request_timeout,
        queue_timeout=settings.servers.queue_timeout,
        https_port=settings.listen.https if https.enabled else None,
        certificate=certificate,
        certificate_digest=hashlib.sha256(certificate.read_bytes()).hexdigest() if certificate else "",
        redirect=https.enabled and https.redirect,
        sticky=settings.sticky(kind),
        user=account,
        group=account,
        max_connections=_max_connections(),
        run_folder=paths.runtime,
        body_timeout=settings.servers.body_timeout,
        stream_timeout=settings.servers.stream_timeout,
        hop=kind == "command",
        beats=kind != "command",
        slots=slots,
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
