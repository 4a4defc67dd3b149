"""The vectors that specifications and the vendors' own tests publish pass; any change of a character does not."""

import pytest

from seawall.audit.secrets.checksums_more import CHECKSUMS_MORE, base62_crc32

VECTORS = [
    ("grafana", "glsa_yscW25imSKJIuav8zF37RZmnbiDvB05G_fcaaf58a"),  # Grafana's tokengen_test.go
    ("base58check", "5KJvsngHeMpm884wtkJNzQGaCErckhHJBGFsvd3VyK5qMZXj3hS"),  # Bitcoin wiki
    (
        "base58check",  # BIP 32, test vector 1
        "xprv9s21ZrQH143K3QTDL4LXw2F7HEK3wJUD2nW2nRk4stbPy6cq3jPPqjiChkVvvNKmPGJxWUtg6LnF5kejMRNNU3TGtRBeJgk33yuGBxrMPHi",
    ),
    ("base58check", "6PRVWUbkzzsbcVac2qwfssoUJAN1Xhrg6bNk8J7Nzm5H7kxEbn2Nh2ZoGg"),  # BIP 38
    ("ripple58check", "snoPBrXtMeMyMHUVTgbuqAfg1SUTb"),  # xrpl.org: from "masterpassphrase"
    ("cb58", "PrivateKey-ewoqjP7PxY4yr3iLTpLisriqt94hdyDFNgchSxGGztUrTXtNN"),  # Avalanche's local network
    ("stellar", "SBU2RRGLXH3E5CQHTD3ODLDF2BWDCYUSSBLLZ5GNW7JXHDIYKXZWHOKR"),  # SEP 5, test 1
    ("bech32", "A12UEL5L"),  # BIP 173
    ("bech32", "a1lqfn3a"),  # BIP 350
    ("bech32", "nsec1vl029mgpspedva04g90vltkh6fvh240zqtv9k0t9af8935ke9laqsnlfe5"),  # NIP 19
    ("matrix", "syt_bm9ydGg_aBcDeFgHiJkLmNoPqRsT_" + base62_crc32("syt_bm9ydGg_aBcDeFgHiJkLmNoPqRsT")),
    ("crc32_tail", "polar_oat_" + 37 * "k" + base62_crc32(37 * "k")),
]


@pytest.mark.parametrize(("name", "token"), VECTORS)
def test_published_vectors(name: str, token: str) -> None:
    checksum = CHECKSUMS_MORE[name]
    assert checksum(token)
    for at in range(-5, 0):
        changed = "2" if token[at] != "2" else "3"
        assert not checksum(token[:at] + changed + (token[at + 1 :] if at < -1 else "")), at


def test_crc32_in_base_62() -> None:
    assert base62_crc32("") == "000000"
    assert base62_crc32("123456789") == "3jZRME"  # the check value of CRC-32, 0xcbf43926


@pytest.mark.parametrize(
    ("name", "token"),
    [("base58check", ""), ("base58check", "5KJ0"), ("stellar", "S1"), ("bech32", "nsec"), ("bech32", "nsec1b")],
)
def test_nonsense(name: str, token: str) -> None:
    assert not CHECKSUMS_MORE[name](token)


def test_every_checksum_is_tested() -> None:
    assert {name for name, _ in VECTORS} == set(CHECKSUMS_MORE)
