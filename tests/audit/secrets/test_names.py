"""Files that are credentials by their names, and only with the content."""

from pathlib import Path

import pytest

from seawall.audit.secrets.names import FileNames
from seawall.audit.secrets.ready import ready
from seawall.audit.secrets.rules import FileRule, load

NAMES = FileNames(load()[1])
KEY = b"-----BEGIN RSA PRIVATE KEY-----\n" + b"MIIEpAIBAAKCAQEA7c3v9LrT1kX0mWq5\n" * 4


@pytest.mark.parametrize(
    ("path", "content", "rule"),
    [
        ("home/.pgpass", b"db:5432:shop:app:kY7rQ2pLz9\n", "file-pgpass"),
        (".git-credentials", b"https://deploy:kY7rQ2pLz9@git.corp.net\n", "file-git-credentials"),
        ("certs/server.key", KEY, "file-private-key"),
        (".ssh/id_rsa", KEY, "file-ssh-key"),
        ("app/release.jks", b"\xfe\xed\xfe\xed\x00\x00\x00\x02", "file-keystore"),
        ("client.p12", b"\x30\x82\x09\x61\x02\x01\x03", "file-keystore"),
        (".env.production", b"DEBUG=0\nAPI_KEY=kq92mXv7TzLw83hRpB5d\n", "file-dotenv"),
        ("config/master.key", b"8f3a9c1e7b2d4f60a5c8e9137b2d4f60\n", "file-rails-master-key"),
        (".docker/config.json", b'{"auths": {"x": {"auth": "b3BzOnZUOSNrcTJMd3o="}}}', "file-docker-config"),
        ("etc/shadow", b"root:$6$abcdefgh$" + b"q" * 86 + b":1::\n", "file-shadow"),
        (".kube/config", b"client-key-data: " + b"LS0tLS1CRUdJTiBSU0EgUFJJVkFURSBLRVkt" * 3, "file-kubeconfig"),
    ],
)
def test_found(path: str, content: bytes, rule: str) -> None:
    match = NAMES.match(path, content)
    assert match is not None
    assert match.id == rule


@pytest.mark.parametrize(
    ("path", "content"),
    [
        (".pgpass", b""),
        (".pgpass", b"# host:port:database:user:password\n"),
        ("certs/server.key", b"the key goes here"),
        ("certs/ca.pem", b"-----BEGIN CERTIFICATE-----\nMIIB\n"),
        (".env", b"DEBUG=1\nAPI_KEY=your-api-key-here\n"),
        (".env.example", b"API_KEY=kq92mXv7TzLw83hRpB5d\n"),
        (".npmrc", b"registry=https://registry.corp.net\n"),
        (".npmrc", b"//npm.corp.net/:_authToken=${NPM_TOKEN}\n"),
        ("wp-config.php", b"define('DB_PASSWORD', 'password_here');"),
        ("config/database.yml", b"password: <%= ENV['PW'] %>\n"),
        ("src/netrc.py", b"machine x login y password kY7rQ2pLz9"),
    ],
)
def test_harmless(path: str, content: bytes) -> None:
    assert NAMES.match(path, content) is None


def test_ordinary_paths_are_refused_at_once() -> None:
    assert not NAMES.suspicious("src/seawall/audit/finding.py")


@pytest.mark.parametrize("odd", ["", "a\n.pgpass", "\udce4/.netrc"])
def test_many_paths_in_one_pass(odd: str, tmp_path: Path) -> None:
    names = ready().names
    told = [path for rule in names.rules for path in (*rule.positive, *rule.negative)]
    paths = [each + after for each in told for after in ("", "x", "/a.py", ".txt")] + [odd, "src/a.py", "netrc.py"]
    assert names.among(paths) == set(filter(NAMES.suspicious, paths))
    assert names.among([]) == set()


def test_an_expression_may_ask_where_the_path_ends(tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        '[[file]]\nid = "theirs"\nvendor = ""\ndescription = "d"\npaths = [\'secret\\.txt\\Z\']\ncontent = "x"\n'
        'positive = ["a/secret.txt"]\nnegative = ["a"]\n'
    )
    assert ready([own]).names.among(["b/secret.txt", "secret.txt.md", "c"]) == {"b/secret.txt"}


def test_rules_of_users_need_not_begin_where_a_name_begins() -> None:
    rule = FileRule("theirs", "", "", (r"-secret\.txt$",), content="x", positive=("a-secret.txt",), negative=("a",))
    assert FileNames([rule]).match("notes/a-secret.txt", b"x") == rule
    assert FileNames([rule]).match("notes/a-secret.md", b"x") is None
