"""A process of its own that compiles expressions: Hyperscan hears no Ctrl-C, and lets nothing else run, for seconds.

Run as a file, with what `compiled.py` writes on its stdin; nothing of Seawall is imported. It is started isolated from
the environment and takes over our import path: nothing comes from a folder that we do not import from ourselves.
"""

import ctypes
import pickle
import signal
import sys

_PR_SET_PDEATHSIG = 1  # prctl(2)


def main() -> None:
    """The database on stdout; or why there is none on stderr, and exit code 1."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)  # nobody waits for the answer any more
    sys.path[:], expressions, flags = pickle.load(sys.stdin.buffer)
    import hyperscan

    database = hyperscan.Database(mode=hyperscan.HS_MODE_BLOCK)
    try:
        database.compile(expressions=expressions, ids=list(range(len(expressions))), flags=flags)
    except hyperscan.HyperscanError as error:
        sys.exit(str(error))
    sys.stdout.buffer.write(hyperscan.dumpb(database))


if __name__ == "__main__":
    main()
