import pytest

from seawall.audit.checks.samples import made_for_tests
from seawall.audit.finding import Place
from seawall.audit.secrets.rules import FileRule, Rule, load

RULES: dict[str, Rule | FileRule] = {rule.id: rule for rules in load() for rule in rules}


def at(*paths: str) -> list[Place]:
    return [Place("file", path, 1) for path in paths]


@pytest.mark.parametrize(
    "path",
    [
        "tests/certs/server.key",
        "src/twisted/test/server.pem",
        "pkg/testdata/id_rsa",
        "spec/fixtures/key.pem",
        "docs/usage.rst",
        "docs_src/security/tutorial004.py",
        "Examples/server.key",
        "t/unit/security/__init__.py",
        "dummyserver/certs/cacert.key",
        "app/accounts/tests.py",
        "app/accounts/test_login.py",
        "web/login.spec.ts",
        "server/auth_test.go",
        "apis/iam-2010-05-08.examples.json",
    ],
)
def test_keys_among_tests_and_documentation_were_made_for_them(path: str) -> None:
    assert made_for_tests(RULES["private-key"], "format", at(path))
    assert made_for_tests(RULES["password"], "heuristic", at(path))


@pytest.mark.parametrize(
    "path",
    ["deploy/server.key", "latest/key.pem", "contest/key.pem", "src/attestation.py", "README.md", "protest.py", "t.py"],
)
def test_anything_else_is_an_alarm_even_if_tests_have_it_too(path: str) -> None:
    assert not made_for_tests(RULES["private-key"], "format", at(path))
    assert not made_for_tests(
        RULES["private-key"], "format", at("tests/server.key", *([path] * (path != "README.md")), "x")
    )


def test_a_readme_counts_only_beside_tests_or_documentation() -> None:
    assert not made_for_tests(RULES["password"], "heuristic", at("README.md"))
    assert made_for_tests(RULES["password"], "heuristic", at("README.md", "tests/conftest.py"))


def test_docstrings_are_documentation() -> None:
    shown = [Place("file", "shop/mail.py", 9, docstring=True)]
    assert made_for_tests(RULES["password"], "heuristic", shown)
    assert not made_for_tests(RULES["password"], "heuristic", [*shown, *at("shop/mail.py")])
    assert not made_for_tests(RULES["aws-access-key-id"], "format", shown)
    assert made_for_tests(RULES["password"], "heuristic", [Place("file", "src/mail.d.ts", 9, docstring=True)])
    assert not made_for_tests(RULES["password"], "heuristic", [Place("file", "shop/mail.txt", 9, docstring=True)])


def test_what_a_vendor_issued_opens_something_wherever_it_lies() -> None:
    assert not made_for_tests(RULES["aws-access-key-id"], "format", at("tests/test_s3.py"))
    assert not made_for_tests(RULES["npm-registry-token"], "format", at("tests/.npmrc"))
    assert not made_for_tests(RULES["file-google-credentials"], "format", at("tests/google.json"))
    assert not made_for_tests(RULES["private-key"], "verified", at("tests/server.key"))


def test_keys_of_wallets_that_anybody_makes() -> None:
    assert made_for_tests(RULES["ethereum-private-key"], "format", at("docs/wallet.rst"))
    assert not made_for_tests(RULES["ethereum-private-key"], "format", at("scripts/deploy.js"))
    assert not made_for_tests(RULES["infura-url"], "format", at("docs/wallet.rst"))


def test_messages_settings_and_unreachable_objects_are_no_tests() -> None:
    for kind in ("commit message", "config", "ref name", "unreachable object"):
        assert not made_for_tests(RULES["password"], "heuristic", [Place(kind, "tests/x.py", 1)])
    assert not made_for_tests(RULES["password"], "heuristic", [])
