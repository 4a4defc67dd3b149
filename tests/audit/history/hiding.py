"""Repositories that hide a made-up GitHub token in every kind of place: `KINDS[name](repository, token)` plants one.

Each leaves it nowhere else. In the order of `KINDS` they can all be planted in one repository: later ones leave alone
what earlier ones did. `python -m tests.audit.history.hiding FOLDER` makes such a repository, and prints the tokens.
"""

import sys
from pathlib import Path

from tests.audit.history import hiding_bonus, hiding_files, hiding_folder, hiding_objects
from tests.audit.history.kinds import BONUS, EXPECTED, KINDS, Expected
from tests.audit.history.repository import github_token, new

__all__ = ["BONUS", "EXPECTED", "KINDS", "Expected", "everything", "one"]
_PARTS = (hiding_objects, hiding_files, hiding_folder, hiding_bonus)  # their import has filled the tables


def one(name: str, path: Path) -> tuple[Path, str]:
    """A new repository at `path` with one secret, which is in the kind of place called `name`; and the secret."""
    repo, secret = new(path), github_token()
    (KINDS | BONUS)[name](repo, secret)
    return repo, secret


def everything(path: Path, *, bonus: bool = False) -> tuple[Path, dict[str, str]]:
    """A new repository at `path` with a secret of its own in each kind, those of `BONUS` if wanted; and the secrets."""
    repo, kinds = new(path), KINDS | BONUS if bonus else KINDS
    secrets = {name: github_token() for name in kinds}
    for name, plant in kinds.items():
        plant(repo, secrets[name])
    return repo, secrets


if __name__ == "__main__":
    for title, token in everything(Path(sys.argv[1]))[1].items():
        print(f"{token}  {title}")
