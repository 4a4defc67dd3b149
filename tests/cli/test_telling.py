"""`events`, `explain` and `status`: what happened, why, and from what, also when the control plane is dead."""

import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.patience import PATIENCE
from tests.scenarios.site import SEAWALL, Site, running, whole


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(Site.small(tmp_path)) as site:
        yield site


def kill_one(site: Site) -> str:
    """Kill a server and wait until it is replaced. Returns its name."""
    name, pid = next(iter(site.servers().items()))
    os.kill(pid, signal.SIGKILL)
    site.wait(lambda s: whole(s) and name not in {x["name"] for x in s["servers"]})
    return name


def follow(site: Site, *options: str) -> subprocess.Popen[str]:
    command = [*SEAWALL, "-C", str(site.folder), "events", "--follow", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_events_follow_while_things_happen(site: Site) -> None:
    following = follow(site, "-n", "1")
    assert following.stdout is not None
    following.stdout.readline()  # the one past event: it listens now
    name = kill_one(site)
    lines = []
    while not lines or f" {name} " not in lines[-1]:
        lines.append(following.stdout.readline())
    assert re.match(rf"\d\d:\d\d:\d\d  forget-server +{name} +{name} died after [\d.]+ s: killed by SIGKILL", lines[-1])
    following.send_signal(signal.SIGINT)
    assert following.wait(PATIENCE) == 130
    assert following.communicate()[1].strip() == "", "Ctrl-C is not an error to show"


def test_events_are_what_led_to_the_steps_at_balancers(site: Site) -> None:
    name = kill_one(site)
    told, steps = site.run("events", "-n", "500").stdout, site.run("events", "--all", "-n", "500").stdout
    assert f" {name} " in told
    assert "route-" not in told
    assert "route-enable" in steps
    # More than a running site remembers is on record.
    assert site.run("events", "-n", "501").stdout.endswith(told)


def test_events_follow_ends_with_the_site(site: Site) -> None:
    following = follow(site, "--json")
    assert following.stdout is not None
    following.stdout.readline()  # a past event: it follows now
    site.run("down")
    told, wrong = following.communicate(timeout=PATIENCE)
    events = [json.loads(line) for line in told.splitlines()]
    assert events[-1]["kind"] == "stop"
    assert "Traceback" not in wrong


def test_events_follow_the_next_control_plane(site: Site) -> None:
    """Also when that one has been replaced; nothing is told twice, nothing is left out."""
    following = follow(site, "--json")
    assert following.stdout is not None
    following.stdout.readline()  # a past event: it follows now
    for options in ((), ("-d",)):  # it was in the background, and stays there
        assert site.run("up", "--replace", *options).returncode == 0
    site.control = None
    site.run("down")
    told, wrong = following.communicate(timeout=PATIENCE)
    events = [json.loads(line) for line in told.splitlines()]
    kinds = [event["kind"] for event in events]
    assert [kind for kind in kinds if kind in ("leave", "adopt", "stop")] == ["leave", "adopt"] * 2 + ["stop"]
    assert len({json.dumps(event) for event in events}) == len(events)
    assert (following.returncode, wrong) == (0, "")


def test_events_follow_says_that_the_control_plane_died(site: Site) -> None:
    following = follow(site)
    assert following.stdout is not None
    following.stdout.readline()
    site.kill_control()
    wrong = following.communicate(timeout=PATIENCE)[1]
    assert following.returncode == 3
    assert "The control plane of this site is not running; what it started may still serve." in wrong
    assert "seawall up" in wrong


def test_events_into_a_pipe_that_closes(site: Site) -> None:
    for _ in range(2):
        kill_one(site)
    shell = subprocess.run(
        f"{' '.join(SEAWALL)} -C {site.folder} events -n 500 | head -n 1", shell=True, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert len(shell.stdout.splitlines()) == 1
    assert shell.stderr == ""


def test_events_and_explain_with_the_control_plane_dead(site: Site) -> None:
    name = kill_one(site)
    alive = site.run("events", "-n", "500").stdout
    site.kill_control()
    assert site.run("events", "-n", "500").stdout == alive
    assert site.run("events", "--follow").returncode == 3
    explained = site.run("explain", name)
    assert explained.returncode == 0, explained.stderr
    assert f"because {name} died after" in explained.stdout


def test_explain_says_what_and_why_and_from_what(site: Site) -> None:
    name = kill_one(site)
    told = site.run("explain", name, "-n", "10").stdout
    assert re.search(rf"forget-server +{name} +because {name} died after [\d.]+ s: killed by SIGKILL", told)
    assert re.search(rf"seen +{name}: dead \(killed by SIGKILL\)", told)
    assert re.search(r"seen +balancer a: active, answers, ", told)
    assert re.search(r"wanted +2 to 2 servers, least-connections", told)
    assert re.search(rf"start-server +{name} +because 2 servers are wanted, 0 are there", told)
    assert len(site.run("explain", "-n", "2").stdout.strip().split("\n\n")) == 2
    for subject in ("a", "b"):
        assert f"start-balancer  {subject} " in site.run("explain", subject, "-n", "50").stdout
    nobody = site.run("explain", "s99")
    assert nobody.returncode == 3
    assert "No decision about s99 is on record" in nobody.stderr


def test_status_as_json_and_for_people(site: Site) -> None:
    state = json.loads(site.run("status", "--json").stdout)
    assert state["open"] is True
    assert whole(state)
    shown = site.run("status").stdout
    for server in state["servers"]:
        assert re.search(rf"^{server['name']} +up +\d+ s .* MB *$", shown, re.MULTILINE)
    assert f"https://localhost:{site.https}/" in shown
    assert "active a up" in shown
    assert max(map(len, shown.splitlines())) <= 80


def shell(site: Site, words: str) -> subprocess.CompletedProcess[str]:
    command = f"set -o pipefail; {' '.join(SEAWALL)} -C {site.folder} {words}"
    return subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=PATIENCE, check=False)


def test_status_watched_through_a_pipe(site: Site) -> None:
    """Picture after picture, until the reader goes; that is no error."""
    seen = shell(site, "status --watch | grep -m 2 heartbeat")
    assert seen.stderr == ""
    assert seen.stdout.count("heartbeat") == 2
    told = shell(site, "status --watch --json | head -n 2")
    assert told.stderr == ""
    assert [json.loads(line)["open"] for line in told.stdout.splitlines()] == [True, True]


@pytest.mark.parametrize("options", ["", "--watch", "--json", "--watch --json"])
def test_status_on_a_full_disk(site: Site, options: str) -> None:
    full = shell(site, f"status {options} > /dev/full")
    assert full.returncode == 1
    assert full.stderr.startswith("seawall: A file cannot be written: No space left on device.")


def test_status_watched_when_the_control_plane_dies(site: Site) -> None:
    command = [*SEAWALL, "-C", str(site.folder), "status", "--watch"]
    watching = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert watching.stdout is not None
    watching.stdout.readline()
    site.kill_control()
    assert "is not running" in watching.communicate(timeout=PATIENCE)[1]
    assert watching.returncode == 3


def test_logs_are_what_the_application_printed(site: Site) -> None:
    with (site.paths.logs / "application.log").open("a") as log:
        log.write("said the application\n")
    assert "said the application" in site.run("logs").stdout
    assert len(site.run("logs", "-n", "1").stdout.splitlines()) == 1
