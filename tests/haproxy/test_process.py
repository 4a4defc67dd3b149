"""Starting HAProxy, and what is said when it does not start."""

import asyncio
import os
import pwd
import signal
from dataclasses import replace
from pathlib import Path

import pytest

from seawall.errors import EngineFailed, ProgramMissing
from seawall.haproxy import process
from tests.client import Connection
from tests.haproxy.site import Site, info


def test_version() -> None:
    assert process.version() >= process.MINIMUM


def test_missing_program(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Only where it is really not in the usual folders can a whole run show this; the words are the same."""
    monkeypatch.setattr(process.shutil, "which", lambda *_, **__: None)
    with pytest.raises(ProgramMissing) as caught:
        process.version()
    assert "apt-get install haproxy" in caught.value.remedy


def test_start_is_explained_in_haproxys_words(site: Site) -> None:
    site.edge = replace(site.edge, certificate=Path("/nowhere.pem"))

    async def main() -> None:
        with pytest.raises(EngineFailed) as caught:
            await site.balancer("a", [])
        assert "/nowhere.pem" in caught.value.detail
        assert "ALERT" in caught.value.detail

    asyncio.run(main())


@pytest.mark.skipif(os.getuid() != 0, reason="only root may become another user")
def test_root_is_given_up(site: Site) -> None:
    try:
        account = pwd.getpwnam("haproxy")
    except KeyError:
        pytest.skip("no user haproxy")
    site.edge = replace(site.edge, user="haproxy", group="haproxy")

    async def main() -> None:
        site.paths.runtime.parent.chmod(0o711)
        await site.balancer("a", site.upstream("s1"))
        status = Path(f"/proc/{site.balancers['a'].pid}/status").read_text()
        assert f"Uid:\t{account.pw_uid}\t{account.pw_uid}" in status
        connection = Connection("127.0.0.1", site.ports["http"], None)
        for method in ("GET", "POST"):
            assert (await connection.request(method, "/?id=1")).status == 200
        connection.close()

    asyncio.run(main())


def test_outlives_its_starter_and_takes_over_its_own_socket(site: Site) -> None:
    """A balancer killed and started again by the same name answers on the same runtime socket, and is the new one."""

    async def main() -> None:
        runtime = await site.balancer("a", [])
        first = site.balancers["a"]
        assert os.getsid(first.pid) == first.pid
        first.signal(signal.SIGKILL)
        await site.balancer("a", [])
        runtime.close()
        assert (await info(site.runtime("a")))["Pid"] == str(site.balancers["a"].pid) != str(first.pid)
        assert first.reap() == "killed by SIGKILL"
        first.close()

    asyncio.run(main())
