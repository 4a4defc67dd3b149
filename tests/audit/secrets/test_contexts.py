"""Where credentials stand: assignments in many languages, arguments of calls, command lines, settings."""

from base64 import b64encode
from random import Random

import pytest

from seawall.audit.secrets.rules import load
from seawall.audit.secrets.scanner import Scanner

SCANNER = Scanner(load()[0])


def found(line: str) -> list[str]:
    return [hit.secret for hit in SCANNER.scan(line.encode())]


@pytest.mark.parametrize(
    "line",
    [
        'let password: &str = "kY7rQ2pLz9";',
        'const PASSWORD: &\'static str = "kY7rQ2pLz9";',
        'Dim password As String = "kY7rQ2pLz9"',
        'password <- "kY7rQ2pLz9"',
        'char password[] = "kY7rQ2pLz9";',
        'char pass[32] = "kY7rQ2pLz9";',
        'std::string password("kY7rQ2pLz9");',
        'std::string password{"kY7rQ2pLz9"};',
        "DECLARE @pwd NVARCHAR(50) = 'kY7rQ2pLz9';",
        "CREATE LOGIN shop WITH PASSWORD=N'kY7rQ2pLz9', DEFAULT_DATABASE=[shop]",
        "CREATE ROLE shop LOGIN PASSWORD 'kY7rQ2pLz9';",
        "SET PASSWORD FOR 'shop' = PASSWORD('kY7rQ2pLz9')",
        "    storePassword 'kY7rQ2pLz9'",
        'set(PASSWORD "kY7rQ2pLz9")',
        'flag.StringVar(&secret, "password", "kY7rQ2pLz9", "of the database")',
        'System.setProperty("javax.net.ssl.keyStorePassword", "kY7rQ2pLz9");',
        '<bean class="x" p:password="kY7rQ2pLz9" p:username="u"/>',
        "PGPASSWORD=kY7rQ2pLz9 psql -h db1",
        "docker run -e MYSQL_ROOT_PASSWORD=kY7rQ2pLz9 mysql",
        "kubectl create secret generic shop --from-literal=password=kY7rQ2pLz9",
        "java -Ddb.password=kY7rQ2pLz9 -jar shop.jar",
        "**Password:** kY7rQ2pLz9",
        'mypass = "kY7rQ2pLz9"',
        'root_pw: "kY7rQ2pLz9"',
        'adminpw = "kY7rQ2pLz9"',
        'contraseña = "kY7rQ2pLz9"',
        "wachtwoord: kY7rQ2pLz9",
        "PASSWORD = 'GOLFCLUB1978'",
        "password = 'abcd!kR7x-Qz9w'",
        "config['db_password'] = 'kY7rQ2pLz9'",
        'input[name="password"] = "kY7rQ2pLz9"',
        "# password => 'kY7rQ2pLz9',",
        "$db['default']['password'] = 'kY7rQ2pLz9';",
        'conn_password = conn.password or "kY7rQ2pLz9"',
    ],
)
def test_passwords(line: str) -> None:
    assert len(found(line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        'var jwtKey = []byte("kq92mXv7TzLw83hRpB5d")',
        "API_HASH = '8f3a9c1e7b2d4f60a5c8e9137b2d4f60'",
        'salt = "kq92mXv7TzLw83hRpB5d"',
        "define('SECURE_AUTH_SALT', 'q}Wj-BnG.cD~%KX#v^+:uzB8XZd+tD7D0a#S-j-IM&;ra1 8E~K1j=I t KSHw');",
        "app.config['SECRET_KEY'] = 'Lisbon#1225'",
        "secret: 'kXQBTzRg6f',",
        "const JWT_SECRET = process.env.JWT_SECRET || 'haberdash_jwt_secret_key_2024'",
        "session({ secret: 'tealHeron65!', resave: false })",
        "'cookieValidationKey' => 'kq92mXv7TzLw83hRpB5d',",
        "heroku config:set API_KEY=kq92mXv7TzLw83hRpB5d",
        "aws configure set aws_secret_access_key kq92mXv7TzLw83hRpB5d",
        '<meta-data android:name="com.corp.API_KEY" android:value="kq92mXv7TzLw83hRpB5d" />',
        'SLACK_VERIFICATION_TOKEN = "kq92mXv7TzLw83hRpB5dWn4f"',  # this is a secret
        'secretsmanager_key = "kq92mXv7TzLw83hRpB5d"',
        'secret = os.environ.get("SECRET") or "kq92mXv7TzLw83hRpB5d"',
        "'key' => env('APP_KEY', 'kq92mXv7TzLw83hRpB5d'),",
        'cipher_key = sha256("kq92mXv7TzLw83hRpB5d")',
        'SECRET_KEY = "GDE43t43REGTrkilg43934t34qT43t4dgegerGEgg"',  # people do type those
        'api_key: "key-8f3a9c1e7b2d4f60a5c8e9137b2d4f60"',
        'token = "9x1b2c3d4z5q6e78ab7"',
        'fetch("https://api.corp-net.com/x?example=1&secret=kq92mXv7TzLw83hRpB5d")',
    ],
)
def test_secrets(line: str) -> None:
    assert len(found(line)) == 1


