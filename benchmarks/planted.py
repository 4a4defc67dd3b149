"""Made-up credentials of well-known formats, as they stand in real files."""

import random
import string
from collections.abc import Callable
from dataclasses import dataclass

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from tests.audit.history.repository import BASE62, github_token

HEX = "0123456789abcdef"
UPPER32 = string.ascii_uppercase + "234567"
URL_SAFE = BASE62 + "-_"


@dataclass(frozen=True)
class Credential:
    """A credential: the text that carries it ends with a newline; `secret` is the part that a scanner shows."""

    rule: str
    secret: str
    text: str


def _line(rule: str, name: str, make: Callable[[random.Random], str]) -> Callable[[random.Random], Credential]:
    def credential(source: random.Random) -> Credential:
        secret = make(source)
        return Credential(rule, secret, f'{name} = "{secret}"\n')

    return credential


def _of(alphabet: str, length: int) -> Callable[[random.Random], str]:
    return lambda source: "".join(source.choices(alphabet, k=length))


def _private_key(source: random.Random) -> Credential:
    key = ec.derive_private_key(source.getrandbits(250), ec.SECP256R1())
    text = key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption()).decode()
    return Credential("private-key", text.splitlines()[1], f'KEY = """{text}"""\n')


def _database_url(source: random.Random) -> Credential:
    password = _of(BASE62, 20)(source)
    return Credential(
        "url", password, f'DATABASE_URL = "postgres://engine:{password}@db.analytical-shop.io:5432/shop"\n'
    )


def _slack(source: random.Random) -> str:
    team, bot = (_of(string.digits, 12)(source) for _ in range(2))
    return f"xoxb-{team}-{bot}-{_of(BASE62, 24)(source)}"


FORMATS = (
    _line("github-token", "GITHUB_TOKEN", github_token),
    _line("aws-access-key", "AWS_ACCESS_KEY_ID", lambda source: f"AKIA{_of(UPPER32, 16)(source)}"),
    _line("slack-token", "SLACK_BOT_TOKEN", _slack),
    _line("stripe-key", "STRIPE_SECRET_KEY", lambda source: f"sk_live_{_of(BASE62, 24)(source)}"),
    _private_key,
    _database_url,
    _line("gitlab-token", "GITLAB_TOKEN", lambda source: f"glpat-{_of(BASE62, 20)(source)}"),
    _line("npm-token", "NPM_TOKEN", lambda source: f"npm_{github_token(source).removeprefix('ghp_')}"),
    _line("google-api-key", "GOOGLE_API_KEY", lambda source: f"AIza{_of(URL_SAFE, 34)(source)}Q"),
    _line(
        "sendgrid-key",
        "SENDGRID_API_KEY",
        lambda source: f"SG.{_of(BASE62, 22)(source)}.{_of(BASE62, 43)(source)}",
    ),
)


def credentials(source: random.Random, count: int) -> list[Credential]:
    """So many, of every format alike, in no order."""
    made = [FORMATS[number % len(FORMATS)](source) for number in range(count)]
    source.shuffle(made)
    return made
