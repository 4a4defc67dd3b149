"""A credential that the repository holds, anywhere, is known to everybody who ever had a copy of it."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from seawall.audit.checks.samples import anybodys
from seawall.audit.evidence import Credential, Evidence
from seawall.audit.finding import Finding, Severity
from seawall.audit.fingerprint import of_credential


def find(evidence: Evidence) -> Iterator[Finding]:
    """A finding for each credential."""
    credentials = evidence.credentials or ()
    with ThreadPoolExecutor(os.cpu_count()) as pool:  # hashing takes milliseconds each, and lets others run
        names = pool.map(of_credential, (each.rule for each in credentials), (each.secret for each in credentials))
        yield from map(_finding, credentials, names)


def _finding(credential: Credential, fingerprint: str) -> Finding:
    rule = credential.rule
    return Finding(
        f"secrets/{rule.id}",
        fingerprint,
        rule.description,
        _severity(credential),
        credential.sureness,
        credential.first,
        credential.last,
        credential.times,
        credential.in_tip,
        credential.proof,
        _remedy(credential),
        (rule.rotate,) if rule.rotate and not credential.only_here else (),
        credential.places,
    )


def _severity(credential: Credential) -> Severity:
    if credential.for_tests:
        return "information"
    return "low" if credential.only_here else credential.rule.severity


def _remedy(credential: Credential) -> str:
    """Revoking comes first: what was published stays known, however often history is rewritten."""
    if credential.for_tests:
        return "It lies among tests or documentation only: leave it if it was made for them. Otherwise revoke it."
    if credential.only_here:
        return (
            "It is in no commit: keep it so, with a line in .gitignore and `seawall secrets guard install`.\n"
            "See that nobody else on this machine can read the file."
        )
    rule = credential.rule
    steps = [
        "Change it wherever it opens something."
        if anybodys(rule)
        else f"Revoke it at {rule.vendor or 'whoever issued it'} and make a new one."
    ]
    kinds = {place.kind for place in (credential.first, credential.last, *credential.places)}
    if "config" in kinds:
        steps.append("Take it out of git's configuration: git config --edit")
    if credential.in_tip and kinds != {"config"}:
        steps.append("Take it out of the files and hand it to the application in its environment.")
    if credential.in_repository:
        steps.append("Then take it out of the history: seawall secrets wipe")
    return "\n".join(steps)
