"""Where a repository's own settings for the audit are."""

from collections.abc import Sequence
from pathlib import Path

from seawall.audit.history import git
from seawall.audit.history.git import Repository

OWN_RULES = ".seawall-rules.toml"  # in the top folder, beside the baseline


def top_folder(path: Path) -> Path:
    """Where the baseline and own rules are: the top of the work tree, or the folder itself."""
    return top_of(git.find(path), path)


def top_of(repository: Repository | None, path: Path) -> Path:
    """The same, of the repository that `path` is in."""
    if repository is None:
        return git.folder(path)
    return repository.work_tree or repository.git_dir


def own_rules(top: Path, others: Sequence[Path] = ()) -> list[Path]:
    """The files with rules that are not ours."""
    return [*filter(Path.exists, [top / OWN_RULES]), *others]
