"""A real HTTP client under constant load: keep-alive, TLS, and at most one retry on a reset connection."""

import asyncio
import itertools
import ssl
import time
from collections import Counter
from dataclasses import dataclass, field

_IDEMPOTENT = ("GET", "HEAD", "OPTIONS")


@dataclass
class Tally:
    """What came of the requests. `classes` counts status codes and, by name, the errors that were no answer."""

    ok: int = 0
    failed: int = 0
    retried: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)  # "METHOD PATH: what happened"
    posted: list[str] = field(default_factory=list)  # ids of the POSTs that were answered with success
    seconds: list[float] = field(default_factory=list)
    bodies: Counter[bytes] = field(default_factory=Counter)

    def percentile(self, share: float) -> float:
        """Seconds within which `share` of the answers came."""
        ordered = sorted(self.seconds)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


@dataclass(frozen=True)
class Answer:
    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def all(self, name: str) -> list[str]:
        return [value for key, value in self.headers if key == name.lower()]

    def header(self, name: str) -> str | None:
        return next(iter(self.all(name)), None)


class Connection:
    """One keep-alive connection."""

    def __init__(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        self.host, self.port, self.tls = host, port, tls
        self.reader: asyncio.StreamReader | None = None
        self.writer: asyncio.StreamWriter | None = None

    async def request(self, method: str, path: str, body: bytes = b"", headers: str = "") -> Answer:
        """`headers` end in CRLF each; a Host among them comes first. Raises OSError, asyncio.IncompleteReadError."""
        if self.writer is None:
            name = "localhost" if self.tls else None
            self.reader, self.writer = await asyncio.open_connection(
                self.host, self.port, ssl=self.tls, server_hostname=name
            )
        length = f"Content-Length: {len(body)}\r\n" if body else ""
        if not headers.lower().startswith("host:"):
            headers = f"Host: localhost\r\n{headers}"
        self.writer.write(f"{method} {path} HTTP/1.1\r\n{headers}{length}\r\n".encode() + body)
        assert self.reader is not None
        answer = await read_answer(self.reader, method)
        if (answer.header("connection") or "").lower() == "close":
            self.close()
        return answer

    def close(self) -> None:
        if self.writer is not None:
            self.writer.close()
            self.writer = None


async def read_answer(reader: asyncio.StreamReader, method: str = "GET") -> Answer:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    status = int(head[0].split()[1])
    headers = [(name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in head[1:] if line)]
    answer = Answer(status, headers, b"")
    if method == "HEAD" or status in (204, 304):
        return answer
    if length := answer.header("content-length"):
        return Answer(status, headers, await reader.readexactly(int(length)))
    if "chunked" in (answer.header("transfer-encoding") or ""):
        return Answer(status, headers, await _chunks(reader))
    return Answer(status, headers, await reader.read())


async def _chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int(await reader.readline(), 16):
        body += await reader.readexactly(size)
        await reader.readexactly(2)
    await reader.readline()
    return body


def insecure() -> ssl.SSLContext:
    """Accepts any certificate: what is tested is not the authority."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


@dataclass
class Load:
    """Visitors who ask, wait a little, and ask again, each on an own connection.

    `{id}` in `path` becomes an id of this request alone. A reset connection is tried once more, as browsers do, but
    only for methods that may be sent twice (RFC 9110 section 9.2.2). Anything but 2xx, 3xx and 404 is a failure.
    """

    port: int
    host: str = "127.0.0.1"
    visitors: int = 20
    method: str = "GET"
    path: str = "/"
    body: bytes = b""
    headers: str = ""
    pause: float = 0.01
    timeout: float = 10.0
    tls: ssl.SSLContext | None = None
    tally: Tally = field(default_factory=Tally)

    def __post_init__(self) -> None:
        self._ids = itertools.count()
        self._stop = False

    async def run(self, seconds: float) -> Tally:
        """For `seconds`, or until `stop`."""
        async with asyncio.timeout(seconds + 2 * self.timeout):
            visitors = asyncio.gather(*(self._visitor() for _ in range(self.visitors)))
            await asyncio.wait([visitors], timeout=seconds)
            self._stop = True
            await visitors
        return self.tally

    def stop(self) -> None:
        self._stop = True

    async def _visitor(self) -> None:
        connection = Connection(self.host, self.port, self.tls)
        while not self._stop:
            await self._one(connection)
            await asyncio.sleep(self.pause)
        connection.close()

    async def _one(self, connection: Connection) -> None:
        identifier = str(next(self._ids))
        path = self.path.replace("{id}", identifier)
        started = time.perf_counter()
        answer = await self._attempt(connection, path)
        if isinstance(answer, Answer):
            self.tally.seconds.append(time.perf_counter() - started)
            self._answered(answer, path, identifier)
        else:
            self._failed(path, answer)

    async def _attempt(self, connection: Connection, path: str, first: bool = True) -> Answer | str:
        """The answer, or the name of what happened instead."""
        try:
            async with asyncio.timeout(self.timeout):
                return await connection.request(self.method, path, self.body, self.headers)
        except TimeoutError:
            connection.close()
            return "timeout"
        except (OSError, asyncio.IncompleteReadError) as error:
            connection.close()
            if first and self.method in _IDEMPOTENT:
                self.tally.retried += 1
                return await self._attempt(connection, path, first=False)
            return type(error).__name__

    def _answered(self, answer: Answer, path: str, identifier: str) -> None:
        if answer.status >= 400 and answer.status != 404:
            self._failed(path, str(answer.status))
            return
        self.tally.ok += 1
        self.tally.classes[str(answer.status)] += 1
        self.tally.bodies[answer.body[:20]] += 1
        if self.method == "POST":
            self.tally.posted.append(identifier)

    def _failed(self, path: str, what: str) -> None:
        self.tally.failed += 1
        self.tally.classes[what] += 1
        self.tally.failures.append(f"{self.method} {path}: {what}")
