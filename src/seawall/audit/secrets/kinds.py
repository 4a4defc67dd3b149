"""Each kind of credential's judgement: a password, a token, a key's body, a URL, a hash.

Each refusal has a reason in words. Nothing is learnt: tables of words, shapes and letter pairs.
"""

import base64
import binascii
import re
from collections.abc import Callable
from functools import lru_cache

from seawall.audit.secrets import placeholders
from seawall.audit.secrets.context import (
    Surroundings,
    about_a_credential,
    allowed,
    commented_sample,
    of_a_password,
    surely_secret,
)
from seawall.audit.secrets.letters import entropy, looks_random, made_of_words
from seawall.audit.secrets.shapes import code, identifier, prose, shape, words_joined

_UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


@lru_cache(65536)
def filler(value: str) -> str:
    """What says that `value` stands where a credential would."""
    if placeholders.sample(value):
        return "a documentation sample"
    if placeholders.marked(value):
        return "something is to be put here"
    if placeholders.says_so(value):
        return "words say it is none"
    if placeholders.monotonous(value):
        return "monotonous"
    return "a weak word" if placeholders.weak(value) else ""


@lru_cache(65536)
def assigned(value: str) -> str:
    """What rules out `value` under whatever suspicious name."""
    if identifier(value) and not re.search(r"\d", value):
        return "a word"
    if _UUID.fullmatch(value):
        return filler(value)  # the name decides, see secret()
    return shape(value) or ("prose" if prose(value) else filler(value) or _within(value))


def _within(value: str) -> str:
    """What base64 hides may be a sample or a message as well."""
    if not re.fullmatch(r"[A-Za-z0-9+/]{12,}={0,2}", value) or len(value) % 4:
        return ""
    plain = base64.b64decode(value)
    if not plain.isascii() or not plain.decode().isprintable():
        return ""
    text = plain.decode()
    return "base64 of prose" if prose(text) or filler(text.rpartition(":")[2]) else ""


def _surrounded(value: str, around: Surroundings) -> str:
    """What around a value rules it out."""
    if around.name and about_a_credential(around.name):
        return "the name is about a credential"
    if around.operator == "," and not (
        around.quote and around.closed and re.search(r"""[(\[{]\s*\\?["'`]?$""", around.before)
    ):
        return "two of several arguments or items"
    if around.operator == " " and around.quote and not re.search(r"#[ \t]*define[ \t]+$", around.before):
        return "a word before a string"
    if re.search(r"(?i)csrf|xsrf", around.name + around.before[-60:]):
        return "a token of a form, not of a person"
    if around.quote and re.search(r"^[,);]|(?<![A-Za-z0-9+/=]{10})=$|[(,{+:;]$|^ | $", value):
        return "between two strings"
    if not around.quote and (around.operator in ("(", " ") or code(value) or re.match(r"\s*[(\[.]", around.after)):
        return "code"
    if not around.quote and around.spaced and re.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", value):
        return "an attribute"
    if around.quote and re.match(r"""(?:\\?["'])?\s*(?:\+(?!=)|%|\.format|\.join|\.\s*\$)""", around.after):
        return "a part of an expression"
    if commented_sample(around) or allowed(around):
        return "the line says so"
    if not around.quote and not _config_line(around, value):
        return "not a setting's line"
    return ""


def chosen(value: str) -> str:
    """What people choose, and machines: not letters that make a word, nor fewer than six characters."""
    if _UUID.fullmatch(value):
        return "a UUID"
    if re.fullmatch(r"[A-Za-z]+", value):
        return "" if len(value) >= 7 and looks_random(value) else "letters like a word's"
    if re.fullmatch(r"[\W_]*[A-Za-z]+[\W_]*", value) and not looks_random(value) and len(value) < 10:
        return "a word between signs"
    words = re.fullmatch(r"[A-Za-z]+(?:[^A-Za-z0-9]+[A-Za-z]+){2,}", value)
    if made_of_words(value) and (words or not re.search(r"\d|[^\w. /:-]", value)):
        return "made of words"
    return "" if _classes(value) >= 2 and len(value) >= 6 else "too simple"


def password(value: str, around: Surroundings) -> str:
    """Under a password's name."""
    if around.name and not of_a_password(around.name):
        return "no password's name"
    return named_password(value, around)