@pytest.mark.parametrize(
    "line",
    [
        'the password "prompt" is shown',
        "password 'required'",
        "fn check(password: &str) -> bool { true }",
        "if password <- read_password",
        "char password[MAX_LENGTH] = {0};",
        'std::string password("");',
        "salt = os.urandom(16)",
        "password = PASSWORD('secret')",
        "--set auth.password=$PASSWORD --set x=y",
        "password=password1 and username=user1",
        "WIFI_PASS=password for the network",
        "PASSWORD_HASH = 'SHA256'",
        "keyPassword 'android'",
        'secret: "Kubernetes"',
        "<h1 id='password'>Passwort</h1>",
        "bypass = 'kY7rQ2pLz9'",
        "compass: kY7rQ2pLz9",
        'JWT_SECRET = "your-jwt-secret-key-2024"',
        'JWT_SECRET = "jwt-secret-key-2024"',
        'SECRET_NAME = "haberdash-jwt-key-2024"',
        'release = "haberdash_jwt_key_2024"',
        "SA_PASSWORD=TuContraseñaNueva468!",
        "if conn_password or pkcs11_provider:",
        "    self.svnpasswd = svnpasswd",
        "append(certs, pkcs12_passphrase=pkcs12_passphrase,",
        "password = ui.config('hgbuildbot', 'passwd')",
        "password: \"{{ lookup('ansible.builtin.password', '/tmp/passwordfile chars=ascii_letters') }}\"",
        "password: \"{{ lookup('ansible.builtin.password', 'kY7rQ2pLz9') }}\"",
        "pwdir = b'parents(wdir())'",
        "pwdir = 'kY7rQ2pLz9'",
        "input[type=password]:focus,textarea:focus,select:focus{border:0;outline:thin dotted\\9}",
        "NUMBER_TOKEN = r'[0-9@#.,E+]'",
        "treebank.tokenized('wsj_0001.mrg')[0]",
        "password: {{ salt.nacl.dec('DRB7Q6/X5gGSRCTpZyxS6hlbWj0llUA+uaVyvou3vJ4=') }}",
        'a-secret: "NACL[MRN3cc+fmdxyQbz6WMF+jq1hKdU5X5BBI7OjK+atvHo1ll+w1gZ7XyWtZVfq9gK9rQaMfkDxmidJKwE0Mw==]"',
        "hashutil.hmac_signature 'get salted' 'shared secret' 'eBWf9bstXg+NiP5AOwppB5HMvZiYMPzEM9W5YMm/AmQ='",
        "disk.blkid token='UUID=6a38ee5-7235-44e7-8b22-816a403bad5d'",
        '"alias/aws/secretsmanager": "fee5173a-3972-428e-ae73-cd4c2a371222",',
        "<VerificationToken>QTKknzFg2J4ygwa+XvHAxUl1hyHoY0gVfZdfjIedHZ0=</VerificationToken>",
        'google_site_verification_token = "kq92mXv7TzLw83hRpB5d"',
        'signing = ("AWS4-HMAC-SHA256", "AWS4-ECDSA-P256-SHA256")',
        "X-Amz-Credential=AKIAR5LTRQR2YE3E27P3%2F20190215%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-Date=20190215T164031Z",
        "<p>A token looks something like this:</p> <code>sr=c&amp;sig=aBBKDWQvyuVcTPH9EBp%2FXTI9E%2F%2Fmq171%3D</code>",
        '# hashed => "$5$2fWwO2vK$s7.Hr3YltMNHuhywQQ3nfOd.gAPHgs3SOBYYdGT3E.A"',
        'mysecret = "03#pa33w0rd"',
        'APP_SPEC_PWD="abcd-efgh-ijkl-mnop"',
        "api_key: GDE43t43REGTrkilg43934t34qT43t4dgegerGEgg",
        "apikey: asdff7896asdh789",
        "oauth_token_secret=qwe089234lkjsdf",
        'TEST_HASH = "$5$2fWwO2vK$s7.Hr3YltMNHuhywQQ3nfOd.gAPHgs3SOBYYdGT3E.A"',
        "'otpauth://totp/user@example.org?secret=S3JDVB7QD2R7JPXX&issuer=myservice.another-example.org'",
        '"token": "a1b2c3d4567890ab",',
    ],
)
def test_others(line: str) -> None:
    assert not found(line)


