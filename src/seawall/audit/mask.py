"""Secrets made unreadable, but still recognisable to who owns them."""

import re
from collections.abc import Iterable, Iterator

HIDDEN = "***"
SHORT = 16  # characters: of anything shorter nothing is shown
SHARE = 4  # at most a fourth of the secret is shown, the vendor's prefix included
TAIL = 4  # characters at the end, by which vendors' own pages tell keys apart

# Says whose it is, and is the same in everybody's.
_PREFIX = re.compile(
    r"gh[pousr]_|github_pat_|gl[a-z]{2,5}-|xox[a-z]-|[srp]k_(?:live|test)_|pypi-|npm_|dop_v1_|sk-(?:ant-|proj-)?|SG\."
    r"|AKIA|ASIA|AIza|eyJ|[a-z][a-z0-9+.-]{1,15}://"
)
_HEADER = re.compile(r"-----BEGIN [A-Z0-9 ]{1,40}-----")


def mask(secret: str, prefixes: Iterable[str] = ()) -> str:
    """`ghp_***Ml17`: the vendor's prefix (one of `prefixes`, or well known) and the last characters, a fourth at most.

    Of a key in PEM form the header line is shown and nothing else; of a short secret nothing.
    """
    if header := _HEADER.match(secret):
        return f"{header[0]}{HIDDEN}"
    room = len(secret) // SHARE
    if len(secret) < SHORT or not secret.isprintable():
        return HIDDEN
    prefix = max((each for each in (*prefixes, _known(secret)) if secret.startswith(each)), key=len, default="")
    if len(prefix) > room:
        prefix = ""
    tail = min(TAIL, room - len(prefix))
    return f"{prefix}{HIDDEN}{secret[-tail:] if tail else ''}"


def mask_all(text: str, found: Iterable[str], prefixes: Iterable[str] = ()) -> str:
    """`text` with every secret of `found` masked, which has to name all in it, not only those of one finding."""
    parts: list[str] = []
    end = 0
    for start, stop in _spans(text, found):
        parts += [text[end:start], mask(text[start:stop], prefixes)]
        end = stop
    return "".join([*parts, text[end:]])


def mask_line(line: str, found: Iterable[str], prefixes: Iterable[str] = (), width: int = 100) -> str:
    """The same, cut to about `width` characters around the first secret."""
    found = set(found)
    first = min((start for start, _ in _spans(line, found)), default=0)
    return cut(mask_all(line, found, prefixes), first, width)


def _known(secret: str) -> str:
    found = _PREFIX.match(secret)
    return found[0] if found else ""


def _spans(line: str, found: Iterable[str]) -> list[tuple[int, int]]:
    """Where the secrets are. What overlaps is one: masking one of two would leave the rest of the other."""
    each = sorted(span for secret in set(found) if secret for span in _everywhere(line, secret))
    merged: list[tuple[int, int]] = []
    for start, stop in each:
        if merged and start < merged[-1][1]:
            merged[-1] = (merged[-1][0], max(stop, merged[-1][1]))
        else:
            merged.append((start, stop))
    return merged


def _everywhere(line: str, secret: str) -> Iterator[tuple[int, int]]:
    """Also what overlaps itself."""
    at = line.find(secret)
    while at >= 0:
        yield at, at + len(secret)
        at = line.find(secret, at + 1)


def cut(line: str, centre: int, width: int) -> str:
    """About `width` characters of `line` around the one at `centre`, which stands in the first third."""
    line, lead = line.strip(), len(line) - len(line.lstrip())
    if len(line) <= width:
        return line
    start = max(0, min(centre - lead - width // 3, len(line) - width))
    stop = start + width
    return f"{'…' if start else ''}{line[start:stop]}{'…' if stop < len(line) else ''}"
