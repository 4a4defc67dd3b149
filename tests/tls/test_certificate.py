"""Certificates as real programs see them: handshakes, HAProxy's own check, damage, and two processes at once."""

import json
import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from seawall import paths
from seawall.errors import AuthorityDamaged, ConfigError, StateUnusable
from seawall.tls import authority, names
from seawall.tls.certificate import RENEW_BEFORE, ensure_certificate, needs_renewal, read_label

DAY = 86400.0


@pytest.fixture(autouse=True)
def data_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    return tmp_path / "data"


@pytest.fixture
def site(tmp_path: Path) -> paths.Paths:
    site = paths.Paths(tmp_path / "shop", tmp_path / "run")
    site.state.mkdir(parents=True)
    return site


def handshake(pem: Path, trusted: Path, name: str) -> str:
    """The protocol a strict client and a server with `pem` agree on when the client wants to reach `name`."""
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    client = ssl.create_default_context(cafile=trusted)
    client.verify_flags |= ssl.VERIFY_X509_STRICT
    near, far = socket.socketpair()
    far.settimeout(5)
    near.settimeout(5)

    def serve() -> None:
        try:
            server.wrap_socket(far, server_side=True).close()
        except ssl.SSLError:
            far.close()  # the client refused us, which it reports itself

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        with client.wrap_socket(near, server_hostname=name) as connection:
            return connection.version() or ""
    finally:
        thread.join(5)


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "shop.test", "a.shop.test", "192.168.7.7"])
def test_a_strict_client_that_trusts_the_authority_accepts_every_name(site: paths.Paths, name: str) -> None:
    domains = ("shop.test", "*.shop.test", "192.168.7.7")
    pem = ensure_certificate(site, domains)
    assert handshake(pem, authority.find(domains).certificate, name) == "TLSv1.3"


def test_a_name_that_is_not_the_sites_is_refused(site: paths.Paths) -> None:
    pem = ensure_certificate(site, ())
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(pem, authority.find().certificate, "bank.example")


def test_a_public_domain_gets_an_authority_that_speaks_for_it_alone(site: paths.Paths) -> None:
    domains = ("example.org", "www.example.org", "203.0.113.7", "shop.test")
    pem = ensure_certificate(site, domains)
    own = authority.find(domains)
    assert own.folder.name == "203.0.113.7+example.org"
    assert handshake(pem, own.certificate, "www.example.org") == "TLSv1.3"
    assert handshake(pem, own.certificate, "203.0.113.7") == "TLSv1.3"
    assert not authority.find().exists


def test_what_the_authority_signs_for_foreign_names_is_refused(site: paths.Paths, tmp_path: Path) -> None:
    from seawall.tls.signing import sign

    local = authority.ensure_authority()
    forged = tmp_path / "forged.pem"
    for name in ("bank.example", "203.0.113.7"):
        forged.write_bytes(sign(local.issuer(), (name,))[0])
        with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
            handshake(forged, local.certificate, name)


