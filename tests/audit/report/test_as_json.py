import json
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator

from seawall.audit.report.as_json import as_json
from seawall.audit.run import Report, Subject
from tests.audit.report.made import FINDINGS, REPORT, STARTED

SCHEMA = json.loads((Path(__file__).parents[3] / "docs/audit.schema.json").read_text())


def read(report: Report) -> Any:
    document = json.loads(as_json(report))
    Draft202012Validator(SCHEMA, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(document)
    return document


def test_it_is_as_documented_and_says_everything() -> None:
    document = read(REPORT)
    assert len(document["findings"]) == len(FINDINGS)
    assert document["findings"][0]["last"]["path"] == "deploy/release.sh"
    assert document["known"][0]["expires"] == "2030-01-01"
    assert document["expired"][0]["reason"] == "Until the move to the new provider"
    assert (document["complete"], document["exit_code"]) == (False, 1)


def test_a_clean_one_too() -> None:
    document = read(Report(Subject("."), STARTED, 0.1, ()))
    assert (document["complete"], document["exit_code"], document["findings"]) == (True, 0, [])


def test_it_is_ascii_and_holds_no_half_characters() -> None:
    text = as_json(REPORT)
    assert text.isascii()
    assert "\\udce4" not in text
    assert json.loads(text)["findings"][6]["title"].endswith("\\xe4")


def test_no_password_of_an_address_is_in_it() -> None:
    assert "deploy:pass" not in as_json(REPORT)
