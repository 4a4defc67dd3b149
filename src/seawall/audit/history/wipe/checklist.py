"""What is left to do after a wipe, by people: in the order in which it helps."""

from collections.abc import Sequence
from dataclasses import dataclass

from seawall.audit.history.git import Repository
from seawall.audit.history.wipe.plan import Plan
from seawall.audit.history.wipe.refuse import counted
from seawall.audit.history.wipe.run import Outcome, Survey
from seawall.audit.mask import mask, mask_line

_SHOWN = 10  # refs named in one command


@dataclass(frozen=True)
class _Host:
    """What a code host keeps after a force-push."""

    names: tuple[str, ...]  # parts of its host name
    text: str
    link: str


_HOSTS = (
    _Host(
        ("github",),
        "GitHub keeps the old commits in pull requests (refs/pull/*, which nobody can push to), in cached views and in "
        "forks. Ask its support to remove them, naming the repository, the pull requests concerned and the first "
        "changed commit.",
        "https://docs.github.com/en/authentication/keeping-your-account-and-data-secure/"
        "removing-sensitive-data-from-a-repository",
    ),
    _Host(
        ("gitlab",),
        "GitLab keeps the old commits in merge requests and pipelines (refs/merge-requests/*, refs/pipelines/*, "
        "refs/keep-around/*). Unprotect the branches for the push; then Settings, Repository, Repository maintenance: "
        "remove blobs, and run housekeeping with pruning.",
        "https://docs.gitlab.com/user/project/repository/repository_size/",
    ),
    _Host(
        ("bitbucket",),
        "Bitbucket keeps the old commits in pull requests and until its garbage collection runs. Ask its support for "
        "one.",
        "https://support.atlassian.com/bitbucket-cloud/docs/maintain-a-git-repository/",
    ),
    _Host(
        ("dev.azure", "visualstudio"),
        "Azure DevOps keeps the old commits in pull requests and pushes. Abandon the pull requests concerned and ask "
        "its support to remove the objects.",
        "https://learn.microsoft.com/azure/devops/repos/git/remove-binaries",
    ),
)
_OTHER = _Host(
    (),
    "The host keeps the old commits until it collects garbage: ask who runs it for `git gc --prune=now`, and for the "
    "removal of pull or merge requests' refs and of cached pages.",
    "",
)


def checklist(survey: Survey, outcome: Outcome) -> str:
    """The list as Markdown. No secret is in it."""
    secrets = [target.secret for target in survey.literals.targets]
    remotes = _remotes(survey.repository)
    parts = [
        ("Rotate every credential", _rotate(survey)),
        ("Push the new history", _push(survey.plan, remotes, secrets)),
        ("Clean the host", _hosts(remotes)),
        ("Forks and other clones", _CLONES),
        ("Caches and copies", _COPIES),
        ("The backup", _backup(outcome)),
    ]
    parts += [("Signatures", _signatures(outcome))] if outcome.done.unsigned else []
    parts += [("Files outside version control", _elsewhere(outcome, secrets))] if outcome.elsewhere else []
    lines = ["# After the wipe", ""]
    for number, (title, text) in enumerate(parts, 1):
        lines += [f"## {number}. {title}", "", *text, ""]
    return "\n".join(lines)


def _rotate(survey: Survey) -> list[str]:
    lines = ["Whoever has read the old history has them. Until they are revoked, nothing is won.", ""]
    for each in survey.found:
        rule = each.rule
        name = f"{rule.vendor + ': ' if rule.vendor else ''}{rule.description}"
        lines.append(f"- [ ] {name}, `{mask(each.secret)}`{', revoke it: ' + rule.rotate if rule.rotate else ''}")
    return lines


