import re
import subprocess
import tempfile
from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seawall.audit.baseline import Baseline, accept, load, new, save, split
from seawall.audit.finding import Finding
from seawall.audit.fingerprint import fingerprint, of_credential
from seawall.audit.secrets.rules import load as load_rules
from seawall.errors import ConfigError
from tests.audit.report.made import FINDINGS

TODAY = date(2025, 6, 1)
TOKEN, KEY, AWS = FINDINGS[:3]


def saved(tmp_path: Path, baseline: Baseline) -> Path:
    path = tmp_path / ".seawall-baseline"
    save(path, baseline)
    return path


def ids(findings: list[Finding]) -> list[str]:
    return [finding.id for finding in findings]


def test_what_is_accepted_is_not_counted_but_told(tmp_path: Path) -> None:
    path = saved(tmp_path, accept(new(), [TOKEN], "Revoked in March", date(2025, 12, 31)))
    counted, known, expired = split(FINDINGS[:3], load(path), TODAY)
    assert ids(counted) == [KEY.id, AWS.id]
    assert [(each.finding, each.entry.reason) for each in known] == [(TOKEN, "Revoked in March")]
    assert expired == []


def test_the_same_secret_elsewhere_stays_accepted_and_another_one_in_its_place_does_not() -> None:
    baseline = accept(new(), [TOKEN], "Revoked")
    moved = TOKEN._replace(first=AWS.first, last=AWS.last, times=1, in_tip=False)
    another = TOKEN._replace(fingerprint=fingerprint(TOKEN.id, "another"))
    counted, known, _ = split([moved, another], baseline, TODAY)
    assert counted == [another]
    assert [each.finding for each in known] == [moved]


@pytest.mark.parametrize(("today", "counts"), [(date(2025, 6, 1), False), (date(2025, 6, 2), True)])
def test_an_entry_holds_until_the_end_of_its_last_day(today: date, counts: bool) -> None:
    baseline = accept(new(), [TOKEN], "Until the move", date(2025, 6, 1))
    counted, known, expired = split([TOKEN], baseline, today)
    assert bool(counted) is counts
    assert bool(known) is not counts
    assert [each.entry.reason for each in expired] == ["Until the move"] * counts


def test_the_file_is_sorted_and_says_what_it_is(tmp_path: Path) -> None:
    baseline = accept(accept(new(), [TOKEN, KEY], "Revoked"), [AWS], "Only  for\tthe demo", date(2030, 1, 1))
    lines = saved(tmp_path, baseline._replace(comments=("# Ask the platform team.",))).read_text().splitlines()
    head, entries = lines[:-3], lines[-3:]
    assert all(line.startswith("#") for line in head)
    assert "# Ask the platform team." in head
    assert re.fullmatch("# salt: [0-9a-f]{32}", head[-1])
    assert entries == sorted(entries)
    assert any(
        re.fullmatch("[0-9a-f]{32} secrets/aws-access-key 2030-01-01 Only for the demo", line) for line in entries
    )


def test_what_is_saved_is_what_is_loaded(tmp_path: Path) -> None:
    baseline = accept(new(), [TOKEN, AWS], "Widerrufen für März", TODAY)._replace(comments=("# ours",))
    path = saved(tmp_path, baseline)
    before = path.read_bytes()
    read = load(path)
    assert set(read.entries) == set(baseline.entries)
    save(path, read)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_windows_line_ends_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    path = saved(tmp_path, accept(new(), [TOKEN], "Revoked"))
    path.write_bytes(b"\xef\xbb\xbf" + path.read_bytes().replace(b"\n", b"\r\n"))
    assert split([TOKEN], load(path), TODAY)[0] == []


def test_accepting_again_replaces_reason_and_end() -> None:
    baseline = accept(accept(new(), [TOKEN], "Once", date(2020, 1, 1)), [TOKEN], "Again")
    assert [(entry.reason, entry.expires) for entry in baseline.entries] == [("Again", None)]


def test_two_files_with_the_same_finding_do_not_show_it() -> None:
    one, other = accept(new(), [TOKEN], "Revoked"), accept(new(), [TOKEN], "Revoked")
    assert one.entries[0].mark != other.entries[0].mark
    assert TOKEN.fingerprint not in str(one)


@settings(max_examples=30, deadline=None)
@given(st.sets(st.sampled_from(FINDINGS[:4])), st.sets(st.sampled_from(FINDINGS[:4])), st.booleans())
def test_the_lines_of_two_versions_together_are_valid(left: set[Finding], right: set[Finding], same_salt: bool) -> None:
    base = new()
    one = accept(base, left, "left")
    other = accept(base if same_salt else new(), right, "right", date(2030, 1, 1))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "baseline"
        path.write_text(str(one) + str(other))
        counted, known, expired = split(FINDINGS[:4], load(path), TODAY)
    assert {each.finding for each in known} == left | right
    assert set(counted) == set(FINDINGS[:4]) - left - right
    assert expired == []


