"""The judgement: what people and machines put after a suspicious name, and what only looks like it."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seawall.audit.secrets.choices import assigned
from seawall.audit.secrets.judge import entropy, judge, why
from seawall.audit.secrets.kinds import JUDGES
from seawall.audit.secrets.letters import looks_random, made_of_words
from seawall.audit.secrets.rules import Rule, load
from seawall.audit.secrets.scanner import Scanner
from tests.audit.secrets.labelled import write
from tests.patience import computed

RULES = load()[0]
SCANNER = Scanner(RULES)


def found(line: str) -> list[str]:
    return [hit.secret for hit in SCANNER.scan(line.encode())]


@pytest.mark.parametrize(
    "line",
    [
        'password = "Summer2019!"',
        "password = 'hunter2!'",
        'url.setPassword("Pa55w0rd!")',
        'const char* password = "vw$@7730952K";',
        '    :password => "orang3g1rl",',
        "    password: 'k.weber42',",
        'hostSMTPpwd = "zpt8862!";',
        "EMAIL_HOST_PASSWORD = 'qjwvtrzkmhxcpdgb'",
        '#define WIFI_PASS "xkd7r2vtq9wmzhp"',
        "spring.datasource.password=gvf.Porsche414",
        'public string DbPassword { get; set; } = "Monkey@1980";',
        '"ConnectionString": "Server=db;User Id=sa;Password=kQ7!prxt2;"',
        "'X-API-Key': 'cc657742-8c2f-46d6-9bc6-4e5a22fac180',",
        'const API_KEY = "c616e8c4bf144d3334955d46af783b52";',
        "ENV['VAULT_TOKEN'] ||= 'kq92mXv7TzLw83hRpB5d'",
        "key = encrypt(SIGNING_KEY, access_key=b'Zk3vQ9xT7mB2wL5pR8nY')",
        "mongodb+srv://ada:WZHTGABQN@cluster7.q7tz4kd.mongodb.net/",
        'password = "fünfzehn!Zw3rge"',
        "    password: Kq7Wx9tRb2;",
        "userHash = '$2b$10$Wd1gvrMYPnQv5pHBbXCwCehxXmJSEzRqNON0ev98L6JJP5296S35i'",
    ],
)
def test_credentials(line: str) -> None:
    assert found(line), why(*_match(line))


@pytest.mark.parametrize(
    "line",
    [
        'password = "changeme"',
        "X\x94(\x8c\x08password\x94: None\x94h\x07]\x94(hq1",  # of a pickle
        "    password = Py_None;",
        "    KdcAdminPassword: XmlStringMaxLen256;",
        "    password?: MqttPassword;",
        "    ClientToken?: __stringMin1Max64PatternS;",
        "    secretAccessKey?: stringValueMaxLength1000;",
        't+=ge.c?"pswp--touch":"pswp--notouch",t+=ge.animationName?" pswp--css_animation"',
        "didUserCodeThrowDuringThisPass=didScheduleRenderPhaseUpdate=!0;var pending=queue.pending;",
        'a.isString?CodeMirror.Pass:0:a.scopes[0].offset},lineComment:"#"',
        "return e.token=208897,e.token}function s2(e,u,i){",
        "const dummyHash = '$2b$10$Wd1gvrMYPnQv5pHBbXCwCehxXmJSEzRqNON0ev98L6JJP5296S35i';",
        '"dialect+driver://user:Kq7w2x9t@db.corp.net:5432/shop"',
        "IPerspective/password: IUsernameMD5Password.",
        "mssql+pyodbc://scott:tiger^5HHH@mssql2022:1433/x",
        'oauth_secret="kkk9d7dh3k39sjv7"',
        "$5$rounds=1000$test$QmQADEXMG8POI5WDsaeho0P36yK3Tcrgboabng6bkb/",
        '"arn:aws:logs:*:*:log-group:/aws/lambda/atx-4*"',
        'password = "tu_password"',
        '"password": "senha1234"',
        'password = "testpassword123"',
        'password = os.environ["DB_PASSWORD"]',
        "password = password.encode('latin1')",
        "export DB_PASSWORD=$(pass show shop)",
        "  password: {{ vault_password }}",
        "  password: ${DB_PASSWORD}",
        "password_encryption = scram-sha-256",
        "PASSWORD_RESET_URL = 'https://x.org/reset/8f3a9c1e7b2d'",
        "passwords = ['a1b2c3d4e5', 'password', 'x9y8z7w6v5']",
        '"password": "Your new password must have 8 characters"',
        "  invalid_password: Das Passwort ist falsch",
        'label2=_("Password confirmation")',
        'MovedAttribute("HTTPPasswordMgr", "urllib2", "urllib.request")',
        "secret = 'synthetic-bridge-test-secret'",
        "API_KEY = 'SUA_CHAVE_SECRETA_MUITO_FORTE_123456'",
        '"integrity": "sha512-q83vEjRWeJCrze8SNFZ4kKvN7xI0VniQq83vEjRWeJA=",',
        '("auth", "0007_alter_validators_add_error_messages"),',
        "csrf_token = 'Z783HTL5Bc2J54WhAtEeR3eefM1FBkq0'",
        '<input type="hidden" name="csrfmiddlewaretoken" value="Z783HTL5Bc2J54WhAtEeR3eefM1FBkq0">',
        "requestId: 'cc657742-8c2f-46d6-9bc6-4e5a22fac180', token: getToken()",
        'public_key = "MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEA"',
        'API_KEY = "kq92mXv7TzLw83hRpB5d"  # noqa: S105',
        "postgresql://USER:PASS@HOST.neon.tech/DB",
        "mongodb+srv://<user>:<password>@cluster0.mongodb.net/",
        "AWS_SECRET_ACCESS_KEY = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
        "Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==",
        "auth: 'aXNhYWNzOm5vdCBteSByZWFsIHBhc3N3b3Jk'",
    ],
)
def test_others(line: str) -> None:
    assert not found(line)


def test_reasons_are_words() -> None:
    rule = next(rule for rule in RULES if rule.id == "password")
    line = 'password = "changeme"'
    assert why(rule, "changeme", line, 12) == "a word"
    assert judge(rule, "changeme", line, 12) is None


def test_letters() -> None:
    assert made_of_words("getUserPassword")
    assert not made_of_words("kQ7prxt2Lz")
    assert looks_random("qjwvtrzkmhxcpdgb")
    assert not looks_random("authentication")
    assert entropy("aaaa") == 0
    assert entropy("abcd") == 2


def test_every_judge_that_rules_name_is_known() -> None:
    assert {rule.judge for rule in RULES if rule.judge} <= set(JUDGES)


def test_a_long_line_is_judged_where_it_matters() -> None:
    line = "x=1;" * 5000 + 'password="kY7rQ2pLz9";' + "y=2;" * 5000
    assert found(line) == ["kY7rQ2pLz9"]


def test_no_format_in_the_midst_of_base64() -> None:
    token, other = "BSAMpiFuiR0N0tq3TGVUnDegTLF4ohz", "AEJkBIAIpA" * 8
    assert found(f"{other}/{token}/{other}") == found(f"{other}/{token}") == found(f"{token}+{other}") == []
    assert found(f"x://api.search.corp.net/v1/{token}/{other[:20]}") == [token]
    assert found(f"'{token}', '{other}'") == [token]


def test_every_value_of_a_kubernetes_secret() -> None:
    manifest = (
        "kind: Secret\napiVersion: v1\ndata:\n  one: a1k3clEycEx6OQ==\n  two: dlQ5I2txMkx3eg==\n---\nkind: Other\n"
    )
    assert found(manifest) == ["a1k3clEycEx6OQ==", "dlQ5I2txMkx3eg=="]


def test_labelled_data(tmp_path: Path) -> None:
    labels = write(tmp_path, seed=7, files=3)
    secret = {(label.file, label.line) for label in labels if label.secret}
    hits = {
        (str(path.relative_to(tmp_path)), data.count(b"\n", 0, hit.start) + 1)
        for path in tmp_path.rglob("*")
        if path.is_file()
        for data in [path.read_bytes()]
        for hit in SCANNER.scan(data)
    }
    assert len(hits & secret) > 0.9 * len(secret)
    assert len(hits - secret) < 0.03 * len(hits)


def test_labelled_data_are_the_same_for_the_same_seed(tmp_path: Path) -> None:
    assert write(tmp_path / "a", seed=3, files=1) == write(tmp_path / "b", seed=3, files=1)
    assert write(tmp_path / "c", seed=4, files=1) != write(tmp_path / "a", seed=3, files=1)


def _match(line: str) -> tuple[Rule, str, str, int]:
    """What `why` wants of the first rule that matches, for a test's message."""
    for rule in RULES:
        match = re.search(rule.expression.encode(), line.encode())
        if match and rule.judge:
            group = 1 if match.re.groups and match[1] is not None else 0
            return rule, match[group].decode("latin-1"), line, match.start(group)
    return RULES[0], "x", line, 0


