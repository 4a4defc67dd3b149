"""What a part says of a whole text; and that the library never takes what is wrapped for plain."""

import base64
import bz2
import contextlib
import ctypes
import gzip
import io
import lzma
import random
import time
import zipfile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seawall.audit.history import packed
from seawall.audit.secrets.encoded import ANNOUNCED
from seawall.audit.secrets.partly import ALL, LONGEST, Part, Runs, reach
from seawall.audit.secrets.scanner import Scanner
from seawall.audit.secrets.unwrap import NotWhole, unwrap, wrapped
from tests.audit.history.repository import github_token
from tests.audit.history.sieving import scanner

TOKEN = github_token(random.Random(1)).encode()


def reaches(data: bytes, begins: bool = True, ends: bool = True, rules: Scanner | None = None) -> set[int | None]:
    """Of all matches in a part."""
    rules = rules or scanner()
    part = Part(b"\n" + data, 1, 1 + len(data), begins, ends)
    runs = Runs()
    return {reach(rules, number, part, start, end, runs) for number, start, end in rules.matches(part.data)}


def test_what_is_one_and_what_is_none() -> None:
    assert ALL in reaches(b"key = '" + TOKEN + b"'\n")
    assert reaches(TOKEN[:-1] + b"-\n") <= {None}
    assert reaches(b"password = 'changeme'\n") == {None}
    assert reaches(b"a part without any\n") == set()


@pytest.mark.parametrize(
    ("before", "after", "begins", "ends", "told"),
    [
        (2, 3, False, False, True),
        (1, 3, False, False, False),
        (2, 2, False, False, False),
        (0, 0, True, True, True),
        (0, 3, True, False, True),
        (2, 0, False, True, True),
    ],
)
def test_lines_that_a_rule_looks_at(before: int, after: int, begins: bool, ends: bool, told: bool) -> None:
    data = b"\n" * before + b"SECRET_KEY = 'changeme'" + b"\n" * after
    assert (ALL not in reaches(data, begins, ends)) == told


def test_more_lines_than_a_part_has() -> None:
    """Whatever stands in it: what changes ten lines farther down would not be seen."""
    assert reaches(b'{"d": "RVlxshrhBaqy1qMQCwiIDw9CLbs2-5Szy21CT4E8qqU"}\n') == {ALL}
    assert reaches(b"-----BEGIN PRIVATE KEY-----\n") == {ALL}


def test_encoded_text() -> None:
    none = base64.b64encode(b"a" * 99 + b"ghp_" + b"b" * 98)
    assert reaches(b'x = "' + none + b'"\n') == {None}
    assert reaches(b'x = "' + none + b'"\n', False, False) == {None}
    assert reaches(none + b'"\n', False, True) == {ALL}, "it may begin before"
    assert reaches(b'"' + none, True, False) == {ALL}, "it may go on"
    assert reaches(none + b"\n" + none + b"\n") == {ALL}, "and in other lines"
    assert reaches(b'"' + base64.b64encode(b"a" * LONGEST + b"ghp_" + b"b" * 99) + b'"') == {ALL}, "too long"
    assert ALL in reaches(b'x = "' + base64.b64encode(b"a" * 99 + b" " + TOKEN) + b'"\n')


def test_digits_that_are_two_texts() -> None:
    """By whether a byte begins at an even or an odd place; the second has one digit more at its end."""
    none, text = b"ghp_ " * 3, TOKEN.hex().encode()
    assert ALL in reaches(b"x = '" + none.hex().encode() + b"7" + text + b"'\n")
    assert ALL in reaches(b"x = '7" + none.hex().encode() + b"7" + text + b"'\n")


def announced(after: bytes, ends: bool = True) -> int | None:
    """How far the word `base64` before `after` reaches."""
    number = next(n for n, form in enumerate(scanner().forms) if (form.literal, form.phase) == (b"base64", ANNOUNCED))
    return reach(scanner(), len(scanner().rules) + number, Part(b"base64" + after, 0, 6 + len(after), True, ends), 0, 6)