def test_of_two_lines_about_one_finding_the_one_that_ends_first_counts() -> None:
    base = new()
    ended, for_ever = accept(base, [TOKEN], "ended", date(2025, 1, 1)), accept(base, [TOKEN], "for ever")
    for entries in (ended.entries + for_ever.entries, for_ever.entries + ended.entries):
        counted, known, expired = split([TOKEN], base._replace(entries=entries), TODAY)
        assert (counted, known) == ([TOKEN], [])
        assert expired[0].entry.reason == "ended"


def test_git_merges_what_two_people_accepted_in_different_places(tmp_path: Path) -> None:
    def git(*words: str) -> None:
        settings = ("-c", "user.name=Ada", "-c", "user.email=ada@example.org", "-c", "init.defaultBranch=main")
        subprocess.run(["git", *settings, *words], cwd=tmp_path, check=True, capture_output=True)

    # Lines far enough apart merge by themselves; neighbours with `merge=union`.
    (tmp_path / ".gitattributes").write_text(".seawall-baseline merge=union\n")
    base = accept(new(), [KEY], "Revoked")
    git("init", "-q")
    path = saved(tmp_path, base)
    git("add", ".")
    git("commit", "-qm", "base")
    git("checkout", "-qb", "other")
    save(path, accept(base, [AWS, FINDINGS[3]], "other"))
    git("commit", "-qam", "other")
    git("checkout", "-q", "main")
    save(path, accept(base, [TOKEN, FINDINGS[3]], "main"))
    git("commit", "-qam", "main")
    git("merge", "-q", "other", "-m", "merged")
    counted, known, _ = split(FINDINGS[:5], load(path), TODAY)
    assert ids(counted) == [FINDINGS[4].id]
    assert len(known) == 4


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("<<<<<<< HEAD", "conflict"),
        ("=======", "conflict"),
        ("||||||| merged common ancestors", "conflict"),
        (">>>>>>> other", "conflict"),
        (f"{'ab' * 16} secrets/password -", "no entry"),
        (f"{'ab' * 16} secrets/password - ", "no entry"),
        ("secrets/password - no hash", "no entry"),
        (f"{'ab' * 16} secrets/password 2025-02-30 no such day", "no day"),
    ],
)
def test_a_line_that_is_wrong_is_named(tmp_path: Path, line: str, problem: str) -> None:
    path = saved(tmp_path, accept(new(), [TOKEN], "Revoked"))
    number = len(path.read_text().splitlines()) + 1
    path.write_text(f"{path.read_text()}{line}\n")
    with pytest.raises(ConfigError, match=re.escape(f"{path}:{number}")) as error:
        load(path)
    assert problem in error.value.problem


def test_a_file_without_its_salt_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "baseline"
    path.write_text(f"{'ab' * 16} secrets/password - reason\n")
    with pytest.raises(ConfigError, match="salt"):
        load(path)


def test_an_empty_file_gets_a_salt_with_its_first_entry(tmp_path: Path) -> None:
    path = tmp_path / "baseline"
    path.write_text("")
    baseline = accept(load(path), [TOKEN], "Revoked")
    assert len(baseline.salts) == 1
    assert split([TOKEN], baseline, TODAY)[0] == []


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        load(tmp_path / "nowhere")


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nowhere"):
        save(tmp_path / "nowhere" / "baseline", new())


@pytest.mark.parametrize("reason", ["", "  \n", "red\x1b[31m"])
def test_there_is_no_acceptance_without_a_reason(reason: str) -> None:
    with pytest.raises(ConfigError, match="reason"):
        accept(new(), [TOKEN], reason)


def test_fingerprints_never_change() -> None:
    """They are in people's reports and baselines: whoever changes this number breaks them all."""
    assert fingerprint("secrets/password", "correct horse") == "49c271f4f54fbeee9eb3e735862c5f89"
    assert fingerprint("secrets/github-token", "ghp_" + "x" * 36, issued=True) == "b675c59dd37ce10caf6cdd3fb183fd5c"


def test_only_what_nobody_can_guess_is_hashed_quickly() -> None:
    """A report may be read by more people than the secret."""
    rules = {rule.id: rule for rule in (*load_rules()[0], *load_rules()[1])}
    assert rules["github-token"].issued("ghp_" + "x" * 36)
    assert not rules["github-token"].issued("ghp_short")
    for name in ("password", "secret", "connection-url", "django-secret-key", "file-netrc"):
        assert not rules[name].issued("x" * 99), name
    token, password = rules["github-token"], rules["password"]
    assert of_credential(token, "x" * 40) == fingerprint("secrets/github-token", "x" * 40, issued=True)
    assert of_credential(password, "x" * 40) == fingerprint("secrets/password", "x" * 40)


def test_fingerprints_tell_rule_and_secret_apart() -> None:
    made = {fingerprint(rule, secret) for rule in ("a", "b") for secret in ("x", "y", "\udce4")}
    assert len(made) == 6
