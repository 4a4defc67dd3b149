"""Every setting once, its default and its meaning side by side."""

import ipaddress
import re
import shlex
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError

from seawall.model import Strategy

Kind = Literal["wsgi", "asgi", "command"]

Text = Annotated[str, Field(pattern=r"^[^\x00-\x1f\x7f]*$")]
Seconds = Annotated[float, Field(ge=0.1, le=86400, json_schema_extra={"unit": "seconds"})]
Port = Annotated[int, Field(ge=1, le=65535)]

LABEL = r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9])?"
HOST_NAME = re.compile(rf"(?=.{{1,253}}$)(\*\.)?({LABEL}\.)*{LABEL}")


def _expected(what: str) -> PydanticCustomError:
    return PydanticCustomError("expected", "{what}", {"what": what})


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _host_name(value: str) -> str:
    if not HOST_NAME.fullmatch(value.lower()) and not _is_address(value):
        raise _expected("host names such as example.org or *.example.org, or IP addresses")
    return value.lower()


# Requests a server works on at a time, and why: docs/decisions/0016-how-many-at-a-time.md.
CONCURRENCY: dict[Kind, tuple[int, str]] = {
    "wsgi": (4, "threads of one process, which compute in turn: more make each page later, fewer idle while one waits"),
    "asgi": (100, "its event loop goes on with others while one waits"),
    "command": (100, "a program of another kind sets its own limit below that"),
}

_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([MGT])B?")
_UNITS = {"M": 1 << 20, "G": 1 << 30, "T": 1 << 40}
SMALLEST = 16 << 20  # bytes: Python alone needs as much


def size_in_bytes(text: str) -> int | None:
    """What "512M" means; None for "", which is no limit. Raises ValueError."""
    if not text:
        return None
    match = _SIZE.fullmatch(text)
    if match is None:
        raise ValueError(f"not a size: {text}")
    return int(float(match[1]) * _UNITS[match[2]])


def _size(value: str) -> str:
    try:
        size = size_in_bytes(value)
    except ValueError:
        size = 0
    if size is not None and not SMALLEST <= size < 1 << 50:
        raise _expected('a size from "16M" on, such as "512M" or "1.5G"')
    return value


class Section(BaseModel):
    # Defaults are validated, too: 60 as a default and 60.0 from a file would be two configurations of the edge.
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, validate_default=True)


class Servers(Section):
    """The application servers."""

    min: int = Field(
        default=2,
        ge=0,
        le=200,
        description="How many servers there are at least. `0`: when nobody comes the site sleeps, and the next request "
        "waits until a server has started.",
    )
    idle: float | None = Field(
        default=None,
        ge=0.1,
        le=86400,
        json_schema_extra={"unit": "seconds"},
        description="With `min = 0`: seconds without a request after which the site sleeps. Without it: 60 where "
        "servers are forked, 600 where each is started anew.",
    )
    max: int | None = Field(
        default=None,
        ge=1,
        le=200,
        description="How many there are at most. Without it: what this machine's processors and memory allow; "
        "`seawall doctor` says the number.",
    )
    hold: Seconds = Field(
        default=60,
        description="Seconds that servers stay after the last moment that needed them; longer where they start slowly "
        "or were missed when they had gone.",
    )
    concurrency: int | None = Field(
        default=None,
        ge=1,
        le=10000,
        description="Requests one server works on at a time; more wait in the balancer. Without it: 4 for WSGI (its "
        "threads), 100 for everything else.",
    )
    cpu: float | None = Field(
        default=None,
        ge=0.05,
        le=1024,
        description="Share of a processor that each server may use: `0.5` is half of one, `2` are two. Enforced by "
        "control groups; `seawall doctor` says where there are none. Without it: no limit.",
    )
    memory: Annotated[Text, AfterValidator(_size)] = Field(
        default="",
        description='Memory each server may take, such as `"512M"` or `"1.5G"`; one that takes more is ended and '
        "replaced. What it shares with the process it is forked from does not count. Enforced by control groups, as "
        "`cpu` is. Without it: no limit.",
    )
    start_timeout: Seconds = Field(default=60, description="Seconds a new server may take to its first heartbeat.")
    stop_timeout: Seconds = Field(
        default=30, description="Seconds a server that leaves may take to finish its requests."
    )
    request_timeout: Seconds = Field(
        default=60, description="Seconds a server may take to begin its answer; then the person gets a 504."
    )
    stream_timeout: Seconds = Field(
        default=3600,
        description="Seconds a websocket, or an event stream (a request with `Accept: text/event-stream`, as browsers' "
        "EventSource sends it), may be silent. In all other answers `request_timeout` also limits each pause.",
    )
    body_timeout: Seconds = Field(
        default=30,
        description="Seconds a visitor may take to send a form, or the first 16 KB of a larger body; then 408.",
    )
    queue_timeout: Seconds = Field(
        default=30, description="Seconds a request may wait for a free server; then the person gets a 503."
    )

    @field_validator("max")
    @classmethod
    def _not_below_min(cls, value: int | None, info: ValidationInfo) -> int | None:
        if value is not None and value < info.data.get("min", 0):
            raise _expected(f"at least {info.data['min']}, as many as servers.min")
        return value


