"""Regular expressions from what `re` made of them before: to take one apart takes ten times as long.

`re` has no way to keep that. What it does itself is done here in two steps; see docs/decisions/0012.
"""

import json
import re
from typing import AnyStr

_UNKNOWN = (ImportError, AttributeError, TypeError, ValueError, RuntimeError, OverflowError)  # another Python than ours


def taken_apart(pattern: AnyStr) -> str:
    """What is to be kept of `pattern`; empty where that does not give the same as `re`, in another Python."""
    try:
        from re import _compiler, _parser  # type: ignore[attr-defined]

        parsed = _parser.parse(pattern)
        state = parsed.state
        apart = [state.flags, _compiler._code(parsed, 0), state.groups - 1, state.groupdict]
        kept = json.dumps(apart, separators=(",", ":"))
    except _UNKNOWN:
        return ""
    return kept if compiled(pattern, kept) == re.compile(pattern) else ""


def compiled(pattern: AnyStr, kept: str) -> re.Pattern[AnyStr]:
    """As `re.compile(pattern)`."""
    try:
        import _sre  # type: ignore[import-not-found]

        flags, code, groups, names = json.loads(kept)
        by_number = {number: name for name, number in names.items()}
        in_order = tuple(map(by_number.get, range(groups + 1)))
        made: re.Pattern[AnyStr] = _sre.compile(pattern, flags, code, groups, names, in_order)
        return made
    except _UNKNOWN:
        return re.compile(pattern)
