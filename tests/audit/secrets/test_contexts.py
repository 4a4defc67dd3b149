"""Where credentials stand: assignments in many languages, arguments of calls, command lines, settings."""

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
