"""What an operator may do to a running site, while visitors are on it: none of them notices."""

import asyncio
import contextlib
import socket
import stat
from collections.abc import Callable, Iterator

import pytest

from seawall.model import STRATEGIES
from tests.client import Load, insecure
from tests.patience import PATIENCE
from tests.scenarios.site import Site, running, whole


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(Site.small(tmp_path_factory.mktemp("operator"))) as site:
        yield site


def under_load(site: Site, deeds: Callable[[], None]) -> Load:
    """Visitors whose pages take 20 ms each, while the operator does `deeds`."""
    visitors = Load(site.https, visitors=8, path="/?ms=20", tls=insecure(), pause=0.01)

    async def scenario() -> None:
        work = asyncio.create_task(visitors.run(600))
        await asyncio.sleep(0.3)
        await asyncio.to_thread(deeds)
        await asyncio.sleep(0.3)
        visitors.stop()
        await work

    asyncio.run(scenario())
    assert visitors.tally.failures == []
    assert visitors.tally.ok > 20
    return visitors


def do(site: Site, *arguments: str) -> str:
    done = site.run(*arguments)
    assert done.returncode == 0, done.stderr
    return done.stdout


def gone(site: Site, *names: str) -> None:
    """Wait until the site is whole without these servers."""
    site.wait(lambda state: whole(state) and not {s["name"] for s in state["servers"]} & set(names))


def test_every_strategy(site: Site) -> None:
    def deeds() -> None:
        for strategy in (*STRATEGIES, STRATEGIES[0]):
            said = do(site, "set", "balancer.strategy", strategy)
            assert f'[balancer]\n  strategy = "{strategy}"' in said
            # Each server is in the new backend, and in no other any more.
            site.wait(lambda s, strategy=strategy: s["strategy"] == strategy and whole(s))  # type: ignore[misc]

    under_load(site, deeds)
    assert len(site.servers()) == 2


def test_more_servers_and_fewer(site: Site) -> None:
    def deeds() -> None:
        do(site, "set", "servers.max", "5")
        do(site, "set", "servers.min", "5")
        site.wait(lambda s: whole(s) and len(s["servers"]) == 5)
        do(site, "set", "servers.min", "2")
        do(site, "set", "servers.max", "2")
        site.wait(lambda s: whole(s) and len(s["servers"]) == 2)

    under_load(site, deeds)


def test_drain(site: Site) -> None:
    name = next(iter(site.servers()))

    def deeds() -> None:
        assert f"{name} drains" in do(site, "drain", name)
        gone(site, name)

    under_load(site, deeds)
    assert "killed" not in _end_of(site, name), "it finished by itself"


def test_restart_one(site: Site) -> None:
    first, second = site.servers()

    def deeds() -> None:
        do(site, "restart", first)
        gone(site, first)

    under_load(site, deeds)
    assert second in site.servers()


def test_restart_all(site: Site) -> None:
    before = site.servers()

    def deeds() -> None:
        said = do(site, "restart", "all")
        assert all(name in said for name in before)
        gone(site, *before)

    under_load(site, deeds)


def test_kill(site: Site) -> None:
    name = next(iter(site.servers()))

    def deeds() -> None:
        do(site, "kill", name)
        gone(site, name)

    under_load(site, deeds)


def _end_of(site: Site, name: str) -> str:
    lines = [line for line in site.log.read_text().splitlines() if f" forget-server   {name} " in line]
    return lines[-1]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["drain", "s999"], ["There is no server s999.", "There are: s"]),
        (["kill", "all"], ["There is no server all."]),
        (["set", "servers.mni", "3"], ["did you mean `servers.min`?"]),
        (["set", "strategy", "random"], ["did you mean `balancer.strategy`?"]),
        (["set", "balancer.strategy", "fastest"], ['"least-connections", "round-robin" or "random"', "fastest"]),
        (["set", "servers.min", "201"], ["from 0 to 200"]),
        (["set", "listen.http", "80"], ["cannot be changed while the site runs", "seawall down"]),
    ],
    ids=lambda value: " ".join(value[:3]) if value[0] in ("drain", "kill", "set") else "",
)
def test_a_wrong_order_changes_nothing(site: Site, arguments: list[str], words: list[str]) -> None:
    before = site.status()
    answer = site.run(*arguments)
    assert answer.returncode == 2
    for word in words:
        assert word in answer.stderr
    after = site.status()
    assert (after["wanted"], after["strategy"]) == (before["wanted"], before["strategy"])


NONSENSE = (
    b"\n",
    b"\0\xff\n",
    b"[]\n",
    b"{}\n",
    b'{"verb": "status", "x": 1}\n',
    b'{"verb": ["a"]}\n',
    b'{"verb": "drain", "server": {"a": 1}}\n',
    b'{"verb": "set", "key": 7, "value": []}\n',
    b"[" * 100_000 + b"\n",
    b"x" * (2 << 20),
)


def test_the_control_socket_is_for_its_owner_and_bears_nonsense(site: Site) -> None:
    path = site.paths.control_socket
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(site.paths.runtime.stat().st_mode) & 0o066 == 0

    def tell(nonsense: bytes) -> bytes:
        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(PATIENCE)
            connection.connect(str(path))
            with contextlib.suppress(BrokenPipeError, ConnectionResetError):
                connection.sendall(nonsense)
                return connection.recv(4096)
        return b""

    for nonsense in NONSENSE:
        assert b'"urls"' not in tell(nonsense)
    with socket.socket(socket.AF_UNIX) as silent:
        silent.connect(str(path))
        assert whole(site.status()), "one that says nothing keeps nobody waiting"
    assert "Traceback" not in site.log.read_text()
