"""`seawall secrets`: credentials in the git repository."""

from seawall.cli.lazy import Lazy

COMMANDS = {
    "scan": "Find credentials in everything the repository holds, in every version.",
    "rules": "Which credentials are known, and how to add your own.",
    "accept": "Live with a finding: put it into the baseline, with a reason.",
    "guard": "Stop the next credential: hooks for commit and push.",
    "wipe": "Take credentials out of the whole history.",
}

secrets_command = Lazy(
    "secrets",
    {name: (f"seawall.cli.secrets_{name}", f"{name}_command", text) for name, text in COMMANDS.items()},
    help="""Find credentials in a git repository, take them out of its history, and stop the next one.

    \b
    seawall secrets scan            looks at every version of everything
    seawall secrets guard install   stops what is about to be committed
    seawall secrets wipe            takes what was found out of the history
    """,
)
