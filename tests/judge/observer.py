"""Watches the processes of a drill as the control plane does, one task each, and writes every verdict to a file.

Arguments: a JSON file of [name, kind, pid, start time, socket], and where to write "time name VERDICT". At SIGTERM it
adds a line of totals.
"""

import asyncio
import contextlib
import json
import signal
import socket
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from seawall.judge import BALANCER, SERVER, Pulse, Threads, Verdict, Watch, readable, readable_by
from seawall.judge.pace import ASK

MUTE = 2.0  # s until the same is said again of the same process


@dataclass
class Totals:
    """What shows that the pressure was real: `naive` would have been killed by counting misses alone."""

    questions: int = 0
    looks: int = 0
    late: int = 0
    naive: int = 0


@dataclass
class Target:
    name: str
    kind: str
    watch: Watch
    connection: socket.socket
    asked: int = 0
    misses: int = 0
    muted: dict[Verdict, float] = field(default_factory=dict)
    naive_muted: float = 0.0
    totals: Totals = field(default_factory=Totals)

    def ask(self) -> None:
        self.asked += 1
        question = b"show version\n" if self.kind == "balancer" else b"%d" % self.asked
        self.connection.send(question)

    def count_misses(self, now: float, took: float) -> None:
        """As a rule does that knows nothing but time: killed after two misses in a row."""
        self.misses = self.misses + int(took / ASK) if took > ASK else 0
        if self.misses >= 2 and now > self.naive_muted:
            self.totals.naive += 1
            self.naive_muted = now + MUTE

    def take(self) -> Pulse | None:
        """Read what has come. Raises BlockingIOError while it is not the whole answer to the last question."""
        while True:
            words = self.connection.recv(65536)
            if self.kind == "balancer":
                if words.endswith(b"\n> "):
                    return None
                continue
            number, *counters = map(int, words.split())
            if number == self.asked:
                return Pulse(*counters) if self.kind == "python" else None


def connected(name: str, kind: str, path: str) -> socket.socket:
    if kind == "balancer":
        made = socket.socket(socket.AF_UNIX)
        made.connect(path)
        made.send(b"prompt\n")  # keeps the connection: HAProxy has ten of them
        made.recv(64)
    else:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        made.bind(f"{path}.{time.monotonic_ns()}")
        made.connect(path)
    made.setblocking(False)
    return made


async def follow(target: Target, out: TextIO) -> None:
    watch, fd, totals = target.watch, target.connection.fileno(), target.totals
    while True:
        await asyncio.sleep(watch.due - time.monotonic())
        target.ask()
        asked = time.monotonic()
        watch.asked(asked)
        totals.questions += 1
        verdict = Verdict.WAITING
        while watch.unanswered:
            with contextlib.suppress(BlockingIOError):
                pulse = target.take()
                verdict = watch.answered(time.monotonic(), pulse)
                break
            if not await readable_by(fd, watch.due):
                now = time.monotonic()
                totals.looks += 1
                totals.late += not watch.pace.on_time(now)
                note(target, watch.look(now, lambda: readable(fd)), out)
        note(target, verdict, out)
        target.count_misses(time.monotonic(), time.monotonic() - asked)


def note(target: Target, verdict: Verdict, out: TextIO) -> None:
    now = time.monotonic()
    if (verdict.hung or verdict is Verdict.BUSY) and now > target.muted.get(verdict, 0.0):
        target.muted[verdict] = now + MUTE
        out.write(f"{now:.3f} {target.name} {verdict.name}\n")
        out.flush()


async def main(spec: Path, out: Path) -> None:
    targets = []
    for name, kind, pid, started, path in json.loads(spec.read_text()):
        limits = BALANCER if kind == "balancer" else SERVER
        watch = Watch(Threads(pid, started), limits, time.monotonic())
        targets.append(Target(name, kind, watch, connected(name, kind, path)))
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    with out.open("a") as lines:
        tasks = [asyncio.create_task(follow(target, lines)) for target in targets]
        lines.write(f"{time.monotonic():.3f} - READY\n")
        lines.flush()
        stopping = asyncio.create_task(stop.wait())
        done, _ = await asyncio.wait([*tasks, stopping], return_when=asyncio.FIRST_COMPLETED)
        for task in done - {stopping}:
            await task
        for target in targets:
            target.watch.close()
        lines.write(f"{time.monotonic():.3f} - TOTALS {json.dumps(summed(targets))}\n")
        for task in tasks:
            task.cancel()


def summed(targets: list[Target]) -> dict[str, float]:
    totals = {key: sum(getattr(t.totals, key) for t in targets) for key in ("questions", "looks", "late", "naive")}
    balancers = sum(target.totals.naive for target in targets if target.kind == "balancer")
    return totals | {"naive balancers": balancers, "processor": time.process_time()}


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), Path(sys.argv[2])))
