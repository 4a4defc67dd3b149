"""A server that hangs, computes or waits as it is told. Arguments: where it is asked, where it takes orders, its kind.

Kind "python": a loop, four request threads and a heartbeat thread. Kind "plain": one thread that does everything.
An order is "WHAT SECONDS".
"""

import ctypes
import gc
import hashlib
import json
import queue
import resource
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable

WITH_THE_LOCK = ctypes.PyDLL(None)  # calls into C that keep the interpreter's lock
THREADS = 4


def until(end: float, step: Callable[[], object]) -> None:
    while time.monotonic() < end:
        step()


def collect() -> None:
    heap = [[number] for number in range(1_000_000)]
    gc.collect()
    del heap


def work(what: str, end: float, shared: threading.Lock) -> None:
    left = max(0.0, end - time.monotonic())
    if what in ("wait", "block"):
        time.sleep(left)
    elif what == "asleep":
        WITH_THE_LOCK.usleep(int(left * 1e6))
    elif what == "deadlock":
        shared.acquire(timeout=left)
    elif what == "compute":
        until(end, int)
    elif what == "spin":
        until(end, lambda: sum(range(3 * 10**8)))
    elif what == "hash":
        until(end, lambda: hashlib.pbkdf2_hmac("sha256", b"", b"", 10**6))
    elif what == "collect":
        until(end, collect)
    elif what == "parse":
        until(end, lambda: json.loads("[" + "1," * 4_000_000 + "1]"))


class Server:
    def __init__(self, asked: str, orders: str) -> None:
        self.loop = self.begun = self.ended = 0
        self.questions, self.orders = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM), self.bound(orders)
        self.questions = self.bound(asked)
        self.jobs: queue.SimpleQueue[Callable[[], None]] = queue.SimpleQueue()
        self.counting = threading.Lock()

    @staticmethod
    def bound(path: str) -> socket.socket:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        made.bind(path)
        return made

    def answer(self) -> None:
        question, peer = self.questions.recvfrom(64)
        working = self.begun - self.ended
        words = (question.decode(), self.loop, self.begun, self.ended, working, 0)
        self.questions.sendto(" ".join(map(str, words)).encode(), peer)

    def answers(self) -> None:
        while True:
            self.answer()

    def requests(self) -> None:
        while True:
            job = self.jobs.get()
            job()
            with self.counting:
                self.ended += 1

    def python(self) -> None:
        for target in (self.answers, *[self.requests] * THREADS):
            threading.Thread(target=target, daemon=True).start()
        self.orders.settimeout(0.05)
        while True:
            self.loop += 1
            try:
                what, seconds = self.orders.recv(64).decode().split()
            except TimeoutError:
                continue
            self.obey(what, time.monotonic() + float(seconds))

    def obey(self, what: str, end: float) -> None:
        shared = threading.Lock()
        shared.acquire()
        one = 1 if what in ("asleep", "spin", "collect", "parse") else THREADS
        for _ in range(one):
            self.begun += 1
            self.jobs.put(lambda: work(what, end, shared))
        if what in ("deadlock", "block", "hash"):
            work(what, end, shared)

    def plain(self) -> None:
        """What answers also works: a program that we know nothing of."""
        self.orders.setblocking(False)
        self.questions.settimeout(0.05)
        while True:
            try:
                what, seconds = self.orders.recv(64).decode().split()
                work(what, time.monotonic() + float(seconds), threading.Lock())
            except BlockingIOError:
                pass
            try:
                self.answer()
            except TimeoutError:
                continue


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    resource.setrlimit(resource.RLIMIT_CPU, (600, 600))
    server = Server(sys.argv[1], sys.argv[2])
    server.python() if sys.argv[3] == "python" else server.plain()
