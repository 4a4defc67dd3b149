"""Load in a closed loop, by wrk and h2load: for ceilings only, as they wait for an answer before they ask again."""

import re
import subprocess
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from benchmarks.measure import MeasurementFailed, cpu_seconds


@dataclass(frozen=True)
class Ceiling:
    """What a closed loop of requests came to."""

    requests_per_second: float
    requests: int
    cpu: float = 0.0  # s of processor time of the processes watched

    @property
    def cpu_us(self) -> float:
        """µs of processor time a request."""
        return self.cpu / self.requests * 1e6


def wrk(url: str, connections: int, seconds: float, header: str = "") -> Ceiling:
    """HTTP/1.1 with keep-alive, one thread. Raises MeasurementFailed if any answer was an error or missing."""
    command = ["wrk", "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}s", "--timeout", "20s"]
    output = _run([*command, *(["-H", header] if header else []), url])
    wrong = re.search(r"Socket errors.*|Non-2xx or 3xx responses.*", output)
    if wrong:
        raise MeasurementFailed(f"{url}: {wrong[0]}")
    return Ceiling(_number(r"Requests/sec:\s+([\d.]+)", output), int(_number(r"(\d+) requests in", output)))


def h2load(url: str, connections: int, streams: int, seconds: float) -> Ceiling:
    """HTTP/2 over TLS, `streams` requests at a time on each connection."""
    command = ["h2load", f"-c{connections}", f"-m{streams}", "-t1", f"-D{max(1, round(seconds))}", url]
    output = _run(command)
    if "Application protocol: h2" not in output:
        raise MeasurementFailed(f"{url}: no HTTP/2\n{output}")
    if _number(r"(\d+) failed", output) or _number(r"(\d+) 5xx", output) or _number(r"(\d+) 4xx", output):
        raise MeasurementFailed(f"{url}: {output}")
    return Ceiling(_number(r"([\d.]+) req/s", output), int(_number(r"(\d+) succeeded", output)))


def watched(load: Callable[[], Ceiling], pids: Callable[[], Iterable[int]]) -> Ceiling:
    """The same load, with the processor time that the processes used meanwhile."""
    there = list(pids())
    before = cpu_seconds(there)
    result = load()
    return Ceiling(result.requests_per_second, result.requests, cpu_seconds(there) - before)


def _run(command: list[str]) -> str:
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    if done.returncode:
        raise MeasurementFailed(f"{' '.join(command)}: {done.stderr or done.stdout}")
    return done.stdout


def _number(pattern: str, text: str) -> float:
    found = re.search(pattern, text)
    if not found:
        raise MeasurementFailed(f"no {pattern} in {text}")
    return float(found[1])
