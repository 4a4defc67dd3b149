"""A repository of real content: releases of popular public packages, each package on a branch of its own.

Made once, kept below `results/`: pip fetches each source distribution and has it say its metadata, so half an hour.
What was fetched before an interruption, or before the list below changed, is not fetched again.
    python -m benchmarks.releases
"""

import json

from benchmarks.histories import History, pack, statistics
from benchmarks.measure import RESULTS
from benchmarks.packages import git, write
from benchmarks.peers import workshop

REPOSITORY = RESULTS / "releases.git"
# Versions far enough apart for most files to differ. Chosen before anything was measured on them.
RELEASES = {
    "aiohttp": ["3.7.4", "3.8.6", "3.9.5", "3.10.5"],
    "ansible-core": ["2.13.13", "2.15.10", "2.17.2"],
    "awscli": ["1.22.0", "1.27.0", "1.32.0"],
    "babel": ["2.9.1", "2.12.1", "2.16.0"],
    "black": ["22.12.0", "23.12.0", "24.4.0"],
    "celery": ["5.2.7", "5.3.6", "5.4.0"],
    "click": ["7.1.2", "8.0.4", "8.1.3", "8.1.7"],
    "coverage": ["5.5", "6.5.0", "7.4.0"],
    "cython": ["0.29.36", "3.0.0", "3.0.10"],
    "dask": ["2022.1.0", "2023.1.0", "2024.1.0"],
    "django": ["3.2", "4.2", "5.0", "5.1"],
    "djangorestframework": ["3.12.4", "3.14.0", "3.15.2"],
    "docutils": ["0.16", "0.18.1", "0.20.1", "0.21.2"],
    "faker": ["13.0.0", "18.0.0", "24.0.0", "30.0.0"],
    "fastapi": ["0.95.0", "0.110.0", "0.112.0"],
    "flask": ["1.1.4", "2.0.3", "2.3.3", "3.0.3"],
    "hypothesis": ["6.0.0", "6.50.0", "6.100.0"],
    "ipython": ["7.34.0", "8.0.0", "8.10.0", "8.20.0"],
    "jinja2": ["2.11.3", "3.0.3", "3.1.2", "3.1.4"],
    "kubernetes": ["18.20.0", "24.2.0", "28.1.0", "30.1.0"],
    "mercurial": ["5.9", "6.2", "6.5"],
    "mkdocs": ["1.3.0", "1.4.0", "1.5.0", "1.6.0"],
    "moto": ["3.1.0", "4.2.0", "5.0.0"],
    "mypy": ["1.0.0", "1.5.0", "1.10.0"],
    "networkx": ["2.5", "2.8.8", "3.1", "3.3"],
    "nltk": ["3.6.7", "3.8.1", "3.9.1"],
    "notebook": ["6.4.12", "6.5.7"],
    "paramiko": ["2.7.2", "2.12.0", "3.0.0", "3.4.0"],
    "pip": ["21.0", "22.0", "23.0", "24.0"],
    "pydantic": ["1.8.2", "1.10.13", "2.0.3", "2.8.2"],
    "pygments": ["2.10.0", "2.13.0", "2.15.1", "2.18.0"],
    "pylint": ["2.15.0", "3.0.0", "3.2.0"],
    "pymongo": ["3.12.3", "4.3.3", "4.6.1"],
    "pytest": ["6.2.5", "7.4.4", "8.0.0", "8.3.0"],
    "requests": ["2.25.1", "2.28.2", "2.31.0", "2.32.3"],
    "rich": ["12.6.0", "13.0.0", "13.7.1"],
    "setuptools": ["65.0.0", "69.0.0", "75.0.0"],
    "sphinx": ["3.5.4", "5.3.0", "7.2.6", "8.0.2"],
    "sqlalchemy": ["1.3.24", "1.4.50", "2.0.30"],
    "sympy": ["1.6", "1.9", "1.12", "1.13.0"],
    "tornado": ["6.1", "6.2", "6.3.3", "6.4.1"],
    "twisted": ["21.7.0", "22.10.0", "23.10.0", "24.7.0"],
    "urllib3": ["1.25.11", "1.26.18", "2.0.7", "2.2.2"],
    "werkzeug": ["1.0.1", "2.0.3", "2.3.8", "3.0.3"],
}


def releases() -> History:
    """The repository with every release of the list, and nothing else, from the cache if it was made before."""
    record = REPOSITORY.with_suffix(".json")  # written last, and not into the repository, where it would be read
    if not (REPOSITORY / "HEAD").exists():
        _begin()
    held = _held()
    if held != RELEASES or not record.exists():
        record.unlink(missing_ok=True)
        for package in held.keys() - RELEASES.keys():
            git(REPOSITORY, "update-ref", "-d", f"refs/heads/{package}")
        for package in (each for each in RELEASES if held.get(each) != RELEASES[each]):
            _add(package)
        pack(REPOSITORY)
        record.write_text(json.dumps(statistics(REPOSITORY)))
    return History(REPOSITORY, **json.loads(record.read_text()))


def _begin() -> None:
    REPOSITORY.mkdir(parents=True, exist_ok=True)
    git(REPOSITORY, "init", "-q", "--bare", "-b", next(iter(RELEASES)))
    git(REPOSITORY, "config", "receive.autogc", "false")  # it is packed once, when all are there


def _held() -> dict[str, list[str]]:
    """Which packages the repository has in which versions, oldest first, by the messages of its commits."""
    branches = git(REPOSITORY, "for-each-ref", "--format=%(refname:short)", "refs/heads").split()
    subjects = {each: git(REPOSITORY, "log", "--reverse", "--format=%s", each).splitlines() for each in branches}
    return {each: [subject.split()[-1] for subject in said] for each, said in subjects.items()}


def _add(package: str) -> None:
    with workshop() as folder:
        repo = folder / package
        write(repo, package, RELEASES[package])
        git(repo, "push", "-q", "--force", str(REPOSITORY), f"main:refs/heads/{package}")


if __name__ == "__main__":
    print(releases())
