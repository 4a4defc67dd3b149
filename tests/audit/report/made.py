"""A report made by hand: every severity, sureness and kind of place, and text that tries to break out."""

import hashlib
from datetime import UTC, date, datetime

from seawall.audit.baseline import Entry, Known
from seawall.audit.finding import Finding, Gap, Place
from seawall.audit.run import Report, Subject, ordered

HOSTILE = "<script>alert(1)</script>\"'&\x1b[31m\u202e]8;;\udce4"
STARTED = datetime(2025, 6, 1, 12, 0, tzinfo=UTC)
REVOKE = "Revoke it at {} and make a new one."
WIPE = "Then take it out of the history: seawall secrets wipe"


def place(path: str, line: int = 0, kind: str = "file", day: str = "2024-03-05", **more: object) -> Place:
    commit = f"{hash_of(path, day)}"
    values = {"commit": commit, "author": "Ada Lovelace <ada@example.org>", "date": f"{day}T09:30:00+02:00"} | more
    return Place(kind, path, line, **values)  # type: ignore[arg-type]


def hash_of(*text: str) -> str:
    return hashlib.sha1("\0".join(text).encode("utf-8", "surrogateescape")).hexdigest()


def finding(identifier: str, title: str, **more: object) -> Finding:
    first = more.pop("first", None) or place("config/settings.py", 12)
    values: dict[str, object] = {
        "fingerprint": hash_of(identifier, title)[:32],
        "severity": "high",
        "sureness": "format",
        "last": first,
        "times": 1,
        "in_tip": False,
        "proof": (),
        "remedy": f"{REVOKE.format('the vendor')}\n{WIPE}",
    }
    return Finding(identifier, title=title, first=first, **(values | more))  # type: ignore[arg-type]


FINDINGS = (
    finding(
        "secrets/github-token",
        "GitHub access token",
        severity="critical",
        sureness="verified",
        first=place("deploy/release.sh", 7, day="2021-02-11"),
        last=place("deploy/release.sh", 9, day="2025-05-20", author="Grace Hopper <grace@example.org>"),
        times=14,
        in_tip=True,
        proof=('export GITHUB_TOKEN="ghp_***Ml17"',),
        remedy=f"{REVOKE.format('GitHub')}\nTake it out of the files.\n{WIPE}",
        links=(f"https://docs.github.com/en/{'long-address/' * 8}token-expiration-and-revocation",),
    ),
    finding(
        "secrets/private-key",
        "Private key",
        severity="critical",
        first=place("backup/keys.zip", day="2022-07-01", within=("zip: home/deploy/.ssh/id_ed25519",)),
        last=place("backup/keys.zip", day="2023-01-15", within=("zip: home/deploy/.ssh/id_ed25519",)),
        times=3,
        proof=("-----BEGIN OPENSSH PRIVATE KEY-----***",),
    ),
    finding(
        "secrets/aws-access-key",
        "AWS access key",
        first=place("", kind="commit message", day="2023-09-09"),
        proof=("fix: works with AKIA***Q when run by hand",),
        links=("https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_access-keys.html",),
    ),
    finding(
        "secrets/django-secret-key",
        "Django SECRET_KEY",
        first=place("flights/settings.py", 23, day="2020-11-30"),
        last=place("flights/settings.py", 25, day="2025-05-28"),
        times=41,
        in_tip=True,
        proof=('SECRET_KEY = "***h2k)"',),
    ),
    finding(
        "secrets/url-password",
        "Password in an address",
        severity="medium",
        first=Place("config", "remote.origin.url"),
        in_tip=True,
        proof=("url = https://deploy:***@git.example.org/site",),
    ),
    finding(
        "secrets/password",
        "Password",
        severity="medium",
        sureness="heuristic",
        first=place("tests/load/locustfile.py", 88, day="2022-02-02"),
        last=place("tests/load/locustfile.py", 91, day="2024-12-24"),
        times=6,
        proof=("password = ***",),
    ),
    finding(
        "secrets/hostile",
        HOSTILE,
        severity="low",
        sureness="heuristic",
        first=place(f"a b/{HOSTILE}.py", 3, day="2024-06-06", author=f"{HOSTILE} <x@example.org>"),
        proof=(f"key = {HOSTILE}",),
        remedy=HOSTILE,
        links=("javascript:alert(1)",),
    ),
    finding(
        "secrets/password-hash",
        "Password hash of Django",
        severity="information",
        first=place("refs/stash", kind="stash", day="1970-01-01"),
        proof=("pbkdf2_sha256$600000$***",),
    ),
)
ACCEPTED = finding("secrets/password", "Password", fingerprint="ab" * 16, first=place("examples/demo.env", 2))
GAPS = (
    Gap("898 objects are missing: this is a partial clone", "git fetch --refetch --no-filter"),
    Gap(f"refs/heads/{HOSTILE} cannot be read"),
)
REPORT = Report(
    Subject("/srv/flights", "https://deploy:pass@git.example.org/site.git", "9f8e7d6c" * 5, "main"),
    STARTED,
    4.2,
    tuple(ordered(FINDINGS)),
    GAPS,
    (Known(ACCEPTED, Entry("cd" * 16, "secrets/password", date(2030, 1, 1), f"Only for the demo {HOSTILE[:25]}")),),
    (Known(FINDINGS[5], Entry("ef" * 16, "secrets/password", date(2024, 1, 1), "Until the move to the new provider")),),
    {"objects": 18_423, "bytes": 1_048_576_000, "commits": 2_310, "refs": 47},
)
