"""The live view on a real terminal: drawn in place, fitting its width, and the terminal as it was afterwards."""

import os
import re
import shlex
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE, until
from tests.scenarios.site import SEAWALL, Site, processes_of, whole

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is the terminal")


class Terminal:
    """A shell in a terminal of 80 columns and 24 lines, on a tmux server of its own."""

    def __init__(self, name: str) -> None:
        self.name = name
        # Without what readline left in pytest's own environment.
        shell = "env -u COLUMNS -u LINES PS1='ready> ' sh"
        self._tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", shell)

    def _tmux(self, *arguments: str) -> str:
        done = subprocess.run(["tmux", "-L", self.name, *arguments], capture_output=True, text=True, check=True)
        return done.stdout

    def type(self, *keys: str) -> None:
        self._tmux("send-keys", *keys)

    def resize(self, columns: int) -> None:
        self._tmux("resize-window", "-x", str(columns), "-y", "24")

    @property
    def screen(self) -> str:
        return self._tmux("capture-pane", "-p")

    @property
    def cursor_shown(self) -> bool:
        return self._tmux("display-message", "-p", "#{cursor_flag}").strip() == "1"

    def shows(self, until: Callable[[str], object], timeout: float = PATIENCE) -> str:
        """The first screen for which `until` holds."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if until(screen := self.screen):
                return screen
            time.sleep(0.1)
        raise AssertionError(f"not within {timeout} s:\n{self.screen}")

    def close(self) -> None:
        subprocess.run(["tmux", "-L", self.name, "kill-server"], check=False)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    terminal = Terminal(f"seawall-test-{os.getpid()}")
    yield terminal
    terminal.close()


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    site = Site.small(tmp_path, "[servers]\nmax = 3\n")
    yield site
    site.clean()


def up(site: Site, terminal: Terminal) -> None:
    terminal.type(shlex.join([*SEAWALL, "-C", str(site.folder), "up"]), "Enter")
    site.wait(whole)


def test_it_draws_what_happens_and_leaves_the_terminal_as_it_was(site: Site, terminal: Terminal) -> None:
    up(site, terminal)
    drawn = terminal.shows(lambda screen: all(f"\n{name} " in screen for name in site.servers()) and "a up" in screen)
    assert f"https://localhost:{site.https}/" in drawn
    assert drawn.count("heartbeat") == 1, "drawn in place, not line after line"
    name, pid = next(iter(site.servers().items()))
    os.kill(pid, signal.SIGKILL)
    terminal.shows(lambda screen: f"{name} died after" in screen and f"\n{name} " not in screen)
    terminal.resize(60)
    terminal.shows(lambda screen: re.search(r"up +req/s .* heartbeat", screen))
    terminal.type("C-c")
    # The prompt is back, the cursor too, and what is typed is seen.
    terminal.shows(lambda screen: "ready>" in screen.rpartition("recent")[2])
    terminal.type("echo as it was", "Enter")
    terminal.shows(lambda screen: "\nas it was" in screen)
    assert terminal.cursor_shown
    assert processes_of(site) == []


def test_an_error_is_shown_on_a_clean_terminal(site: Site, terminal: Terminal) -> None:
    (site.folder / "application.py").write_text("import nothere\n")
    terminal.type(shlex.join([*SEAWALL, "-C", str(site.folder), "up"]), "Enter")
    terminal.shows(lambda screen: "No module named 'nothere'" in screen and "seawall: The application" in screen)
    assert terminal.cursor_shown


def test_a_terminal_that_is_closed_ends_the_site(site: Site, terminal: Terminal) -> None:
    """As Ctrl-C does; who wants it to go on says `--detach`."""
    up(site, terminal)
    control = site.status()["control"]["pid"]
    terminal.close()
    until(lambda: not Path(f"/proc/{control}").exists(), "the site's end")
    assert processes_of(site) == []
    assert not site.paths.processes.exists()


def test_status_watch(site: Site, terminal: Terminal) -> None:
    site.up()
    terminal.type(shlex.join([*SEAWALL, "-C", str(site.folder), "status", "--watch"]), "Enter")
    terminal.shows(lambda screen: screen.count("heartbeat") == 1)
    site.run("set", "servers.min", "3")
    terminal.shows(lambda screen: "\ns3 " in screen and screen.count("heartbeat") == 1)
    terminal.type("C-c")
    terminal.shows(lambda screen: "ready>" in screen.rpartition("recent")[2])
    assert terminal.cursor_shown


def test_of_many_servers_the_newest_event_is_seen(site: Site, terminal: Terminal) -> None:
    """More than a terminal has lines."""
    site.up()
    terminal.type(shlex.join([*SEAWALL, "-C", str(site.folder), "status", "--watch"]), "Enter")
    for key in ("max", "min"):
        site.run("set", f"servers.{key}", "24")
    terminal.shows(lambda screen: re.search(r"\n… and \d+ more: all up", screen))
    site.run("kill", "s1")
    terminal.shows(lambda screen: "s1 died after" in screen or "operator killed s1" in screen)
    terminal.type("C-c")
