"""Credentials in a block of bytes however they are wrapped: plain, encoded, compressed, in archives in archives."""

from collections.abc import Iterable, Iterator

from seawall.audit.secrets.docstrings import in_docstring
from seawall.audit.secrets.encoded import Decoder, Form
from seawall.audit.secrets.found import Hit, Sighting
from seawall.audit.secrets.scanner import Scanner
from seawall.audit.secrets.unwrap import NotWhole, unwrap, wrapped

DEPTH = 6  # wrappings in wrappings
LINES_KEPT = 10_000  # of a scanner; they are short, see partly.py
AROUND = 160  # bytes of a line shown to each side of a hit


def look(scanner: Scanner, data: bytes, gaps: list[str], path: str = "") -> list[Sighting]:
    """Every credential in `data`, or all of it if it is one by its `path`. What was not unpacked is added to `gaps`."""
    found = _look(scanner, data, (), gaps)
    if path and not found and (whole := scanner.by_name(path, data)):
        return [Sighting(whole, (), 1, data[:AROUND].split(b"\n", 1)[0].decode("utf-8", "replace"), 0)]
    return found


def look_at_lines(scanner: Scanner, data: bytes, lines: Iterable[tuple[int, int]], gaps: list[str]) -> list[Sighting]:
    """What `look` finds in text that may only have something in some `lines`: where each begins and ends, in order."""
    found, last, number = [], 0, 0
    for low, high in lines:
        number += data.count(b"\n", last, low)
        last = low
        for each in _in_line(scanner, data[low:high], gaps):
            shown = not each.within and in_docstring(data, low + each.hit.start)
            found.append(each._replace(line=number + each.line, docstring=shown))
    return found


def _in_line(scanner: Scanner, line: bytes, gaps: list[str]) -> list[Sighting]:
    """What is in a line; most lines with something stand in very many versions of a file."""
    found: list[Sighting] | None = scanner.seen.get(line)
    if found is None:
        before = len(gaps)
        found = _look(scanner, line, (), gaps, packed=False)
        if len(scanner.seen) < LINES_KEPT and len(gaps) == before:
            scanner.seen[line] = found
    return found


def _look(
    scanner: Scanner, data: bytes, within: tuple[str, ...], gaps: list[str], packed: bool = True
) -> list[Sighting]:
    hits, encoded = scanner.scan_all(data)
    inside: list[Sighting] = []
    if len(within) < DEPTH:
        if encoded:
            inside += _decoded(scanner, data, encoded, within, gaps)
        if packed and wrapped(data):
            inside += _unpacked(scanner, data, within, gaps)
    # What is read as it is and unpacked as well, as in a tar archive, is where it was unpacked.
    unpacked = {(each.hit.rule.id, each.hit.secret) for each in inside}
    plain = [hit for hit in hits if (hit.rule.id, hit.secret) not in unpacked]
    return [_sighting(hit, hits, data, within) for hit in plain] + inside


def _decoded(
    scanner: Scanner, data: bytes, encoded: list[tuple[Form, int]], within: tuple[str, ...], gaps: list[str]
) -> Iterator[Sighting]:
    done, decoder = 0, Decoder(data)
    for form, end in encoded:
        if end > done and (text := decoder.decode(form, end)):
            low, high, inner = text
            if found := _look(scanner, inner, (*within, form.encoding), gaps):
                done = high
                line = data.count(b"\n", 0, low)
                yield from (each._replace(line=line + each.line) for each in found)


def _unpacked(scanner: Scanner, data: bytes, within: tuple[str, ...], gaps: list[str]) -> Iterator[Sighting]:
    try:
        for label, inner in unwrap(data):
            yield from _look(scanner, inner, (*within, label), gaps)
    except NotWhole as reason:
        gaps.append(" in ".join([str(reason), *reversed(within)]))


def _sighting(hit: Hit, hits: list[Hit], data: bytes, within: tuple[str, ...]) -> Sighting:
    low = max(data.rfind(b"\n", 0, hit.start) + 1, hit.start - AROUND)
    newline = data.find(b"\n", hit.end)
    high = min(newline if newline >= 0 else len(data), hit.end + AROUND)
    excerpt = data[low:high].decode("utf-8", "replace")
    at = len(data[low : hit.start].decode("utf-8", "replace"))
    beside = tuple(other.secret for other in hits if other.end > low and other.start < high)
    line = data.count(b"\n", 0, hit.start) + 1
    return Sighting(hit, within, line, excerpt, at, beside, not within and in_docstring(data, hit.start))