@given(
    st.sampled_from(
        ["password = '{}'", "API_KEY={}", "x://u:{}@h.com", "Authorization: Basic {}", "eyJhbGciOiJIUzI1NiJ9.{}"]
    ),
    st.text("abcXYZ0123456789+/=_-.:$%{}()<>\\ é", max_size=60),
)
def test_no_value_makes_it_fail(line: str, value: str) -> None:
    for hit in SCANNER.scan(line.format(value).encode()):
        assert hit.secret in line.format(value).encode().decode("latin-1")


def test_of_two_that_overlap_the_surer_stays() -> None:
    token = "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"
    hits = SCANNER.scan(f'token = "{token}"; password = "kY7rQ2pLz9"'.encode())
    assert [(hit.secret, hit.sureness) for hit in hits] == [(token, "verified"), ("kY7rQ2pLz9", "heuristic")]


def test_many_findings_in_one_file_take_no_time() -> None:
    def text(count: int) -> bytes:
        return "\n".join(f'password = "kY7{number}rQ2pLz9"' for number in range(count)).encode()

    assert len(SCANNER.scan(text(10_000))) > 9_900
    short, long = (computed(lambda count=count: SCANNER.scan(text(count))) for count in (500, 10_000))
    assert long < 4 * 20 * short  # comparing each with each takes 400 times as long


@pytest.mark.timeout(600)
def test_many_capitals_do_not_hang_the_judgement() -> None:
    """Each more used to double the time: 300 would not end."""
    assert assigned("ABQZ" * 75 + "/x1") != "a name that ends a sentence"
