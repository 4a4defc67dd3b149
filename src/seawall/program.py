"""How Seawall starts itself so that Python imports nothing from the folder it is started in."""

import sys


def command(*arguments: str) -> list[str]:
    """The command line of `seawall ARGUMENTS` in this interpreter, safe in folders that belong to somebody else.

    `-m` puts the working folder first on the import path, where a `json.py` would run instead of Python's own: -P
    prevents it. PYTHONPATH often names that folder too: -E ignores it, with PYTHONHOME and the like. Not -I, which
    leaves out the user's site-packages, where `pip install --user` puts Seawall.
    """
    return [sys.executable, "-E", "-P", "-m", "seawall", *arguments]
