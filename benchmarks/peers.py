"""Starts sites, and what they are measured beside, on free ports in temporary folders: HAProxy, nginx, gunicorn."""

import contextlib
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from tests.client import insecure
from tests.scenarios.site import Site, free_ports, running, whole

from benchmarks.measure import MeasurementFailed, tree

HERE = Path(__file__).parent
FLIGHTS = HERE.parent / "examples" / "flights"
TEMPLATES = Environment(loader=FileSystemLoader(HERE / "peers"), undefined=StrictUndefined, trim_blocks=True)
STOP = 5.0  # s a peer may take to end
OPENER = urllib.request.build_opener(urllib.request.HTTPSHandler(context=insecure()))


@contextlib.contextmanager
def workshop() -> Iterator[Path]:
    """A temporary folder that HAProxy, as its own user, may pass through."""
    folder = Path(tempfile.mkdtemp(prefix="seawall-benchmark-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass
class Peer:
    """A server beside Seawall, by its main process."""

    process: subprocess.Popen[bytes]
    log: Path
    http: int = 0
    https: int = 0

    def pids(self) -> list[int]:
        return tree(self.process.pid)


@contextlib.contextmanager
def started(command: list[str], folder: Path, environment: dict[str, str] | None = None) -> Iterator[Peer]:
    """A process in `folder` and everything it starts, ended afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "output.log"
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            cwd=folder,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield Peer(process, log)
    finally:
        process.terminate()  # so that it waits for its children, whose processor time is then known to be ours
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def wait_for(url: str, peer: Peer | None = None, timeout: float = 30.0) -> bytes:
    """The first page that is answered 200. Raises MeasurementFailed when the peer ends or time (s) runs out."""
    deadline = time.monotonic() + timeout
    last: object = None
    while time.monotonic() < deadline and (peer is None or peer.process.poll() is None):
        try:
            with OPENER.open(url, timeout=timeout) as answer:
                return bytes(answer.read())
        except urllib.error.HTTPError as error:
            last = error.code
        except (OSError, HTTPException) as error:
            last = error
        time.sleep(0.002)
    raise MeasurementFailed(f"{url} does not answer: {last}\n{peer.log.read_text()[-2000:] if peer else ''}")


def _template(name: str, folder: Path, **values: Any) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / name.removesuffix(".j2")
    file.write_text(TEMPLATES.get_template(name).render(folder=folder, **values))
    return file


@contextlib.contextmanager
def haproxy(
    folder: Path,
    servers: list[str],
    certificate: Path,
    balance: str = "roundrobin",
    template: str = "haproxy.cfg.j2",
) -> Iterator[Peer]:
    """A hand-written HAProxy. `servers` are addresses in its own notation."""
    http, https = free_ports(2)
    file = _template(
        template, folder, http=http, https=https, servers=servers, certificate=certificate, balance=balance
    )
    with started(["haproxy", "-db", "-f", str(file)], folder) as peer:
        peer.http, peer.https = http, https
        wait_for(f"http://127.0.0.1:{http}/", peer)
        yield peer


@contextlib.contextmanager
def nginx(folder: Path, servers: list[str], certificate: Path, template: str) -> Iterator[Peer]:
    """nginx by one of our templates. `servers` are paths of unix sockets."""
    http, https = free_ports(2)
    file = _template(template, folder, http=http, https=https, servers=servers, certificate=certificate)
    with started(["nginx", "-p", str(folder), "-c", str(file), "-e", str(folder / "error.log")], folder) as peer:
        peer.http, peer.https = http, https
        yield peer


@contextlib.contextmanager
def gunicorn(
    project: Path, socket: Path, *, workers: int, threads: int, application: str = "flights.wsgi:application"
) -> Iterator[Peer]:
    """gunicorn with threaded workers serving a site, as its deployment documentation has it."""
    command = [sys.executable, "-m", "gunicorn", application, "--worker-class", "gthread"]
    command += ["--workers", str(workers), "--threads", str(threads), "--bind", f"unix:{socket}"]
    command += ["--worker-tmp-dir", "/dev/shm", "--no-control-socket"]
    with started(command, project) as peer:
        yield peer


def self_signed(folder: Path) -> Path:
    """A certificate with its key, for peers that are measured over HTTP only."""
    key, file = folder / "key.pem", folder / "self-signed.pem"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    command += ["-subj", "/CN=localhost", "-keyout", str(key), "-out", str(file)]
    subprocess.run(command, check=True, capture_output=True)
    file.write_text(file.read_text() + key.read_text())
    return file


# Sites


def flights(folder: Path) -> Path:
    """The flights site in a folder of its own, its database filled anew."""
    shutil.copytree(FLIGHTS, folder, ignore=shutil.ignore_patterns("*.sqlite3*", "__pycache__", "mail", ".seawall"))
    done = subprocess.run(
        [sys.executable, "manage.py", "seed"], cwd=folder, capture_output=True, text=True, timeout=120, check=False
    )
    if done.returncode:
        raise MeasurementFailed(f"the flights site cannot be seeded: {done.stderr}")
    return folder


def copy_site(project: Path, folder: Path) -> None:
    """The same site with the same data, before it is served: a database in use is more than one file."""
    shutil.copytree(project, folder)


@contextlib.contextmanager
def site(folder: Path, settings: str) -> Iterator[Site]:
    """The real `seawall up` in `folder`, on free ports, with everything in place."""
    folder.mkdir(parents=True, exist_ok=True)
    with running(Site(folder, settings)) as up:
        yield up


def balancers(up: Site) -> list[int]:
    """Both HAProxy: the spare's heartbeats are part of what the edge costs."""
    return list(up.balancers().values())


@contextlib.contextmanager
def asleep(up: Site) -> Iterator[None]:
    """Stops Seawall's balancers and control plane, so that what they do at rest costs the peer nothing."""
    assert up.control is not None
    pids = balancers(up)
    for pid in (up.control.pid, *pids):
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        time.sleep(0.5)  # a balancer that has just slept answers late, and would be taken for hung
        os.kill(up.control.pid, signal.SIGCONT)
        time.sleep(0.5)
        up.wait(whole)


def tls() -> ssl.SSLContext:
    """Trusts anybody: the certificate is the same on both sides, and is not what is measured."""
    return insecure()
