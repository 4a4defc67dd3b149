"""No line that somebody makes up holds a scan up: twice as long may take four times as long, not a hundred times."""

import re
import time

import pytest

from seawall.audit.secrets.deep import look
from seawall.audit.secrets.judge import why
from seawall.audit.secrets.ready import ready
from seawall.audit.secrets.rules import Rule, load
from tests.patience import NOTICEABLE, computed

RULES, _ = load()
FILLS = ("A", "a", "0", "_", " ", "\t", "'", "=", "Aa", "a.", "A b", "ab, ", "x=", "a@", "AB12cd")


def seconds(rule: Rule, pattern: re.Pattern[bytes], line: str) -> float:
    began = time.thread_time()
    for match in list(pattern.finditer(line.encode()))[:3]:
        group = 1 if pattern.groups and match[1] is not None else 0
        why(rule, match[group].decode(), line, match.start(group))
    return time.thread_time() - began


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_time_grows_with_the_line(rule: Rule) -> None:
    pattern = re.compile(rule.expression.encode())
    for fill in (*FILLS, rule.keywords[0]):
        for head in ("", f"{rule.keywords[0]}=", f'{rule.keywords[0]}_key = "'):
            line = (head + fill * 2 * rule.longest)[: 2 * rule.longest]
            whole = seconds(rule, pattern, line)
            if whole > NOTICEABLE:
                whole = min(whole, *(seconds(rule, pattern, line) for _ in range(3)))
                half = min(seconds(rule, pattern, line[: rule.longest]) for _ in range(3))
                assert whole < NOTICEABLE or whole < 7 * half, (fill, head, whole, half)


SCANNER = ready()


@pytest.mark.parametrize("unit", [b"Z2hwX3\n", b"Z2hwX3", b"g\0h\0p\0_\0", b"6768705f", b"import base64\n", b"H4sIA"])
def test_time_grows_with_encoded_text(unit: bytes) -> None:
    def spent(size: int, times: int) -> float:
        return computed(lambda: look(SCANNER, (unit * size)[:size], []), times)

    assert not look(SCANNER, (unit * (1 << 15))[: 1 << 15], [])
    assert spent(1 << 19, 1) < 4 * 16 * spent(1 << 15, 3)  # what grows with the square takes 256 times as long


@pytest.mark.parametrize("fill", ["\n", " ", "\n.", "\n ", "\n'"])
def test_keys_of_blank_lines(fill: str) -> None:
    """Looking for a header at each line's beginning, over all blank ones that follow, used to take three seconds."""

    def key(size: int) -> bytes:
        blank = fill * (size // len(fill))
        return f"-----BEGIN RSA PRIVATE KEY-----{blank}x-----END RSA PRIVATE KEY-----".encode()

    assert not look(SCANNER, key(13_000), [])
    short, long = (computed(lambda size=size: look(SCANNER, key(size), [])) for size in (1625, 13_000))
    assert long < 3 * 8 * short  # what grows with the square takes 64 times as long
