"""Each kind of credential's judgement: a password, a token, a key's body, a URL, a hash.

Each refusal has a reason in words. Nothing is learnt: tables of words, shapes and letter pairs.
"""

import re
from collections.abc import Callable

from seawall.audit.secrets import late, placeholders
from seawall.audit.secrets.choices import UUID, assigned, assigned_secret, chosen, classes, in_words, mixed, phrase
from seawall.audit.secrets.context import (
    Surroundings,
    about_a_credential,
    commented_sample,
    of_a_password,
    published,
    surely_secret,
)
from seawall.audit.secrets.formats import basic, blob, body, django_key, hashed, jwk, jwt, kubernetes
from seawall.audit.secrets.letters import entropy, looks_random, made_of_words
from seawall.audit.secrets.shapes import code

_PUBLIC = re.compile(r"\.[a-z]{2,}$|^(?!10\.|127\.|192\.168\.|172\.(?:1[6-9]|2\d|3[01])\.|0\.)\d+(?:\.\d+){3}$")


# What each of these is handed is no credential.
_CALLS = {
    "the name of what is looked up": re.compile(
        r"(?:^|[._:])(?:get|get_?env|env|config|settings?|options?|lookup|find)$"
    ),
    "encrypted": re.compile(r"(?i)decrypt|decipher|unseal|(?:^|[._:])dec$"),
    "a text": re.compile(r"(?i)tokeni[sz]"),
}


def _handed(value: str, around: Surroundings) -> str:
    """What a name, a call or a string beside it makes of a value."""
    if value.lower() == late.split(r"[.>:]", around.name)[-1].lower():
        return "its own name"  # `self.dbpasswd = dbpasswd`
    called = around.call.rstrip("([{ ") or (around.name if around.operator == "(" else "")
    for reason, calls in _CALLS.items():
        if called and calls.search(called):
            return reason
    if late.search(r"""\b(?:lookup|query)\(\\?["']$""", around.before):
        return "the name of what is looked up"
    if late.search(r"""\[type[~|^$*]?=\\?["']?$""", around.before) and around.operator == ":":
        return "a selector"  # `input[type=password]:focus{…}`
    if late.search(r"\bexample\.(?:com|net|org)\b[^\s\"'<>]*$", around.before):
        return "of a sample host"  # which nobody may have (RFC 2606): `otpauth://totp/ada@example.org?secret=…`
    if around.operator == " " and around.closed and late.search(r"""["'][\w ]+ $""", around.before):
        return "words and a string"  # `'shared secret' '…'`
    return ""


def _surrounded(value: str, around: Surroundings) -> str:
    """What around a value rules it out."""
    if around.name and about_a_credential(around.name):
        return "the name is about a credential"
    if around.closed and late.fullmatch(r"[A-Z]\w*(?:::[A-Z]\w*){2,}", around.name):
        return "a type's name"  # `"AWS::IAM::AccessKey": "…"`
    if reason := _handed(value, around):
        return reason
    if around.operator == "," and not (
        around.quote
        and around.closed
        and late.search(r"""(?:[(\[{]\s*|\.String\w{0,4}\([^"'\n]*)\\?["'`]?$""", around.before)
    ):
        return "two of several arguments or items"
    if (
        around.operator == " "
        and around.quote
        and not late.search(r"#[ \t]*define[ \t]+$", around.before)
        and (not mixed(value) or late.search(r"(?i)\b(?:with|encrypted)[ ]+$", around.before))  # SQL has its own rule
    ):
        return "a word before a string"
    if late.search(r"(?i)csrf|xsrf", around.name + around.before[-60:]):
        return "a token of a form, not of a person"
    if around.quote and late.search(r"^[,);]|(?<![A-Za-z0-9+/=]{10})=$|[(,{+:;]$|^ | $", value):
        return "between two strings"
    if not around.quote and (
        around.operator in ("(", " ", "==", "===", "!=", "!==", "or", "||", "??")
        or code(value)
        or late.match(r"\s*[(\[.]", around.after)
        or (around.operator == ":" and around.before.endswith("?"))
    ):
        return "code"
    if not around.quote and around.spaced and late.fullmatch(r"[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)+", value):
        return "an attribute"
    if not around.quote and around.spaced and around.after.startswith(";") and late.fullmatch(r"[A-Za-z_]+", value):
        return "a variable"  # `password = Py_None;`
    a_type = around.after.startswith(";") and late.fullmatch(r"(?:[A-Z][a-z]+){2,}\d{1,4}", value)
    if not around.quote and (around.operator == "?:" or a_type):
        return "a type"  # `password?: Password;`, `apiKey: SensitiveString2048;`
    if around.quote and late.match(r"""(?:\\?["'])?\s*(?:\+(?!=)|%|\.format|\.join|\.\s*\$)""", around.after):
        return "a part of an expression"
    if commented_sample(around):
        return "the line says so"
    if not around.quote and not _config_line(around, value):
        return "not a setting's line"
    return ""


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
    if published(value, around.name):
        return "published to prove a domain"
    if UUID.fullmatch(value):
        return _surrounded(value, around) or ("" if surely_secret(around.name) else "a UUID")
    if reason := _words(value, around):
        return reason
    if phrase(value):
        return _surrounded(value, around)
    if len(late.findall(r"%[0-9A-Fa-f]{2}", value)) * 3 > len(value) // 2:
        return "text of another language in a URL"
    if reason := _surrounded(value, around):
        return reason
    if len(value) < 8 or classes(value) < 2:
        return "too simple"
    if late.search(r"(?i)(?:api|client|access|oauth)[-_.]?(?:key|token)", around.name) and placeholders.typed(value):
        return "typed, which keys that machines issue are not"
    if late.fullmatch(r"[0-9a-fA-F]{8,15}", value):
        return "a short number"
    digits = sum(map(str.isdigit, value))
    if len(value) < 16:
        return _short(value, around, digits)
    if not digits and not (looks_random(value) and classes(value) >= 2):
        return "no digit"
    return "" if entropy(value) > (2.8 if digits else 3.3) else "too little entropy"