@pytest.mark.parametrize(
    "after", [b"", b" x" * 9, b"\n" * 9, b"\n" + b"x " * 300, b"\n\n\n\nabcdefgh\nabc!\nabcdefgh\nabcdefgh\n"]
)
def test_as_far_as_it_matters_what_is_announced(after: bytes) -> None:
    """Whatever follows beyond its reach, nothing is announced."""
    far = announced(after)
    assert far is not None
    assert far > 0
    known = (b"base64" + after)[: 5 + far]
    for more in (b"abcdefgh\n" * 9, b"\n" + b"abcdefgh\n" * 9, b"A" * 50 + b"\n", b" \n"):
        if len(known) == 5 + far:
            assert announced(known[6:] + more) != ALL


def test_what_is_announced() -> None:
    assert announced(b"\nabcdefgh\nabcdefgh\n") == len(b"4\nabcdefgh\nabcdefgh\n..")
    assert announced(b"\nabcdefgh\nabcdefgh\n", ends=False) == ALL, "it may go on"
    assert announced(b"\n" + base64.encodebytes(b"four\n" + TOKEN)) == ALL
    assert announced(b"\n" * 5, ends=False) == ALL, "not enough to tell"
    assert announced(b"\n" * 7, ends=False) not in (ALL, None)


MAGIC = (
    b"PK\3\4",
    b"\x1f\x8b\x08",
    b"BZh",
    b"\xfd7zXZ\0",
    b"SQLite format 3\0",
    b"\xff\xfe",
    b"\xfe\xff",
    b"\xff\xfe\0\0",
)
LINES = st.text("abcdefgXYZ019+/-_", min_size=1, max_size=300).map(str.encode)
TEXTS = st.one_of(
    st.binary(max_size=600),
    st.tuples(st.sampled_from(MAGIC), st.binary(max_size=50)).map(b"".join),
    st.tuples(
        st.lists(LINES, max_size=4),
        st.sampled_from([b"\n", b"\r\n", b"=\n", b"==\r\n"]),
        st.sampled_from([b"", b"=", b"\n", b"==\r"]),
    ).map(lambda each: each[1].join(each[0]) + each[2]),
    st.tuples(st.binary(min_size=257, max_size=257), st.sampled_from([b"ustar", b"usta"]), st.binary(max_size=9)).map(
        b"".join
    ),
    st.tuples(
        st.sampled_from([b"{", b" {"]), st.binary(max_size=9), st.just(b'"nbformat"'), st.binary(max_size=320)
    ).map(b"".join),
    st.tuples(st.binary(max_size=2), st.sampled_from([b"\r\n", b"\n"]), st.binary(max_size=20)).map(b"".join),
    st.text(max_size=300).map(lambda text: text.encode("utf-16-le", "surrogatepass")),
    st.text(max_size=300).map(lambda text: text.encode("utf-16-be", "surrogatepass")),
)


@given(TEXTS)
@settings(max_examples=1500, deadline=None)
@example(b"abcd\nabcd")
@example(b"abcd\r\nabc=\r")
@example(gzip.compress(b""))
@example(b"SQLite format 3\0")
def test_nothing_wrapped_is_taken_for_plain(data: bytes) -> None:
    library = packed._library()
    assert library is not None, "the library is to be built for these tests"
    says = library.reader_wrapped
    says.argtypes, says.restype = [ctypes.c_char_p, ctypes.c_size_t], ctypes.c_int
    assert says(data, len(data)) or not wrapped(data)


def zipped(*texts: bytes) -> bytearray:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for number, text in enumerate(texts):
            archive.writestr(f"{number}.txt", text)
    return bytearray(file.getvalue())