def _remotes(repository: Repository) -> dict[str, str]:
    """Name → URL without user and password."""
    found: dict[str, str] = {}
    for line in (
        repository.try_run("config", "--get-regexp", r"^remote\..*\.url$").decode(errors="replace").splitlines()
    ):
        key, _, url = line.partition(" ")
        scheme, separator, rest = url.partition("://")
        found[key[len("remote.") : -len(".url")]] = scheme + separator + rest.rpartition("@")[2] if separator else url
    return found


def _push(plan: Plan, remotes: dict[str, str], secrets: Sequence[str]) -> list[str]:
    if not remotes:
        return ["There is no remote here. Wherever this repository was pushed to, the old history still is."]
    changed = [ref.name for ref in plan.tips if ref.name not in plan.renamed]
    heads = [name.removeprefix("refs/heads/") for name in changed if name.startswith("refs/heads/")]
    tags = [name.removeprefix("refs/tags/") for name in changed if name.startswith("refs/tags/")]
    notes = [name for name in changed if name.startswith("refs/notes/")]
    lines = ["Tell everybody first, so that nobody pushes the old one again.", ""]
    for remote, url in remotes.items():
        lines += [f"- [ ] {remote} ({mask_line(url, secrets)}):", ""]
        lines += [f"      git push --force {remote} {_named(heads, '--all')}"] if heads else []
        lines += (
            [f"      git push --force {remote} {_named([f'refs/tags/{t}' for t in tags], '--tags')}"] if tags else []
        )
        lines += [f"      git push --force {remote} {' '.join(notes)}"] if notes else []
        lines.append("")
    for name in plan.renamed:
        lines.append(f"- [ ] Delete {mask_line(name, secrets)} at every remote: its name was a credential.")
    return lines


def _named(names: list[str], all_of_them: str) -> str:
    import shlex

    return shlex.join(names) if len(names) <= _SHOWN else all_of_them


def _hosts(remotes: dict[str, str]) -> list[str]:
    hosts = {next((host for host in _HOSTS if any(n in url for n in host.names)), _OTHER) for url in remotes.values()}
    return [
        f"- [ ] {host.text}{f' See {host.link}' if host.link else ''}"
        for host in sorted(hosts or {_OTHER}, key=lambda host: host.text)
    ]


_CLONES = [
    "- [ ] Every fork holds the old history: its owner has to wipe or delete it.",
    "- [ ] Everybody clones anew and deletes the old clone. `git pull` would merge the old history back in.",
    "- [ ] Work that was not pushed: `git format-patch` in the old clone, `git am` in the new one.",
]
_COPIES = [
    "- [ ] CI: caches, artifacts and logs of earlier runs, and mirrors of the repository.",
    "- [ ] Packages, images and archives built from it: withdraw those published with the credential inside.",
    "- [ ] Backups and code search indexes.",
    "- [ ] Look at the vendors' logs whether the credentials were used.",
]


def _backup(outcome: Outcome) -> list[str]:
    return [
        f"The original, with all credentials, is in `{outcome.backup}`, readable by you alone.",
        "",
        "- [ ] Delete it when all is well. To go back instead: put it in the place of `.git` and run "
        "`git checkout --force HEAD`.",
    ]


def _signatures(outcome: Outcome) -> list[str]:
    total = len(outcome.done.unsigned)
    named = [outcome.done.name(name)[:12] for name in outcome.done.unsigned[:_SHOWN]]
    more = f" and {total - _SHOWN} more" if total > _SHOWN else ""
    return [
        f"{counted(total, 'commit or tag was', 'commits or tags were')} signed. The signatures do not hold for what "
        f"stands there now and were removed: {', '.join(named)}{more}.",
        "",
        "- [ ] Sign tags again: `git tag --force --sign NAME NAME^{}`.",
    ]


def _elsewhere(outcome: Outcome, secrets: Sequence[str]) -> list[str]:
    return [
        f"- {mask_line(place.path, secrets)}:{place.line} holds `{mask(each.secret)}`; it was left alone"
        for each in outcome.elsewhere
        for place in each.places
    ]
