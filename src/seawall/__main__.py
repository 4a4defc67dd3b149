"""Hands over to the command line."""

import gc
import os
import sys

_HOOK = ["secrets", "guard", "--staged"]
_SCAN = ["secrets", "scan"]
# What is imported stays: looking through it for garbage each 700 objects is a tenth of a short command's time.
_OBJECTS = 20_000


def main() -> None:
    """Run the command line; the hook before each commit is answered first, where it has nothing to say."""
    gc.set_threshold(_OBJECTS)
    _open_streams()
    if sys.argv[1:] == _HOOK:
        from seawall.audit.guard.fast import clean

        if clean():
            return
    try:
        if sys.argv[1:3] == _SCAN:
            from seawall.audit.history import ahead

            ahead.begin()
        from seawall.cli.main import main as command_line
    except KeyboardInterrupt:
        sys.exit(130)
    command_line()


def _open_streams() -> None:
    """Where one is closed (`2>&-`), the next file that is opened would take its place, and git would write to that."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode))  # noqa: SIM115


if __name__ == "__main__":
    main()