def named_password(value: str, around: Surroundings) -> str:
    """The same, the name being elsewhere."""
    return _surrounded(value, around) or chosen(value)


def secret(value: str, around: Surroundings) -> str:
    """Under the name of a token, key or secret: what machines choose, or long and mixed."""
    if _UUID.fullmatch(value):
        return _surrounded(value, around) or ("" if surely_secret(around.name) else "a UUID")
    if re.search(r"\s", value) or (
        made_of_words(value) and (words_joined(value) or not re.search(r"\d.*\d.*\d", value))
    ):
        return "made of words"
    if reason := _surrounded(value, around):
        return reason
    if len(value) < 8 or _classes(value) < 2:
        return "too simple"
    if re.fullmatch(r"[0-9a-fA-F]{8,15}", value):
        return "a short number"
    digits = sum(map(str.isdigit, value))
    if len(value) < 16:
        return "" if digits >= 2 and _classes(value) >= 3 and looks_random(value) else "short, and not random"
    if not digits and not (looks_random(value) and _classes(value) >= 2):
        return "no digit"
    return "" if entropy(value) > (2.8 if digits else 3.3) else "too little entropy"


def argument(value: str, around: Surroundings) -> str:
    """A password on a command line or in SQL."""
    return "code" if not around.quote and code(value) else chosen(value)


def argument_secret(value: str, around: Surroundings) -> str:
    """A token on a command line."""
    return argument(value, around) or ("made of words" if made_of_words(value) or len(value) < 12 else "")


def url(value: str, around: Surroundings) -> str:
    """The password in a URL: users of samples are called user, their hosts example.com or localhost."""
    host = re.match(r"@([\w.-]*)", around.after)
    if (
        host
        and re.search(
            r"(?:^|\.)(?:example(?:\.\w+)*|test|invalid|localhost|local|domain\.\w+|host(?:name)?|server|yourhost|foo|company\.com|corp\.com|acme\.\w+|vandelay\.com|bogus\.\w+|mysite\.\w+"
            r"|bar)$|^127\.|^0\.0\.0\.0$|^$",
            host[1].lower(),
        )
        and (len(value) < 10 or made_of_words(value))
    ):
        return "a sample host"
    if placeholders.marked(value) or re.search(
        r"^[$@:{\[(<]|^%\w+%$|^%[sd]|^[A-Z]{1,8}$|^[A-Z]*_[A-Z_]*$|[{}<>\[\]\\]", value
    ):
        return "something is to be put here"
    if placeholders.sample(value) or placeholders.says_so(value) or placeholders.weak(value):
        return "words say it is none"
    # Who writes a host of the Internet's into a URL means it, whatever the password.
    if (
        host
        and re.search(r"\.[a-z]{2,}$", host[1].lower())
        and not re.search(
            r"(?i)^(?:host|your|my|user"
            r"|db)",
            host[1],
        )
    ):
        return ""
    return "monotonous" if placeholders.monotonous(value) else chosen(value)


def kubernetes(value: str, around: Surroundings) -> str:
    """A value of a Secret's `data` or `stringData`: base64 of something, or something, that is no word."""
    low = around.line.rfind("\n---", 0, around.at) + 1
    high = around.line.find("\n---", around.at)
    document = around.line[low : high if high >= 0 else None]
    sections = re.findall(r"(?m)^([A-Za-z]+):", around.line[low : around.at])
    if (
        not sections
        or sections[-1] not in ("data", "stringData")
        or not re.search(r"""(?m)^kind:\s+["']?Secret""", document)
    ):
        return "not in a Secret"
    if sections[-1] == "stringData":
        return assigned(value) or ("" if _classes(value) >= 2 else "too simple")
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
    if re.search(r"\.{3}|x{5}|<|\$\{|\{\{", value) or placeholders.monotonous(value[-20:]):
        return "a placeholder"
    pieces = [piece for piece in re.split(r"[$}]", value) if piece][1:-1]
    return "the salt is a word" if any(_salt_is_word(each) for each in pieces) else ""


def _salt_is_word(salt: str) -> bool:
    plain = salt
    if re.fullmatch(r"[A-Za-z0-9+/]{8,}", salt):
        plain = base64.b64decode(salt + "=" * (-len(salt) % 4)).decode("latin-1") if len(salt) % 4 != 1 else salt
    return any(re.fullmatch(r"[a-z]{6,}\d?", each) and made_of_words(each) for each in (salt, plain))


