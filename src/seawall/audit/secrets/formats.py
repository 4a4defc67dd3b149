"""The judgement of formats: headers, manifests, hashes, keys. A value within them is judged by kinds.py."""

import base64
import binascii

from seawall.audit.secrets import late, placeholders
from seawall.audit.secrets.choices import assigned, chosen, classes, filler
from seawall.audit.secrets.context import Surroundings, commented_sample
from seawall.audit.secrets.letters import entropy, made_of_words
from seawall.audit.secrets.shapes import code


def kubernetes(value: str, around: Surroundings) -> str:
    """A value of a Secret's `data` or `stringData`: base64 of something, or something, that is no word."""
    low = around.line.rfind("\n---", 0, around.at) + 1
    high = around.line.find("\n---", around.at)
    document = around.line[low : high if high >= 0 else None]
    sections = late.findall(r"(?m)^([A-Za-z]+):", around.line[low : around.at])
    if (
        not sections
        or sections[-1] not in ("data", "stringData")
        or not late.search(r"""(?m)^kind:\s+["']?Secret""", document)
    ):
        return "not in a Secret"
    if sections[-1] == "stringData":
        return assigned(value) or ("" if classes(value) >= 2 else "too simple")
    try:
        text = base64.b64decode(value, validate=True).decode("latin-1").strip()
    except (binascii.Error, ValueError):
        return "not base64"
    return "" if len(text) >= 6 and not assigned(text) else "a placeholder within"


def basic(value: str, around: Surroundings) -> str:
    """`user:password` in base64."""
    try:
        plain = base64.b64decode(value + "=" * (-len(value) % 4), validate=True).decode()
    except (binascii.Error, ValueError):
        return "not base64"
    user, colon, word = plain.partition(":")
    if not colon or not word.isprintable() or not user.isprintable():
        return "no user and password within"
    return filler(word) or chosen(word)


def blob(value: str, around: Surroundings) -> str:
    """What stands where only a credential may stand: a header, a field of a key file."""
    return "made of words" if code(value) or made_of_words(value) else ""


def hashed(value: str, around: Surroundings) -> str:
    """A password's hash: those whose salt is a word are samples."""
    if commented_sample(around) or late.match(r"(?i:test|dummy|fake|sample|example|mock)s?(?:[_-]|[A-Z])", around.name):
        return "the line says so"
    if late.search(r"\.{3}|x{5}|<|\$\{|\{\{", value) or placeholders.monotonous(value[-20:]):
        return "a placeholder"
    pieces = [piece for piece in late.split(r"[$}]", value) if piece]
    pieces = pieces[1:] if value.startswith("$2") else pieces[1:-1]
    if value[0].isalpha():  # Django's: the first number is how often it is hashed
        pieces = [piece for piece in pieces if not piece.isdigit()]
    if any(len(piece) > 5 and placeholders.monotonous(piece[:22]) for piece in pieces):
        return "the salt is monotonous"
    return "the salt is a word" if any(_salt_is_word(each) for each in pieces) else ""


def _salt_is_word(salt: str) -> bool:
    if salt.islower() and placeholders.common(salt):
        return True
    plain = salt
    if late.fullmatch(r"[A-Za-z0-9+/]{8,}", salt):
        plain = base64.b64decode(salt + "=" * (-len(salt) % 4)).decode("latin-1") if len(salt) % 4 != 1 else salt
    return any(late.fullmatch(r"[a-z]{6,}\W?\d?", each) and made_of_words(each) for each in (salt, plain))


def django_key(value: str, around: Surroundings) -> str:
    """Django's SECRET_KEY: any signs, and no words."""
    rest = value.removeprefix("django-insecure-")
    if not around.quote and (code(rest) or late.search(r"[(\[.]$|^\W", rest)):
        return "code"
    if (
        late.search(r"\$\{|\{\{|\}\}|<[a-z _-]+>|%\(|\.\.\.|x{5}", rest)
        or placeholders.says_so(rest)
        or placeholders.sample(rest)
        or " " in rest
    ):
        return "a placeholder"
    if made_of_words(rest) or placeholders.monotonous(rest):
        return "made of words"
    return "" if entropy(rest) > 3.4 and classes(rest) >= 2 else "too little entropy"


def jwk(value: str, around: Surroundings) -> str:
    """The private half of a JSON Web Key stands beside its type."""
    return (
        ""
        if '"kty"' in around.line and not placeholders.monotonous(value) and entropy(value) > 4
        else "no JSON Web Key"
    )


def jwt(value: str, around: Surroundings) -> str:
    """A token's payload tells samples: John Doe, 1234567890, example.com."""
    _, payload, signature = value.split(".")
    try:
        plain = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode("latin-1")
    except (binascii.Error, ValueError):
        return "no payload in it"
    if placeholders.sample(value) or placeholders.says_so(signature) or placeholders.monotonous(signature):
        return "a sample"
    sample = late.search(
        r"(?i)\"some\"|john.?doe|1234567890|example|foo\b|\btest|jane.?doe|\balice\b|\bbob\b|joe\b", plain
    )
    return "a sample" if sample else ""


def body(value: str, around: Surroundings) -> str:
    """A key in armour: lines of base64 must be there, and more than a sample's few."""
    if late.search(r"(?m)^[ \t]*\.[ \t\r]*$", value):
        return "lines are left out"
    text = late.sub(r"-{4,}(?:BEGIN|END)?[A-Z0-9 ]*(?:-{4,})?", "", value.replace("\\r", "").replace("\\n", "\n"))
    text = late.sub(r"(?m)^[ \t\r\"']*[A-Za-z-]+: .*$|[\s\"'`,;\\]|//|\+\s*$", "", text)
    if late.search(r"(?i)\.{3}|example|your_?key|redacted|x{6}|\$\{|\{\{|<", text):
        return "a placeholder"
    letters = late.sub(r"[^A-Za-z0-9+/=]", "", text)
    if len(letters) < 60 or len(letters) < 0.93 * len(text):
        return "no key in it"
    if _cut_short(letters):
        return "cut short"
    return "" if entropy(letters) > 4.2 else "too little entropy"


def _cut_short(letters: str) -> bool:
    """Whether a key in DER (X.690) says that it is three times as long as what is there.

    So little of it opens nothing: all of the modulus, but no half of what is secret.
    """
    if not letters.startswith("MI"):
        return False
    tag, form, *size = base64.b64decode(letters[:8])
    return (tag, form) == (0x30, 0x82) and int.from_bytes(size[:2], "big") > 3 * len(letters) * 3 // 4
