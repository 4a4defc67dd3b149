"""A credential that the repository holds, anywhere, is known to everybody who ever had a copy of it."""

from collections.abc import Iterator

from seawall.audit.evidence import Credential, Evidence
from seawall.audit.finding import Finding
from seawall.audit.fingerprint import fingerprint


def find(evidence: Evidence) -> Iterator[Finding]:
    """A finding for each credential."""
    for credential in evidence.credentials or ():
        yield _finding(credential)


def _finding(credential: Credential) -> Finding:
    rule = credential.rule
    identifier = f"secrets/{rule.id}"
    return Finding(
        identifier,
        fingerprint(identifier, credential.secret),
        rule.description,
        "information" if credential.for_tests else rule.severity,
        credential.sureness,
        credential.first,
        credential.last,
        credential.times,
        credential.in_tip,
        credential.proof,
        _remedy(credential),
        (rule.rotate,) if rule.rotate else (),
    )


def _remedy(credential: Credential) -> str:
    """Revoking comes first: what was published stays known, however often history is rewritten."""
    if credential.for_tests:
        return "It lies among tests or documentation only: leave it if it was made for them. Otherwise revoke it."
    steps = [f"Revoke it at {credential.rule.vendor} and make a new one."]
    if credential.in_tip:
        steps.append("Take it out of the files and hand it to the application in its environment.")
    steps.append("Then take it out of the history: seawall secrets wipe")
    return "\n".join(steps)
