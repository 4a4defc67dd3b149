import subprocess
import sys
from pathlib import Path

import pytest

from seawall.audit.evidence import Credential, Evidence, EvidenceMissing
from seawall.audit.finding import Finding, Gap, Place
from seawall.audit.registry import CHECKS, Check
from seawall.audit.run import Report, Subject, alarms, exit_code, ordered, run
from seawall.audit.secrets.rules import load
from tests.audit.report.made import FINDINGS, GAPS, REPORT, STARTED, place

SECRET = "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"


def credential(**changes: object) -> Credential:
    rule = next(rule for rule in load()[0] if rule.id == "github-token")
    at = place("deploy.sh", 3)
    return Credential(rule, SECRET, "verified", at, at, 2, True, ("ghp_***Lq17",))._replace(**changes)


def test_a_credential_becomes_a_finding_that_does_not_hold_it() -> None:
    findings, gaps = run(Evidence(credentials=(credential(),)))
    assert gaps == []
    assert [(each.id, each.severity, each.times) for each in findings] == [("secrets/github-token", "critical", 2)]
    assert SECRET not in repr(findings)
    assert findings[0].remedy.splitlines()[0] == "Revoke it at GitHub and make a new one."


def test_a_setting_of_gits_is_taken_out_of_no_file() -> None:
    setting = Place("config", ".git/config", 7)
    (finding,) = run(Evidence(credentials=(credential(first=setting, last=setting),)))[0]
    assert "git config --edit" in finding.remedy
    assert "files" not in finding.remedy
    (both,) = run(Evidence(credentials=(credential(last=setting),)))[0]
    assert "git config --edit" in both.remedy
    assert "Take it out of the files" in both.remedy


def test_nothing_gathered_is_a_gap_and_an_empty_history_is_not() -> None:
    assert run(Evidence(credentials=())) == ([], [])
    findings, gaps = run(Evidence())
    assert findings == []
    assert [gap.what for gap in gaps] == [
        "Not verified: Credentials in the repository (secrets), because the credentials were not gathered."
    ]


def test_a_check_that_lacks_evidence_is_a_gap_and_the_others_go_on() -> None:
    def lacking(_: Evidence) -> list[Finding]:
        raise EvidenceMissing("no route was found", "Name one with --route.")

    checks = {"a": Check("First", (), lacking), "b": Check("Second", (), lambda _: [FINDINGS[0]])}
    findings, gaps = run(Evidence(), checks)
    assert findings == [FINDINGS[0]]
    assert gaps == [Gap("Not verified: First (a), because no route was found.", "Name one with --route.")]


def test_a_check_that_is_wrong_is_heard() -> None:
    def wrong(_: Evidence) -> list[Finding]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run(Evidence(), {"a": Check("Wrong", (), wrong)})


def test_identifiers_of_findings_start_with_their_checks() -> None:
    findings, _ = run(Evidence(credentials=(credential(),)))
    assert all(finding.id.partition("/")[0] in CHECKS for finding in findings)


def test_the_worst_come_first_whatever_the_order_they_were_found_in() -> None:
    assert ordered(reversed(FINDINGS)) == ordered(FINDINGS) == list(REPORT.findings)
    assert [finding.severity for finding in REPORT.findings[:2]] == ["critical", "critical"]
    assert [finding.sureness for finding in REPORT.findings[:2]] == ["verified", "format"]
    assert [finding.in_tip for finding in REPORT.findings[2:4]] == [True, False]


@pytest.mark.parametrize(
    ("findings", "gaps", "code"), [((), (), 0), (FINDINGS, (), 1), ((), GAPS, 3), (FINDINGS, GAPS, 1)]
)
def test_exit_codes(findings: tuple[Finding, ...], gaps: tuple[Gap, ...], code: int) -> None:
    assert exit_code(Report(Subject("."), STARTED, 1.0, findings, gaps)) == code


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://ada:pass@git.example.org/x.git", "https://git.example.org/x.git"),
        ("https://token@git.example.org/x@y", "https://git.example.org/x@y"),
        ("ssh://git@git.example.org/x.git", "ssh://git.example.org/x.git"),
        ("git@git.example.org:x.git", "git@git.example.org:x.git"),
        ("/srv/a@b", "/srv/a@b"),
        ("https://a:p@ss@git.example.org/x", "https://git.example.org/x"),
    ],
)
def test_a_subject_never_holds_a_password(given: str, kept: str) -> None:
    subject = Subject(given, given)
    assert (subject.name, subject.url) == (kept, kept)


def test_the_frame_imports_nothing_slow() -> None:
    """`seawall secrets guard` runs before every commit, and needs these."""
    names = ("finding", "fingerprint", "baseline", "mask", "evidence", "registry", "run")
    script = f"import sys\n{''.join(f'import seawall.audit.{name}{chr(10)}' for name in names)}print(*sys.modules)"
    source = Path(__file__).parents[2] / "src"
    environment = {"PYTHONPATH": str(source)}
    shown = subprocess.run([sys.executable, "-c", script], check=True, env=environment, capture_output=True, text=True)
    loaded = {name.partition(".")[0] for name in shown.stdout.split()}
    assert "seawall" in loaded
    assert not loaded & {"rich", "jinja2", "pydantic", "click", "hyperscan"}


def test_keys_made_for_tests_are_listed_and_make_no_scan_fail() -> None:
    findings, _ = run(Evidence(credentials=(credential(sureness="format", for_tests=True),)))
    assert [each.severity for each in findings] == ["information"]
    assert findings[0].remedy.startswith("It lies among tests or documentation only")
    report = Report(Subject("."), STARTED, 1.0, tuple(findings))
    assert alarms(report) == ()
    assert exit_code(report) == 0
    assert exit_code(report._replace(gaps=GAPS)) == 3
    assert exit_code(report._replace(findings=(*findings, FINDINGS[0]))) == 1
