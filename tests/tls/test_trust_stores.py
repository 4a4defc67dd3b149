"""Trusting the authority, tried with certutil itself on a database of our own."""

import shutil
import subprocess
from pathlib import Path

import pytest

from seawall.tls import trust
from seawall.tls.authority import Authority, ensure_authority


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return ensure_authority()


def run(commands: trust.Commands) -> None:
    for command in commands:
        subprocess.run(command, check=True)


@pytest.mark.skipif(not shutil.which("certutil"), reason="certutil (libnss3-tools) is not installed")
def test_browsers_database_is_made_filled_and_emptied(authority: Authority, tmp_path: Path) -> None:
    store = trust.NssStore(tmp_path / "pki/nssdb")
    assert not store.trusts(authority)
    run(store.add(authority))
    assert store.trusts(authority)
    other = ensure_authority(("example.org",))
    assert not store.trusts(other)
    run(store.add(other))
    run(store.remove(authority))
    assert (store.trusts(authority), store.trusts(other)) == (False, True)


def test_the_system_store_is_given_one_file_named_after_the_authority(authority: Authority, tmp_path: Path) -> None:
    store = trust.SystemStore(tmp_path)
    copy, refresh = store.add(authority)
    assert refresh == ("update-ca-certificates",)
    run([copy])
    assert store.trusts(authority)
    run([store.remove(authority)[0]])
    assert not store.trusts(authority)
    assert list(tmp_path.glob("*.crt")) == []


def test_the_fingerprint_is_the_one_openssl_shows(authority: Authority) -> None:
    shown = subprocess.run(
        ["openssl", "x509", "-noout", "-fingerprint", "-sha256", "-in", authority.certificate],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert shown.strip().split("=")[1] == trust.fingerprint(authority)