def test_openssl_and_haproxy_accept_it(site: paths.Paths, tmp_path: Path) -> None:
    pem = ensure_certificate(site, ("shop.test",))
    trusted = authority.find().certificate
    verified = subprocess.run(
        ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", "-CAfile", trusted, pem],
        capture_output=True,
        text=True,
        check=False,
    )
    assert verified.stdout.strip() == f"{pem}: OK", verified.stderr
    config = tmp_path / "haproxy.cfg"
    config.write_text(f"defaults\n mode http\n timeout client 1s\nfrontend f\n bind unix@{tmp_path}/s ssl crt {pem}\n")
    checked = subprocess.run(["haproxy", "-c", "-f", config], capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stderr


def test_keys_are_for_their_owner_only(site: paths.Paths) -> None:
    pem = ensure_certificate(site, ())
    local = authority.find()
    assert [file.stat().st_mode & 0o777 for file in (pem, local.key, local.certificate)] == [0o600, 0o600, 0o644]


def test_it_is_kept_until_it_ends_soon_or_the_domains_change(site: paths.Paths) -> None:
    pem = ensure_certificate(site, ("a.test",))
    before = pem.read_bytes()
    assert ensure_certificate(site, ("a.test",)).read_bytes() == before
    label = read_label(pem)
    assert label is not None
    assert 365 * DAY < label.end - label.start <= 397 * DAY
    assert not needs_renewal(site, ("a.test",), label.end - RENEW_BEFORE - 1)
    assert "ends soon" in needs_renewal(site, ("a.test",), label.end - RENEW_BEFORE)
    assert "not valid yet" in needs_renewal(site, ("a.test",), label.start - 1)
    assert "domains" in needs_renewal(site, ("b.test",), time.time())
    assert ensure_certificate(site, ("b.test",)).read_bytes() != before


@pytest.mark.parametrize("keep", [0, 1, 40, 600, -1])
def test_a_half_written_certificate_is_replaced(site: paths.Paths, keep: int) -> None:
    pem = ensure_certificate(site, ())
    pem.write_bytes(pem.read_bytes()[:keep])
    assert needs_renewal(site, (), time.time())
    ensure_certificate(site, ())
    assert handshake(pem, authority.find().certificate, "localhost")


def test_a_certificate_without_our_label_is_replaced(site: paths.Paths) -> None:
    pem = ensure_certificate(site, ())
    for text in (b"# seawall []\n", b"# seawall 1\n", b"# seawall {}\nx", b"\xff\xfe\n"):
        pem.write_bytes(text)
        assert read_label(pem) is None


@pytest.mark.parametrize("change", [{"later": 1}, {"body": None}, {"start": "soon"}], ids=["more", "less", "other"])
def test_a_certificate_with_the_label_of_another_release_is_replaced(site: paths.Paths, change: dict[str, Any]) -> None:
    pem = ensure_certificate(site, ())
    first, body = pem.read_bytes().split(b"\n", 1)
    label = {**json.loads(first.removeprefix(b"# seawall ")), **change}
    label = {key: value for key, value in label.items() if value is not None}
    pem.write_bytes(b"# seawall " + json.dumps(label).encode() + b"\n" + body)
    assert "damaged" in needs_renewal(site, (), time.time())
    ensure_certificate(site, ())
    assert not needs_renewal(site, (), time.time())


def test_a_certificate_that_was_there_before_any_authority_is_replaced(site: paths.Paths) -> None:
    """A cloned repository may bring one with a label, whose key its author has."""
    pem = ensure_certificate(site, ())
    label = read_label(pem)
    assert label is not None
    first, body = pem.read_bytes().split(b"\n", 1)
    pem.write_bytes(first.replace(label.authority.encode(), b"") + b"\n" + body)
    shutil.rmtree(authority.find().folder)
    assert read_label(pem)
    assert "authority" in needs_renewal(site, (), time.time())


def test_a_data_folder_may_be_a_link(site: paths.Paths, data_home: Path) -> None:
    """As people have whose ~/.local is on another disk."""
    (data_home.parent / "elsewhere").mkdir()
    data_home.symlink_to("elsewhere")
    assert handshake(ensure_certificate(site, ()), authority.find().certificate, "localhost")


def test_a_damaged_authority_is_never_replaced(site: paths.Paths, tmp_path: Path) -> None:
    local = authority.ensure_authority()
    whole = local.key.read_bytes()
    other = authority.ensure_authority(("example.org",))
    for damaged in (b"", whole[:50], other.key.read_bytes()):
        local.key.write_bytes(damaged)
        with pytest.raises(AuthorityDamaged, match=r"authority .* is damaged") as caught:
            ensure_certificate(site, ())
        assert "seawall trust" in caught.value.remedy
        assert local.key.read_bytes() == damaged
    local.key.unlink()
    with pytest.raises(AuthorityDamaged, match="cannot be read"):
        ensure_certificate(site, ())


def test_a_new_authority_means_a_new_certificate(site: paths.Paths) -> None:
    ensure_certificate(site, ())
    local = authority.find()
    for file in local.folder.iterdir():
        file.unlink()
    assert "authority" in needs_renewal(site, (), time.time())
    pem = ensure_certificate(site, ())
    assert handshake(pem, local.certificate, "localhost")


def test_of_many_processes_one_creates_the_authority_and_all_use_it(data_home: Path) -> None:
    program = (
        "from seawall.tls import authority; a = authority.ensure_authority(); a.issuer(); print(a.key.read_text())"
    )
    started = [
        subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, env=dict(os.environ), text=True)
        for _ in range(4)
    ]
    keys = {process.communicate(timeout=20)[0] for process in started}
    assert len(keys) == 1
    assert "PRIVATE KEY" in keys.pop()
    assert [folder.name for folder in (data_home / "seawall/authority").iterdir()] == ["local"]


def test_an_own_certificate_is_checked_and_used(site: paths.Paths, tmp_path: Path) -> None:
    own = tmp_path / "own.pem"
    own.write_bytes(ensure_certificate(site, ()).read_bytes())
    site.certificate.unlink()
    used = ensure_certificate(site, (), own)
    assert used.read_bytes() == own.read_bytes()
    assert (used == own) is (os.geteuid() != 0), "HAProxy gets what root has read and checked, not a name"
    assert used.stat().st_mode & 0o077 == 0 or used == own
    assert not site.certificate.exists()
    own.write_bytes(own.read_bytes().split(b"-----BEGIN PRIVATE KEY")[0])
    with pytest.raises(ConfigError, match="not a certificate with its private key"):
        ensure_certificate(site, (), own)
    with pytest.raises(ConfigError, match="No such file"):
        ensure_certificate(site, (), tmp_path / "missing.pem")


def test_a_state_folder_that_is_gone_is_named(site: paths.Paths) -> None:
    site.state.rmdir()
    with pytest.raises(StateUnusable, match="cannot be written to"):
        ensure_certificate(site, ())


def test_checking_a_good_certificate_imports_no_cryptography(site: paths.Paths) -> None:
    ensure_certificate(site, ())
    program = (
        "import sys, pathlib; from seawall.paths import Paths; from seawall.tls.certificate import ensure_certificate; "
        f"ensure_certificate(Paths(pathlib.Path({str(site.project)!r}), pathlib.Path('/')), ()); "
        "sys.exit('cryptography' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0


def test_names() -> None:
    assert names.foreign(("localhost", "x.localhost", "10.1.2.3", "::1", "box.local")) == ()
    assert names.foreign(("*.example.org", "a.example.org", "example.org", "myhost")) == ("example.org", "myhost")
    assert names.authority_name(("2001:db8::1",)) == "2001-db8--1"
    assert len(names.authority_name([f"{letter * 40}.org" for letter in "abcd"])) < 100
    assert names.all_names(("localhost", "a.test")) == (*names.ALWAYS, "a.test")
