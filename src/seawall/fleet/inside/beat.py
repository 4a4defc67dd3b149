"""Answers heartbeats on a socket and a thread of its own, whatever the threads or the event loop of requests do."""

import contextlib
import json
import signal
import socket
import threading
import time

from .work import SLOTS, Work

PATIENCE = 0.2  # s a client may take to ask: balancers and the control plane do so as soon as they have connected
PAUSE = 0.05  # s after a connection could not be accepted, which may go on


def start(listener: socket.socket, work: Work) -> None:
    """Answer every question at `listener` with what `work` says, for as long as the process lives."""
    threading.Thread(target=_serve, args=(listener, work), name="seawall heartbeat", daemon=True).start()


def _serve(listener: socket.socket, work: Work) -> None:
    signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())  # the main thread is to be interrupted by them
    listener.setblocking(True)
    while True:
        try:
            client, _ = listener.accept()
        except OSError:  # no file descriptors left
            time.sleep(PAUSE)
            continue
        with client, contextlib.suppress(OSError):  # a client that vanished
            client.settimeout(PATIENCE)
            if question := client.recv(4096):
                _heed(question, work)
                client.sendall(_answer(work))


def _heed(question: bytes, work: Work) -> None:
    """Only the control plane and the balancers can ask, and these pass nothing on."""
    told = question.partition(f"\r\n{SLOTS}: ".encode())[2].partition(b"\r")[0]
    if told.isdigit() and int(told) not in (0, work.expected):
        work.resize(int(told))


def _answer(work: Work) -> bytes:
    seen = work.seen()
    status = "200 OK" if work.takes_more(seen["working"], seen["abandoned"]) else "503 Busy"
    body = json.dumps(seen).encode()
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\nConnection: close"
    return f"{head}\r\n\r\n".encode() + body
