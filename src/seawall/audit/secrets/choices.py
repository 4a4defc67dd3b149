"""What a value says by itself: a word, a placeholder, or what people and machines choose."""

import base64
import re
from functools import lru_cache

from seawall.audit.secrets import late, placeholders
from seawall.audit.secrets.letters import looks_random, made_of_words
from seawall.audit.secrets.shapes import identifier, prose, shape, words_joined

_OF_SECRETS = r"jwt|secret|key|token|session|auth|app|api|prod|production|salt|signing|20\d\d"
# Words of phrases that no site keeps.
_NOBODYS = (
    r"your|my|our|change|changeme|me|replace|example|tests?|testing|demo|dev|local|development|sample|dummy|fake|mock"
    r"|placeholder|default|super|insert|put|here|todo|some|this|not|sua|tu|clave|chave|random|very|password"
)
UUID = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}")


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
    if late.search(r"[\x00-\x08\x0b-\x1f\x7f]", value):
        return "not text"  # of a pickle, say, where names and values stand between lengths
    if identifier(value) and not late.search(r"\d", value):
        return "a word"
    if late.fullmatch(r"(?:[A-Z][a-z]*\d?){3,}\.", value) and made_of_words(value):
        return "a name that ends a sentence"
    if late.match(r"eyJ[\w-]+\.", value):
        return "a JSON Web Token, which has a rule of its own, or a part of one"
    if UUID.fullmatch(value):
        return filler(value)  # the name decides, see secret()
    return shape(value) or ("prose" if prose(value) else filler(value) or _within(value))


@lru_cache(65536)
def assigned_secret(value: str) -> str:
    """The same under the name of a secret, where people write phrases as well."""
    if phrase(value):
        return ""
    # Of what stands there most: it is asked first, as it is cheap to tell.
    words = in_words(value) and not UUID.fullmatch(value) and not (len(value) < 16 and mixed(value))
    return "made of words" if words else assigned(value)


def in_words(value: str) -> bool:
    """Whether spaces stand in `value`, or words with few digits."""
    if late.search(r"\s", value):
        return classes(value) < 4 or len(value) < 40 or made_of_words(value)
    return made_of_words(value) and (words_joined(value) or len(late.findall(r"\d", value)) < 3)


def phrase(value: str) -> bool:
    """Whether somebody made `value` up for this very site, of its name and a year: `shopwell-jwt-key-2024`."""
    if not late.fullmatch(r"[A-Za-z][A-Za-z0-9]*(?:[-_][A-Za-z0-9]+){2,12}", value):
        return False
    words = late.split("[-_]", value.lower())
    return (
        any(late.fullmatch(r"20[12]\d", word) for word in words)
        and not any(late.fullmatch(_NOBODYS, word) for word in words)
        and not all(late.fullmatch(_OF_SECRETS, word) for word in words)
    )


def _within(value: str) -> str:
    """What base64 hides may be a sample or a message as well."""
    if not late.fullmatch(r"[A-Za-z0-9+/]{12,}={0,2}", value) or len(value) % 4:
        return ""
    plain = base64.b64decode(value)
    if not plain.isascii() or not plain.decode().isprintable():
        return ""
    text = plain.decode()
    return "base64 of prose" if prose(text) or filler(text.rpartition(":")[2]) else ""


def chosen(value: str) -> str:
    """What people choose, and machines: not letters that make a word, nor fewer than six characters."""
    if UUID.fullmatch(value):
        return "a UUID"
    if late.fullmatch(r"[A-Za-z]+", value):
        return "" if len(value) >= 7 and looks_random(value) else "letters like a word's"
    if late.fullmatch(r"[\W_]*[A-Za-z]+[\W_]*", value) and not looks_random(value) and len(value) < 10:
        return "a word between signs"
    called = late.sub(r"(?i)pass(?:word|wd|phrase)|pass(?![a-z])|pwd|secret|[\W\d_]", " ", value)
    if late.search(r"(?i)pass(?:word|wd|phrase)?|pwd|secret", value) and (
        len(called.replace(" ", "")) < 4
        or all(made_of_words(each) or placeholders.common(each) for each in called.split() if len(each) > 2)
    ):
        return "a password that calls itself one"
    words = late.fullmatch(r"[A-Za-z]+(?:[^A-Za-z0-9]+[A-Za-z]+){2,}", value)
    if made_of_words(value) and (words or not late.search(r"\d|[^\w. /:-]", value)):
        return "made of words"
    return "" if classes(value) >= 2 and len(value) >= 6 else "too simple"


def mixed(value: str) -> bool:
    """Whether letters, digits and more stand together as in no word or number."""
    return (
        len(value) >= 8
        and sum(map(str.isdigit, value)) >= 2
        and classes(value) >= 3
        and not late.fullmatch(r"[A-Za-z]+[-_.]?\d{1,4}", value)
    ) or (len(value) >= 10 and classes(value) >= 2 and looks_random(value))


def classes(value: str) -> int:
    """How many of lower case, upper case, digits, signs are in `value`."""
    return sum(late.search(each, value) is not None for each in ("[a-z]", "[A-Z]", r"\d", r"[^A-Za-z0-9]"))
