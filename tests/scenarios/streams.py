"""One connection over HTTP/2 with several streams: uploads, trailers, and requests that are given up."""

import socket
import time
from collections.abc import Iterable
from dataclasses import dataclass

from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import DataReceived, Event, ResponseReceived, StreamEnded, StreamReset

from tests.client import insecure

Fields = Iterable[tuple[str, str]]


@dataclass
class Stream:
    """What has come back; `ended` says whether the stream is known to be over, `reset` that it did not end well."""

    status: int = 0
    body: bytes = b""
    ended: bool = False
    reset: bool = False


class Streams:
    """`with Streams(port) as streams:` asks https://localhost:`port` over one connection, from the address `source`."""

    def __init__(self, port: int, source: str = "127.0.0.1") -> None:
        tls = insecure()
        tls.set_alpn_protocols(["h2"])
        plain = socket.create_connection(("127.0.0.1", port), 10, (source, 0))
        self._socket = tls.wrap_socket(plain, server_hostname="localhost")
        self._state = H2Connection()
        self._state.initiate_connection()
        self._authority = f"localhost:{port}"
        self.streams: dict[int, Stream] = {}

    def __enter__(self) -> "Streams":
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def ask(self, path: str, method: str = "GET", headers: Fields = (), more: bool = False) -> int:
        """Send the headers of a request; `more` says that a body follows. Returns the stream's number."""
        number = self._state.get_next_available_stream_id()
        head = [(":method", method), (":scheme", "https"), (":authority", self._authority), (":path", path)]
        self._state.send_headers(number, [*head, *headers], end_stream=not more)
        self.streams[number] = Stream()
        self._flush()
        return number

    def upload(self, path: str, length: int, times: int) -> list[int]:
        """Send several bodies side by side, a frame of each in turn, until all have gone or been refused."""
        left = {self.ask(path, "POST", [("content-length", str(length))], more=True): length for _ in range(times)}
        numbers = list(left)
        while left:
            sent = [self._frame(number, left) for number in list(left)]
            if not any(sent):
                self._receive(0.2)
        return numbers

    def _frame(self, number: int, left: dict[int, int]) -> bool:
        """Send what may be sent of a body now; forget it when nothing is left or wanted. False if it has to wait."""
        if self.streams[number].ended:
            del left[number]
            return True
        room = min(self._state.local_flow_control_window(number), self._state.max_outbound_frame_size, left[number])
        if room:
            left[number] -= room
            self._state.send_data(number, b"x" * room, end_stream=not left[number])
            self._flush()
            if not left[number]:
                del left[number]
        return room > 0

    def send(self, number: int, body: bytes, trailers: Fields = (), last: bool = True, timeout: float = 10.0) -> None:
        """Send a body, and trailers, as fast as they are taken, also when the answer has come; not after a reset."""
        deadline = time.monotonic() + timeout
        trailers = list(trailers)
        while body and not self.streams[number].reset and time.monotonic() < deadline:
            room = min(self._state.local_flow_control_window(number), self._state.max_outbound_frame_size, len(body))
            if room:
                self._state.send_data(number, body[:room], end_stream=last and room == len(body) and not trailers)
                body = body[room:]
                self._flush()
            else:
                self._receive(0.2)
        if trailers and not self.streams[number].reset:
            self._state.send_headers(number, trailers, end_stream=True)
            self._flush()

    def give_up(self, number: int) -> None:
        """Reset a stream, as a browser does whose user clicks away."""
        self._state.reset_stream(number, ErrorCodes.CANCEL)
        self._flush()

    def wait(self, number: int, timeout: float) -> Stream:
        """The stream, once it has ended or `timeout` (s) has passed."""
        deadline = time.monotonic() + timeout
        while not self.streams[number].ended and (left := deadline - time.monotonic()) > 0:
            self._receive(left)
        return self.streams[number]

    def _receive(self, timeout: float) -> None:
        self._socket.settimeout(max(0.001, timeout))
        try:
            data = self._socket.recv(65536)
        except TimeoutError:
            return
        for event in self._state.receive_data(data):
            self._note(event)
        self._flush()

    def _note(self, event: Event) -> None:
        match event:
            case ResponseReceived(stream_id=number, headers=headers):
                self.streams[number].status = int(dict(headers)[b":status"])
            case DataReceived(stream_id=number, data=data, flow_controlled_length=length):
                self.streams[number].body += data
                self._state.acknowledge_received_data(length, number)
            case StreamEnded(stream_id=number):
                self.streams[number].ended = True
            case StreamReset(stream_id=number):
                self.streams[number].ended = self.streams[number].reset = True

    def _flush(self) -> None:
        self._socket.settimeout(10)
        self._socket.sendall(self._state.data_to_send())
