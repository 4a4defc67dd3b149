import json
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from jsonschema import Draft4Validator

from seawall.audit.report.sarif import as_sarif
from seawall.audit.run import Report, Subject
from tests.audit.report.made import FINDINGS, HOSTILE, REPORT, STARTED

SCHEMA = json.loads(Path(__file__).with_name("sarif-schema-2.1.0.json").read_text())
CLEAN = Report(Subject("."), STARTED, 0.1, ())


def run_of(report: Report) -> Any:
    log = json.loads(as_sarif(report))
    Draft4Validator(SCHEMA, format_checker=Draft4Validator.FORMAT_CHECKER).validate(log)
    (run,) = log["runs"]
    return run


def result(identifier: str, report: Report = REPORT) -> Any:
    return next(each for each in run_of(report)["results"] if each["ruleId"] == identifier)


@pytest.mark.parametrize("report", [REPORT, CLEAN])
def test_it_follows_the_standard(report: Report) -> None:
    assert run_of(report)["tool"]["driver"]["name"] == "Seawall"


def test_each_rule_stands_once_and_each_result_names_its_own() -> None:
    run = run_of(REPORT)
    rules = run["tool"]["driver"]["rules"]
    assert sorted(rule["id"] for rule in rules) == sorted({finding.id for finding in FINDINGS})
    assert all(rules[each["ruleIndex"]]["id"] == each["ruleId"] for each in run["results"])
    token = next(rule for rule in rules if rule["id"] == "secrets/github-token")
    assert token["properties"]["security-severity"] == "9.5"
    assert token["properties"]["precision"] == "very-high"
    assert token["helpUri"].startswith("https://docs.github.com/")


def test_a_result_has_level_place_and_fingerprint() -> None:
    token = result("secrets/github-token")
    assert token["level"] == "error"
    assert token["locations"] == [
        {"physicalLocation": {"artifactLocation": {"uri": "deploy/release.sh"}, "region": {"startLine": 9}}}
    ]
    assert token["partialFingerprints"]["seawall/v1"] == FINDINGS[0].fingerprint
    assert "checksum verified" in token["message"]["text"]
    assert "ghp_***Ml17" in token["message"]["text"]


def test_what_is_in_no_file_has_a_name_and_a_stand_in() -> None:
    (location,) = result("secrets/aws-access-key")["locations"]
    assert location["physicalLocation"] == {"artifactLocation": {"uri": ".git"}}
    assert location["logicalLocations"][0]["kind"] == "commit message"
    assert location["logicalLocations"][0]["fullyQualifiedName"].endswith(FINDINGS[2].last.commit)


def test_what_is_inside_an_archive_has_the_archive_and_a_name() -> None:
    (location,) = result("secrets/private-key")["locations"]
    assert location["physicalLocation"] == {"artifactLocation": {"uri": "backup/keys.zip"}}
    assert "id_ed25519" in location["logicalLocations"][0]["fullyQualifiedName"]


def test_a_path_of_any_bytes_is_an_address_that_can_be_read_back() -> None:
    (location,) = result("secrets/hostile")["locations"]
    uri = location["physicalLocation"]["artifactLocation"]["uri"]
    assert uri.isascii()
    assert not set(uri) & set(" <>\"'&\x1b")
    assert unquote_to_bytes(uri) == f"a b/{HOSTILE}.py".encode("utf-8", "surrogateescape")


def test_an_address_that_could_run_is_no_help_page() -> None:
    rules = run_of(REPORT)["tool"]["driver"]["rules"]
    assert "helpUri" not in next(rule for rule in rules if rule["id"] == "secrets/hostile")


def test_what_is_known_is_suppressed_with_its_reason_and_nothing_else_is() -> None:
    results = run_of(REPORT)["results"]
    (known,) = [each for each in results if each["suppressions"]]
    (suppression,) = known["suppressions"]
    assert (suppression["kind"], suppression["status"]) == ("external", "accepted")
    assert suppression["justification"].startswith("Only for the demo")
    assert suppression["justification"].endswith("(until 2030-01-01)")
    assert len(results) == len(FINDINGS) + 1


def test_gaps_are_notifications_of_a_run_that_did_not_succeed() -> None:
    (invocation,) = run_of(REPORT)["invocations"]
    assert not invocation["executionSuccessful"]
    assert [each["level"] for each in invocation["toolExecutionNotifications"]] == ["error", "error"]
    assert "partial clone" in invocation["toolExecutionNotifications"][0]["message"]["text"]
    (invocation,) = run_of(CLEAN)["invocations"]
    assert invocation["executionSuccessful"]
    assert invocation["toolExecutionNotifications"] == []


def test_it_says_which_revision_without_the_password_in_its_address() -> None:
    assert run_of(REPORT)["versionControlProvenance"] == [
        {"repositoryUri": "https://git.example.org/site.git", "revisionId": "9f8e7d6c" * 5, "branch": "main"}
    ]
    assert "versionControlProvenance" not in run_of(CLEAN)
