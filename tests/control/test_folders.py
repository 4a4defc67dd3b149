"""The files of a running site: what is cleaned away is made again, and who was taken over leaves."""

import asyncio
import shutil
from collections.abc import Callable

import pytest

from seawall.control import upkeep
from seawall.control.api import Api
from seawall.control.knocks import Knocks
from seawall.control.lock import Lock, in_charge
from seawall.control.tasks import Tasks
from seawall.control.upkeep import Upkeep
from seawall.errors import AlreadyRunning
from tests.control.parts import Parts, until


@pytest.fixture(autouse=True)
def often(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(upkeep, "EVERY", 0.01)


def kept(parts: Parts, harm: Callable[[], None], healed: Callable[[], object]) -> None:
    """Do harm while a site is looked after, and wait for what comes of it."""

    async def main() -> None:
        tasks = Tasks(parts.failures.append)
        with in_charge(parts.site.paths) as lock:
            api = Api(parts.site.paths.control_socket, {})
            await api.start()
            knocks = Knocks(parts.site.paths.knocks, lambda: None)
            knocks.listen()
            tasks.start(Upkeep(parts.state, api, knocks, lock).run())
            await asyncio.sleep(0.05)
            assert parts.told == []
            harm()
            await until(healed)
            await tasks.cancel()
            await api.stop()
            knocks.close()

    asyncio.run(main())


def test_a_runtime_folder_that_was_cleaned_is_made_again(parts: Parts) -> None:
    paths = parts.site.paths
    kept(
        parts,
        lambda: shutil.rmtree(paths.runtime),
        lambda: all(path.exists() for path in (paths.sockets, paths.offered, paths.control_socket, paths.control_lock)),
    )
    assert "folders" in parts.kinds()
    assert parts.failures == []


def test_a_control_socket_that_was_removed_is_made_again(parts: Parts) -> None:
    path = parts.site.paths.control_socket
    kept(parts, path.unlink, path.exists)


def test_the_mark_that_everything_carries_stays_as_it_was(parts: Parts) -> None:
    paths = parts.site.paths
    mark = paths.mark
    kept(parts, lambda: shutil.rmtree(paths.state), lambda: paths.logs.exists() and paths.mark == mark)


def test_whose_lock_another_has_taken_leaves(parts: Parts) -> None:
    lock = Lock(parts.site.paths)

    def taken() -> None:
        parts.site.paths.control_lock.unlink()
        lock.take()

    kept(parts, taken, lambda: parts.failures)
    lock.release()
    assert isinstance(parts.failures[0], AlreadyRunning)


def test_a_balancer_whose_socket_was_removed_is_to_be_replaced(parts: Parts) -> None:
    async def main() -> None:
        await parts.site.balancer("a", [])

    asyncio.run(main())
    balancer, woken = parts.balancer("a"), list[bool]()
    balancer.answering = True
    parts.wake = lambda: woken.append(True)
    kept(parts, balancer.socket.path.unlink, lambda: balancer.edge == "")
    assert woken


def test_a_project_that_is_away_is_a_trouble_until_it_is_back(parts: Parts) -> None:
    project, troubles = parts.site.paths.project, parts.state.troubles
    elsewhere, told = project.with_name("elsewhere"), list[str]()

    def back() -> bool:
        if troubles.present and elsewhere.exists():
            told.extend(troubles.present)
            elsewhere.rename(project)
        return bool(told) and not troubles.present

    kept(parts, lambda: project.rename(elsewhere) and None, back)
    assert "is gone" in told[0]
    assert parts.failures == []