def test_no_member_of_an_archive_hides_another() -> None:
    wrong = zipped(TOKEN, b"second")
    for at in (wrong.index(b"PK\3\4") + 14, wrong.index(b"PK\1\2") + 16):  # the checksum, in both headers
        wrong[at] ^= 255
    assert [text for _, text in unwrap(bytes(wrong))] == [TOKEN, b"second"], "unzip hands it out, too"
    damaged = zipped(TOKEN * 9, b"second")
    damaged[30 + len("0.txt")] = 0xFF  # the first byte of what is compressed
    assert [text for _, text in unwrap(bytes(damaged))] == [b"second"]
    encrypted = zipped(b"first", TOKEN)
    for at in (encrypted.index(b"PK\3\4") + 6, encrypted.index(b"PK\1\2") + 8):
        encrypted[at] |= 1
    found, reason = [], ""
    try:
        for _, text in unwrap(bytes(encrypted)):
            found.append(text)
    except NotWhole as error:
        reason = str(error)
    assert reason == "zip: 0.txt is encrypted"
    assert found == [TOKEN]


@pytest.mark.parametrize("form", ["zip", "gzip", "bzip2", "xz"])
def test_what_comes_before_the_damage_is_had(form: str) -> None:
    """As unzip and gunzip hand it out. bzip2 and xz come in blocks, of which the first is whole here."""
    noise = random.Random(4).randbytes(2_000_000)
    text = TOKEN + noise
    pack = {"zip": lambda text: bytes(zipped(text)), "gzip": gzip.compress, "bzip2": bz2.compress, "xz": _xz}[form]
    data = bytearray(pack(text))
    at = len(data) * 3 // 4
    data[at : at + 64] = bytes(64)
    ((_, inner),) = unwrap(bytes(data))
    assert inner.startswith(TOKEN)
    assert len(inner) <= len(text)


def _xz(text: bytes) -> bytes:
    return lzma.compress(text, preset=0)


def test_what_only_others_can_open_is_told() -> None:
    """Deflate64, say, which Windows writes: it is no damage."""
    data = zipped(TOKEN, b"second")
    for at in (data.index(b"PK\3\4") + 8, data.index(b"PK\1\2") + 10):
        data[at] = 9
    found: list[bytes] = []
    with pytest.raises(NotWhole, match=r"zip: 0\.txt is compressed in a way that is not known here"):
        found.extend(text for _, text in unwrap(bytes(data)))
    assert found == [b"second"]
    newer = zipped(TOKEN)
    newer[newer.index(b"PK\1\2") + 6] = 200  # the version needed to extract it
    with pytest.raises(NotWhole, match="of a version that is not known here"):
        list(unwrap(bytes(newer)))


def test_damaged_archives_end_where_the_damage_is() -> None:
    """Their own readers raise much for what is damaged."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.txt", b"text " * 99)
        archive.writestr("é.txt", b"text")
    source, whole = random.Random(1), 0
    for _ in range(500):
        data = bytearray(file.getvalue())
        for _ in range(source.choice((1, 2, 5))):
            data[source.randrange(4, len(data))] = source.choice((0, 255, 127, 128, source.randrange(256)))
        with contextlib.suppress(NotWhole):
            whole += len(list(unwrap(bytes(data)))) == 2
    assert 10 < whole < 400


@pytest.mark.parametrize("unit", [b"Z2hwX", b"6768705f", b"base64 ", b'"Z2hwX" ', b"PASSWORD = 1\n"])
def test_very_many_matches(unit: bytes) -> None:
    """Each takes as long as in a small text."""
    took = []
    for size in (50_000, 500_000):
        data = b"\n" + unit * (size // len(unit))
        part, runs, matches = Part(data, 1, len(data), False, False), Runs(), scanner().matches(data)
        began = time.process_time()
        for number, start, end in matches:
            reach(scanner(), number, part, start, end, runs)
        took.append(time.process_time() - began)
    assert took[1] < 30 * took[0] + 0.5