def django_key(value: str, around: Surroundings) -> str:
    """Django's SECRET_KEY: any signs, and no words."""
    rest = value.removeprefix("django-insecure-")
    if not around.quote and (code(rest) or re.search(r"[(\[.]$|^\W", rest)):
        return "code"
    if (
        re.search(r"\$\{|\{\{|\}\}|<[a-z _-]+>|%\(|\.\.\.|x{5}", rest)
        or placeholders.says_so(rest)
        or placeholders.sample(rest)
        or " " in rest
    ):
        return "a placeholder"
    if made_of_words(rest) or placeholders.monotonous(rest) or allowed(around):
        return "made of words"
    return "" if entropy(rest) > 3.4 and _classes(rest) >= 2 else "too little entropy"


def jwk(value: str, around: Surroundings) -> str:
    """The private half of a JSON Web Key stands beside its type."""
    return (
        ""
        if '"kty"' in around.line and not placeholders.monotonous(value) and entropy(value) > 4
        else "no JSON Web Key"
    )


def jwt(value: str, around: Surroundings) -> str:
    """A token's payload tells samples: John Doe, 1234567890, example.com."""
    if reason := filler(value.rsplit(".", 1)[1]) if placeholders.sample(value) else "":
        return reason
    payload = value.split(".")[1]
    plain = base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)).decode("latin-1")
    sample = re.search(
        r"(?i)\"some\"|john.?doe|1234567890|example|foo\b|\btest|jane.?doe|\balice\b|\bbob\b|joe\b", plain
    )
    return "a sample" if sample or placeholders.sample(value) or re.search("(?i)x{6}", value) else ""


def body(value: str, around: Surroundings) -> str:
    """A key in armour: lines of base64 must be there, and more than a sample's few."""
    text = re.sub(r"-{4,}(?:BEGIN|END)?[A-Z0-9 ]*(?:-{4,})?", "", value.replace("\\r", "").replace("\\n", "\n"))
    text = re.sub(r"(?m)^[\s\"']*[A-Za-z-]+: .*$|[\s\"'`,;\\]|//|\+\s*$", "", text)
    if re.search(r"(?i)\.{3}|example|your_?key|redacted|x{6}|\$\{|\{\{|<", text):
        return "a placeholder"
    letters = re.sub(r"[^A-Za-z0-9+/=]", "", text)
    if len(letters) < 60 or len(letters) < 0.93 * len(text):
        return "no key in it"
    return "" if entropy(letters) > 4.2 else "too little entropy"


def _classes(value: str) -> int:
    """How many of lower case, upper case, digits, signs are in `value`."""
    return sum(re.search(each, value) is not None for each in ("[a-z]", "[A-Z]", r"\d", r"[^A-Za-z0-9]"))


def _config_line(around: Surroundings, value: str) -> bool:
    """Whether an unquoted value stands where settings stand: the name begins its line, the value ends it."""
    if around.operator == ">" and around.after.startswith("</"):
        return True
    begins = re.fullmatch(
        r"[\s#/-]*(?:export\s+|set\s+|ENV\s+|ARG\s+|-e\s+|\$env:|-D)?|.*[;?&{\"']|.*\s", around.before, re.DOTALL
    )
    if not begins:
        return False
    if (
        re.match(
            r"\s*(?:$|\n|\r|#|[;&\"'`<\\]|,?\s*$)", around.after.removeprefix("}" if "${" in around.before else "")
        )
        is None
    ):
        return False
    return _classes(value) >= 2 or looks_random(value)


def _nothing(value: str) -> str:
    return ""


# What a rule's `judge` names: what the value alone says, and what it says with its surroundings.
JUDGES: dict[str, tuple[Callable[[str], str], Callable[[str, Surroundings], str]]] = {
    "password": (assigned, password),
    "named_password": (assigned, named_password),
    "secret": (assigned, secret),
    "named_secret": (assigned, secret),
    "argument": (assigned, argument),
    "argument_secret": (assigned, argument_secret),
    "url": (_nothing, url),
    "kubernetes": (_nothing, kubernetes),
    "basic": (_nothing, basic),
    "blob": (assigned, blob),
    "hashed": (_nothing, hashed),
    "body": (_nothing, body),
    "django_key": (_nothing, django_key),
    "jwk": (_nothing, jwk),
    "jwt": (_nothing, jwt),
}
