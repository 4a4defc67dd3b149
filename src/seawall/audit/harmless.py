"""How git is started so that it runs nothing that a repository contains or configures."""

from typing import Final

# Keys of a repository's own configuration that make git run a program where we only read, see git-config(1).
# safe.directory does not help: the .git of an archive belongs to the person who unpacked it.
_OVERRULED = (
    ("core.fsmonitor", "false"),  # by whatever reads the index
    ("core.hooksPath", "/dev/null"),  # the folder .git/hooks, too
    ("core.alternateRefsCommand", "false"),
    ("diff.external", "false"),
    ("log.showSignature", "false"),  # or `git log` runs gpg.program for every signed commit
)
_OPTIONS: Final = [part for key, value in _OVERRULED for part in ("-c", f"{key}={value}")]
DIFF: Final = ("--no-ext-diff", "--no-textconv")  # for `diff` and `log`

# Nothing is fetched: in a partial clone each missing object would start the programs its remote names.
ENVIRONMENT: Final = {
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_ALLOW_PROTOCOL": "none",  # git before 2.45 knows no GIT_NO_LAZY_FETCH
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "LC_ALL": "C",
}


def git(*arguments: str) -> list[str]:
    """The command line of `git ARGUMENTS`."""
    return ["git", "--no-pager", *_OPTIONS, *arguments]