@pytest.mark.parametrize("length", [24, 95])
def test_the_longer_of_two_lengths(length: int) -> None:
    token = (
        "hvs."
        + "CAESIJ0xkHvR7s-Zq2LmT9wYb4NcPdUe6fGhKiAoVrX1tQyS3GhA8aWlBzFnDvEj5MpOuRtHgY7kJxLi2CsNqZw0T4Vb6Xd"[:length]
    )
    assert found(f"used {token} for it") == [token]


@pytest.mark.parametrize("before", ["\\n", "\\t", "%22", "%3D", "\\u0022", "\\u003d", "-", '"', "/"])
def test_what_other_text_writes_before_a_token(before: str) -> None:
    token = "rk_live_kRdfBj2zLQ69j3ktinXMfnnz"
    assert found(f"x{before}{token}") == [token]


@pytest.mark.parametrize("before", ["w", "7", "_", "n", "22"])
def test_what_a_longer_word_has_before_a_token(before: str) -> None:
    assert not found(f"{before}rk_live_kRdfBj2zLQ69j3ktinXMfnnz")


def test_the_salt_of_a_baseline() -> None:
    digits = "4f0c9b7e21d8a635f1e09c7b3a52d864"
    assert found(f'salt = "{digits}"') == [digits]
    assert not found(f"# salt: {digits}\n")


def _key(data: bytes) -> str:
    return "\n".join(["-----BEGIN RSA PRIVATE KEY-----", b64encode(data).decode(), "-----END RSA PRIVATE KEY-----"])


def test_a_key_of_which_documentation_shows_the_beginning() -> None:
    """DER says how long it is: of 1,191 bytes 192 are here. Of an elliptic curve's 121 all are, and of RSA's half."""
    random = Random(5)
    assert not found(_key(b"\x30\x82\x04\xa3\x02\x01\x00" + random.randbytes(185)))
    assert found(_key(b"\x30\x82\x04\xa3\x02\x01\x00" + random.randbytes(600)))
    assert found(_key(b"\x30\x77\x02\x01\x01" + random.randbytes(116)))


def test_a_key_of_which_lines_are_left_out() -> None:
    whole = _key(b"\x30\x82\x04\xa3\x02\x01\x00" + Random(5).randbytes(1184))
    assert found(whole)
    assert not found(f"{whole[:300]}\n    .\n    .\n{whole[300:]}")
