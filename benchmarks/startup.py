"""Claim: two seconds after `seawall up`, examples/flights serves its first page over HTTPS."""

import contextlib
import time
from collections.abc import Callable
from pathlib import Path

from tests.scenarios.site import Site, whole

from benchmarks import peers
from benchmarks.measure import Row, in_turn, plan, report


def ours(up: Site) -> float:
    """s from the command to the page; everything is stopped again."""
    began = time.monotonic()
    up.start()
    try:
        peers.wait_for(f"https://127.0.0.1:{up.https}/")
        seconds = time.monotonic() - began
        up.wait(whole)
    finally:
        up.clean()
    return seconds


def theirs(folder: Path, certificate: Path) -> float:
    """s from starting gunicorn and nginx, both at once, to the page."""
    path = folder / "gunicorn.sock"
    path.unlink(missing_ok=True)
    began = time.monotonic()
    with contextlib.ExitStack() as stack:
        stack.enter_context(peers.gunicorn(folder / "peer", path, workers=2, threads=4))
        nginx = stack.enter_context(peers.nginx(folder / "nginx", [str(path)], certificate, "nginx-gunicorn.conf.j2"))
        peers.wait_for(f"https://127.0.0.1:{nginx.https}/", nginx)
        return time.monotonic() - began


def main() -> None:
    chosen = plan("startup", __doc__, rounds=8, seconds=0)
    with peers.workshop() as folder:
        project = peers.flights(folder / "flights")
        peers.copy_site(project, folder / "peer")
        up = Site(project)
        ours(up)  # the first run makes the certificate
        sides: dict[str, Callable[[], float]] = {
            "Seawall": lambda: ours(up),
            "nginx + gunicorn": lambda: theirs(folder, up.paths.certificate),
        }
        measured = in_turn(sides, chosen.rounds)
    row = Row("command to first page", "s", measured["Seawall"], measured["nginx + gunicorn"], "nginx + gunicorn")
    report(chosen, f"Starting examples/flights, {chosen.rounds} times", [row])


if __name__ == "__main__":
    main()
