"""People who use a site: a browser with cookies, redirects and forms, and one request over HTTP/2."""

import html
import json
import re
import socket
import urllib.error
import urllib.parse
import urllib.request
from dataclasses import dataclass
from email.message import Message
from http.cookiejar import CookieJar
from typing import Any

from h2.connection import H2Connection
from h2.events import DataReceived, ResponseReceived, StreamEnded

from tests.client import insecure
from tests.patience import PATIENCE as TIMEOUT


@dataclass(frozen=True)
class Page:
    """What came back, after redirects; `url` is where they led."""

    url: str
    status: int
    headers: Message
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def json(self) -> Any:
        return json.loads(self.body)

    def files(self) -> list[str]:
        """Paths of the style sheets, scripts and pictures the page needs from this site."""
        named = re.findall(r'<(?:link|script|img)[^>]*? (?:href|src)="(/[^/"][^"]*)"', self.text)
        return [html.unescape(path) for path in dict.fromkeys(named)]


class Visitor:
    """One person, at https://localhost:`port`. Sends Origin and Referer with a form, as browsers do."""

    def __init__(self, port: int) -> None:
        self.home = f"https://localhost:{port}"
        self.cookies = CookieJar()
        self._browser = urllib.request.build_opener(
            urllib.request.HTTPSHandler(context=insecure()),
            urllib.request.HTTPCookieProcessor(self.cookies),
            urllib.request.ProxyHandler({}),
        )

    def get(self, path: str, **headers: str) -> Page:
        return self._open(urllib.request.Request(self._url(path), headers=headers))

    def post(self, path: str, body: bytes, kind: str = "application/x-www-form-urlencoded", **headers: str) -> Page:
        sent = {"Content-Type": kind, "Origin": self.home, "Referer": self._url(path), **headers}
        # A browser sends no header rather than an empty one.
        sent = {name: value for name, value in sent.items() if value}
        return self._open(urllib.request.Request(self._url(path), data=body, headers=sent))

    def stream(self, path: str) -> Any:
        """The answer as a file that is still being written."""
        return self._browser.open(self._url(path), timeout=TIMEOUT)

    def submit(
        self, path: str, fields: dict[str, str], *, token_from: str = "", headers: dict[str, str] | None = None
    ) -> Page:
        """Send `fields` to `path`, with Django's token if the page there, or at `token_from`, has one."""
        body = urllib.parse.urlencode(self.token(token_from or path) | fields)
        return self.post(path, body.encode(), **headers or {})

    def token(self, path: str) -> dict[str, str]:
        """The hidden fields of the forms on a page that carry Django's token."""
        found = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', self.get(path).text)
        return {"csrfmiddlewaretoken": found[1]} if found else {}

    def cookie(self, name: str) -> Any:
        return next(cookie for cookie in self.cookies if cookie.name == name)

    def _url(self, path: str) -> str:
        return urllib.parse.urljoin(self.home, path)

    def _open(self, request: urllib.request.Request) -> Page:
        try:
            answer = self._browser.open(request, timeout=TIMEOUT)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return Page(answer.geturl(), answer.status, answer.headers, answer.read())


def get_h2(port: int, path: str = "/") -> tuple[int, bytes]:
    """Status and body of one GET over HTTP/2."""
    tls = insecure()
    tls.set_alpn_protocols(["h2"])
    with (
        socket.create_connection(("127.0.0.1", port), TIMEOUT) as plain,
        tls.wrap_socket(plain, server_hostname="localhost") as connection,
    ):
        assert connection.selected_alpn_protocol() == "h2"
        state = H2Connection()
        state.initiate_connection()
        authority = f"localhost:{port}"
        head = [(":method", "GET"), (":scheme", "https"), (":authority", authority), (":path", path)]
        state.send_headers(1, head, end_stream=True)
        connection.sendall(state.data_to_send())
        return _answer(connection, state)


def _answer(connection: socket.socket, state: H2Connection) -> tuple[int, bytes]:
    status, body = 0, b""
    while data := connection.recv(65536):
        for event in state.receive_data(data):
            if isinstance(event, ResponseReceived):
                status = int(dict(event.headers)[b":status"])
            elif isinstance(event, DataReceived):
                body += event.data
                state.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            elif isinstance(event, StreamEnded):
                return status, body
        connection.sendall(state.data_to_send())
    raise ConnectionResetError("the connection ended before the answer")
