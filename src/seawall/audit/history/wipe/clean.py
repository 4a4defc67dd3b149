"""Bytes without their secrets: overwritten where they stand, encoded ones too, and archives packed anew."""

import base64
import re

from seawall.audit.history.wipe.literals import Literals
from seawall.audit.history.wipe.repack import repacked
from seawall.audit.secrets.deep import DEPTH, look
from seawall.audit.secrets.encoded import Form, decode

REMOVED = (
    b"A file with a credential was here. The credential could not be cut out of it, so all of it was removed\n"
    b"from the history by `seawall secrets wipe`.\n"
)
_LETTER = re.compile(rb"\\n|([0-9A-Za-z+/_-])")
_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def clean(literals: Literals, data: bytes) -> bytes:
    """`data` without any target, as similar to it as can be; REMOVED where no way is known."""
    return _clean(literals, data, 0)


def harmless(literals: Literals, path: str, data: bytes) -> bytes:
    """Cleaned `data` that is no credential by the file's name either: marked as a placeholder, or else nothing."""
    if not literals.by_rule.by_name(path, data):
        return data
    for filler in literals.fillers.values():
        data = data.replace(filler, b"<%s>" % filler[1:-1])
    return b"" if literals.by_rule.by_name(path, data) else data


def _clean(literals: Literals, data: bytes, depth: int) -> bytes:
    if not look(literals, data, []):
        return data
    if depth < DEPTH:
        packed = repacked(data, lambda inner: _clean(literals, inner, depth + 1))
        if packed is not None and not look(literals, packed, []):
            return packed
    result = overwritten(literals, data, depth)
    return REMOVED if look(literals, result, []) else result


def overwritten(literals: Literals, data: bytes, depth: int = 0) -> bytes:
    """As long as `data`: every target that stands in it, plain or encoded, overwritten in place."""
    hits, encoded = literals.scan_all(data)
    out = bytearray(data)
    for hit in sorted(hits, key=lambda hit: hit.end - hit.start):  # the longest last: it covers those in it
        out[hit.start : hit.end] = literals.fillers[hit.secret]
    if depth < DEPTH:
        for form, end in encoded:
            _overwrite_encoded(literals, out, form, end, depth)
    return bytes(out)


def _overwrite_encoded(literals: Literals, out: bytearray, form: Form, end: int, depth: int) -> None:
    low, high, inner = decode(form, bytes(out), end)
    new = _clean(literals, inner, depth + 1)
    if new == inner:
        return
    if len(new) != len(inner):
        new = bytes(len(inner))  # an archive in base64 has another length now: zeros instead of all of it
    if form.encoding == "UTF-16":
        out[low:high:2] = new
    elif form.encoding == "hex":
        lower = any(byte in b"abcdef" for byte in out[low:high])
        out[low:high] = new.hex().encode() if lower else new.hex().upper().encode()
    elif form.encoding == "base64":
        _overwrite_base64(out, form, low, end - len(form.literal), high, inner, new)
    else:
        out[low:high] = b"x" * (high - low)


def _overwrite_base64(out: bytearray, form: Form, low: int, start: int, high: int, inner: bytes, new: bytes) -> None:
    """Letter for letter, so that folded lines stay folded. The phase is as in encoded.decode."""
    letters = [match.start() for match in _LETTER.finditer(bytes(out[low:high])) if match[1]]
    before = sum(low + at < start for at in letters)
    letters = letters[(before - form.phase) % 4 :]
    text, was = base64.b64encode(new), base64.b64encode(inner)
    if any(byte in b"-_" for byte in out[low:high]):
        text, was = text.translate(_URL_SAFE), was.translate(_URL_SAFE)
    for at, byte, old in zip(letters, text, was, strict=False):  # padding has no letter
        if byte != old:
            out[low + at] = byte