def _words(value: str, around: Surroundings) -> str:
    made_up = phrase(value) or (len(value) < 16 and mixed(value) and not late.search(r"\s", value))
    return "made of words" if in_words(value) and not (made_up and _a_secret(around)) else ""


def _a_secret(around: Surroundings) -> bool:
    return bool(around.quote) and late.search(r"(?i)secret", around.name) is not None


def _short(value: str, around: Surroundings, digits: int) -> str:
    """Of eight to fifteen characters: what people choose for a secret, too; elsewhere only what machines choose."""
    if classes(value) < 3:
        return "short, and not random"
    if _a_secret(around) and (digits >= 2 or looks_random(value)):
        return chosen(value)
    return "" if digits >= 2 and looks_random(value) else "short, and not random"


def plain_key(value: str, around: Surroundings) -> str:
    """Under the name key, which keys of dictionaries have as well."""
    if UUID.fullmatch(value) or sum(map(str.isdigit, value)) < 3:
        return "a key of something"
    return secret(value, around)


def argument(value: str, around: Surroundings) -> str:
    """A password on a command line or in SQL."""
    return "code" if not around.quote and code(value) else chosen(value)


def argument_secret(value: str, around: Surroundings) -> str:
    """A token on a command line."""
    return argument(value, around) or ("made of words" if made_of_words(value) or len(value) < 12 else "")


def url(value: str, around: Surroundings) -> str:
    """The password in a URL: users of samples are called user, their hosts example.com or localhost."""
    before = around.line[max(0, around.at - 120) : around.at]
    if late.search(r"\barn:[\w*-]*:[^\s\"']*$", before):
        return "an Amazon resource name"
    if late.search(r"\bdialect\+\w+://[^\s\"']*$", before):
        return "how SQLAlchemy's documentation writes one"
    if before.lower().endswith("//scott:") and value.lower().startswith("tiger"):
        return "the user of every database's manual"
    host = late.match(r"@([\w.-]*)", around.after)
    if (
        host
        and late.search(
            r"(?:^|\.)(?:example(?:\.\w+)*|test|invalid|localhost|local|domain\.\w+|host(?:name)?|server|yourhost|foo|company\.com|corp\.com|acme\.\w+|vandelay\.com|bogus\.\w+|mysite\.\w+"
            r"|bar)$|^127\.|^0\.0\.0\.0$|^$",
            host[1].lower(),
        )
        and (len(value) < 10 or made_of_words(value))
    ):
        return "a sample host"
    if placeholders.marked(value) or late.search(
        r"^[$@:{\[(<]|^%\w+%$|^%[sd]|^[A-Z]{1,8}$|^[A-Z]*_[A-Z_]*$|[{}<>\[\]\\]", value
    ):
        return "something is to be put here"
    if placeholders.sample(value) or placeholders.says_so(value) or placeholders.weak(value):
        return "words say it is none"
    # Who writes a host of the Internet's into a URL means it, whatever the password.
    if (
        host
        and _PUBLIC.search(host[1].lower())
        and not late.search(
            r"(?i)^(?:host|your|my|user"
            r"|db)",
            host[1],
        )
    ):
        return ""
    return "monotonous" if placeholders.monotonous(value) else chosen(value)


def _config_line(around: Surroundings, value: str) -> bool:
    """Whether an unquoted value stands where settings stand: the name begins its line, the value ends it."""
    if around.operator == ">" and around.after.startswith("</"):
        return True
    begins = late.fullmatch(
        r"(?s)[\s#/*>-]*(?:export\s+|set\s+|ENV\s+|ARG\s+|-e\s+|\$env:|-D)?|.*[;?&{\"'=]|.*\s-{0,2}", around.before
    )
    if not begins:
        return False
    after = around.after.removeprefix("}" if "${" in around.before else "")
    if not late.match(r"\s*(?:$|\n|\r|#|[;&\"'`<\\]|,?\s*$)", after):
        # `PASSWORD=… command`, `tool -Dpassword=… file`
        return around.operator == "=" and not around.spaced and after[0].isspace() and mixed(value)
    return classes(value) >= 2 or looks_random(value)


def _nothing(value: str) -> str:
    return ""


# What a rule's `judge` names: what the value alone says, and what it says with its surroundings.
JUDGES: dict[str, tuple[Callable[[str], str], Callable[[str, Surroundings], str]]] = {
    "password": (assigned, password),
    "named_password": (assigned, named_password),
    "secret": (assigned_secret, secret),
    "named_secret": (assigned_secret, secret),
    "plain_key": (assigned, plain_key),
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
