"""Hands over to the command line."""

import sys

_HOOK = ["secrets", "guard", "--staged"]
_SCAN = ["secrets", "scan"]


def main() -> None:
    """Run the command line; the hook before each commit is answered first, where it has nothing to say."""
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


if __name__ == "__main__":
    main()