class Balancer(Section):
    """The load balancers."""

    strategy: Strategy = Field(
        default="least-connections", description="Which server gets the next request. `least-connections` waits least."
    )


class Listen(Section):
    """Where people reach the site."""

    address: Text = Field(
        default="127.0.0.1", description="IP address to listen on. `0.0.0.0` or `::` is every address of this machine."
    )
    http: Port = Field(default=8000, description="Port for HTTP.")
    https: Port = Field(default=8443, description="Port for HTTPS.")

    @field_validator("address")
    @classmethod
    def _address(cls, value: str) -> str:
        if not _is_address(value):
            raise _expected("an IP address such as 127.0.0.1, 0.0.0.0 or ::")
        return value

    @field_validator("https")
    @classmethod
    def _two_ports(cls, value: int, info: ValidationInfo) -> int:
        if value == info.data.get("http"):
            raise _expected("another port than listen.http")
        return value


class Sessions(Section):
    """How a person stays logged in whichever server answers."""

    mode: Literal["auto", "sticky", "none"] = Field(
        default="auto",
        description="`sticky`: a cookie leads a person back to the same server. `none`: any server may answer. "
        "`auto`: sticky for a `command`, which may keep sessions in memory; none for Python, whose sessions are in the "
        "database or a cookie.",
    )


class Https(Section):
    """Encryption."""

    enabled: bool = Field(default=True, description="Serve HTTPS, and HTTP/2 with it.")
    redirect: bool = Field(default=True, description="Send people who come by HTTP to HTTPS.")
    domains: tuple[Annotated[Text, AfterValidator(_host_name)], ...] = Field(
        default=("localhost",),
        strict=False,
        description="Names the certificate is for. localhost, 127.0.0.1 and ::1 are always in it.",
    )
    certificate: Text = Field(
        default="",
        description="Your own certificate: a PEM file with the chain and the private key, relative to this file. "
        "Without it one is made, signed by the local authority (`seawall trust`). Root reads it with the rights of "
        "whoever this file belongs to.",
    )


class Settings(Section):
    """The application. A Django project needs none of these: it is found by its `manage.py`."""

    name: Text = Field(default="", description="The site's name in what Seawall shows. Without it: the folder's name.")
    wsgi: Text = Field(default="", description='WSGI application by import path: `"mysite.wsgi:application"`.')
    asgi: Text = Field(
        default="", description='ASGI application by import path: `"main:app"`. One of wsgi, asgi, command.'
    )
    command: Text = Field(
        default="",
        description='Any other program, started once per server: `"node app.js {port}"`. It must listen on the '
        "TCP port `{port}` of 127.0.0.1 or on the unix socket `{socket}`.",
    )
    python: Text = Field(
        default="",
        description="The Python that runs the application, relative to this file. Without it: the project's virtual "
        "environment, then the Python Seawall runs in.",
    )
    environment: dict[str, str] = Field(
        default={},
        description="Environment variables for the application. Not for secrets: this file is in git. "
        "Where root runs it as another user, it gets only PATH, LANG, LC_*, TZ and TERM of root's own.",
    )
    warm_path: str = Field(
        default="/",
        pattern=r"^/[!-~]*$",
        description="Page asked for once before the first server starts, so that what the application loads late is "
        "loaded before it is forked.",
    )
    warm_timeout: Seconds = Field(
        default=10, description="Seconds that page may take; if it takes longer, servers are forked without it."
    )
    user: Text = Field(
        default="",
        description="System user the application runs as when root starts Seawall. Without it: the folder's owner. "
        "Counts only in a file that belongs to root or to that user.",
    )
    servers: Servers = Servers()
    balancer: Balancer = Balancer()
    listen: Listen = Listen()
    sessions: Sessions = Sessions()
    https: Https = Https()

    @field_validator("wsgi", "asgi", "command")
    @classmethod
    def _at_most_one(cls, value: str, info: ValidationInfo) -> str:
        others = [key for key in ("wsgi", "asgi") if info.data.get(key)]
        if value and others:
            raise _expected(f"at most one of wsgi, asgi and command, and {others[0]} is already set")
        return value

    @field_validator("wsgi", "asgi")
    @classmethod
    def _import_path(cls, value: str) -> str:
        if value and not re.fullmatch(r"[^\W\d]\w*(\.[^\W\d]\w*)*:[^\W\d]\w*(\.[^\W\d]\w*)*(\(\))?", value):
            raise _expected("an import path such as mysite.wsgi:application, or mysite:create_app()")
        return value

    @field_validator("command")
    @classmethod
    def _closed_quotes(cls, value: str) -> str:
        try:
            shlex.split(value)
        except ValueError:
            raise _expected("a command whose quotes are closed") from None
        return value

    @field_validator("environment")
    @classmethod
    def _variables(cls, value: dict[str, str]) -> dict[str, str]:
        for name, text in value.items():
            if not name or "=" in name or "\0" in name + text:
                raise _expected("names without `=` and values without the character 0")
        return value

    def concurrency(self, kind: Kind) -> int:
        """Requests one server of this kind works on at a time."""
        return self.servers.concurrency or CONCURRENCY[kind][0]

    def sticky(self, kind: Kind) -> bool:
        """Whether a person is led back to the same server."""
        return self.sessions.mode == "sticky" or (self.sessions.mode == "auto" and kind == "command")
