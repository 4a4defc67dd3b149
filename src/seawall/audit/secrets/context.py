"""What stands around a value: the name it is assigned to, the operator, the quotes, the rest of the line."""

import re
from typing import NamedTuple

from seawall.audit.secrets import late

_NAME = r"""(?x)
    (?<![\w$]) (?P<name> [A-Za-z_$@%] (?: -> | :: | [\w.$] | -(?!>) ){0,80} )
    (?P<closed> (?: \\?["'`] | &quot; | \*\* | \[\d{0,4}(?=\]) )? [\])}]{0,3} )
    (?P<type> (?: [ \t]*:[ \t]*[\w.\[\]<>?&'\ |]{1,40}(?==)   # password: str = …
                | [ \t]+(?:[Aa]s[ \t]+)?(?:string|String|\[\]byte)(?=[ \t]*=) # Go, Visual Basic
                | [ \t]+(?i:n?varchar)[ \t]?\(\w{1,5}\)(?=[ \t]*=)           # SQL
                | [ \t]*\{[ \t]*get;[^}]*\} )? )              # C#
    (?P<between> [ \t]* (?: := | => | -> | <- | [=!]==? | =~ | \|\|=? | \?\?=? | \?: | :- | = | :(?:\*\*)?
        | , | \( | \{ | > | [ \t]or[ \t] | [ \t] ) [ \t]* )
    (?P<call> (?:new[ \t]+)? (?: [\w.:\[\]]+[!(]\(? | [({\[] )? [ \t]* (?: [rbuLfN@$]{1,2}(?=["'`]) )? )
    (?P<opened> (?: \\?["'`] | &quot; ){0,3} ) $"""
# A name with one of these at its end (or beginning) holds something about a credential.
_ABOUT = (
    r"(?i)(?:encryption|mgr|ur[li]|endpoints?|path|file(?:name)?|dir(?:ectory)?|name|field|label|types?|ids?|header"
    r"|param(?:eter)?s?|prefix|suffix|class|"
    r"message|msg|help|text|hint|title|regexp?|pattern|format|validators?|validation|widget|expir(?:y|es|ed|ation"
    r"|es_?in)|timeout|ttl|"
    r"algorithm|alg|length|len|size|min|max|count|limit|policy|strength|rules?|reset|forgot(?:ten)?|change[ds]?"
    r"|update[ds]?|confirm(?:ation)?|"
    r"required|enabled|disabled|visible|error|errors|invalid|incorrect|missing|mismatch|match|input|form|view|page"
    r"|link|button|btn|icon|"
    r"template|placeholder|prompt|store|service|provider|manager|handler|factory|generator|encoder|hasher|method"
    r"|mode|scheme|status|state|"
    r"source|version|description|desc|comment|option|options|config|settings?|model|table|column|index|group|role"
    r"|scope|lifetime|age|date|"
    r"time|at|usage|kind|encoding|charset|separator|delimiter|char|position|start|end|line|list|set|map|cache|ref"
    r"|arn|location|bucket|"
    r"region|domain|host|port|protocol|realm|issuer|audience|subject|selector|attribute|attr|property|prop|var"
    r"|variable|env|event|action|"
    r"command|cmd|callback|func|function|test|spec|example|sample|tooltip|caption|tab|modal|dialog|screen|route"
    r"|router|suggest(?:ion)?s?|"
    r"checker|check|hashers|backends?|level|permission|operations?|step|stage|progress|color|style|verb|noun"
    r"|rotation|id_?token_?hint|aria|\w*tokeni[sz]\w*|\w*secrets?_?managers?)$"
)
_OTHER = (
    r"^(?i:public|primary|foreign|sort|partition|index|cache|is|has|no|show|hide|toggle|forgot|reset|change|invalid"
    r"|missing|wrong|"
    r"bad|enter|confirm|use|with|without|require[ds]?|allow|disable|enable|validate|check|verify|generate|get|find"
    r"|expected|max|min|num|n|"
    r"next|prev|previous|current|peek|eat|end|start|open|close|begin|last|first|parse|lex|csrf|xsrf|crumb|nonce(?!_?(?:salt|key))"
    r"|anti_?forgery|page|continuation|"
    r"cancel(?:lation)?|sync|delimiter|separator|pad|mask|sep|eos|bos|unk|cls|stop|special|keyword|punct|syntax"
    r"|comment|ssh_?public|"
    r"old_?public|maps_?public|label|hint|error|msg|message|txt|lbl|btn|i18n|lang|field|column|table|index"
    r"|should|must|shall|will|key(?!_?(?:store|pass))|css|class|id|icon|site|"
    r"example|sample|dummy|fake|mock|placeholder|encrypted|hashed|masked)(?=[_.\-]|$|(?<=[a-z])[A-Z])"
)
_ALLOWED = (
    r"(?i)noqa:[\w, ]*\bS10[4-7]|\bnosec\b|gitleaks:allow|pragma: ?(?:allow|white)list|trufflehog:ignore"
    r"|nosemgrep|kingfisher:ignore"
)
_SHOWN = r"(?i)\be\.?g\.|\bfor example\b|\bexample:|\bsuch as\b|\busage:|>>> |^\s*\$ "
_LOOKS = r"(?i)\blooks? (?:\w+ )?like this:"
_BASELINE = r"# salt: [0-9a-f]{32}\r?"
_PASSWORD = (
    r"(?i:passw|passphrase|passcode|passwd|pwd(?!ir)|psw(?!p)|contrase(?:n|ee)a|kennwort|senha|wachtwoord|salasana|lozinka|heslo"
    r"|haslo|parola)|(?<![A-Za-z])(?i:(?:my|db|sql|user|usr|admin|adm|root|smtp|mail|ftp|ssh|login|wifi|net|key|store"
    r"|rpc|http|auth|proxy)?pass)(?![a-z])|Pass(?![a-z])|(?<![A-Za-z])(?:my|db|user|admin|root)?pw(?![a-z])"
    r"|(?<=[a-z])P[wW](?![a-z])|(?<![A-Za-z])P[wW](?![A-Za-z])|_PW(?![A-Z])"
)
_PASSWORD_ITSELF = r"(?i)(?:\w*[_.])?pass(?:word|wd|phrase)?\("
_BEYOND_ASCII = "[^\\x00-\\x7f]"


class Surroundings(NamedTuple):
    """A value's surroundings. `name` is empty if nothing is assigned."""

    name: str
    operator: str  # what stands between name and value, without spaces
    quote: str  # the quote before the value; empty: none
    closed: bool  # whether the name stands in quotes
    spaced: bool  # whether spaces stand on both sides of the operator, as in code
    before: str
    after: str
    call: str  # what the value is handed to: `config.get(`
    line: str  # all that the rule may look at
    at: int  # where in it the value begins


def surroundings(secret: str, line: str, at: int) -> Surroundings:
    """The surroundings of `secret` at `at` in `line`."""
    before = late.sub(_BEYOND_ASCII, "e", line[max(0, at - 120) : at])  # letters of other languages are letters
    before = before[before.rfind("\n", 0, len(before)) + 1 :] if before.strip() != "" else before
    after = line[at + len(secret) : at + len(secret) + 80]
    match = late.search(_NAME, before)
    if not match:
        quote = before[-1:] if before[-1:] in "\"'`" else ""
        return Surroundings("", "", quote, False, False, before, after, "", line, at)
    closed = bool(set(match["closed"]) & set("\"'`;"))
    name, operator = _name_and_operator(match)
    return Surroundings(
        name,
        operator,
        match["opened"][-1:],
        closed,
        match["between"][0] + match["between"][-1] == "  ",
        before[: match.start()],
        after,
        match["call"].strip(),
        line,
        at,
    )


def _name_and_operator(match: re.Match[str]) -> tuple[str, str]:
    """Where a function or an attribute has the name: `string password("…")`, `= PASSWORD('…')`, `p:password="…"`."""
    call, kind = match["call"], match["type"] or ""
    if late.fullmatch(_PASSWORD_ITSELF, call):
        return call[:-1], "("
    if kind.startswith(":") and of_a_password(kind):
        return kind[1:].strip(), match["between"].strip()
    if late.fullmatch(r":\w+ [A-Z_]{3,}", kind):  # heroku config:set API_KEY=…
        return kind.partition(" ")[2], match["between"].strip()
    return match["name"], match["between"].strip() or " "


def about_a_credential(name: str) -> bool:
    """Whether what is called `name` is not a credential but concerns one: `reset_url`, `tokenType`, `csrf_token`."""
    last = late.split(r"[.]|->|::", name.strip(".-_$@%"))[-1]
    words = late.split(r"[_.\-]|(?<=[a-z0-9])(?=[A-Z])", last)
    if last.lower() == "key":
        return False
    return late.match(_ABOUT, words[-1]) is not None or late.match(_OTHER, last) is not None


def commented_sample(around: Surroundings) -> bool:
    """Whether the line says that it shows how something is written."""
    if around.operator == "=>" and late.fullmatch(r"\s*(?:#|//)\s*", around.before):
        return late.fullmatch(r"""["'`]?\s*""", around.after) is not None  # `# hashed => "…"`: what comes out
    text = around.line[max(0, around.at - 400) : around.at]  # of a sentence before, as in documentation within JSON
    return late.search(_SHOWN, around.before) is not None or late.search(_LOOKS, text) is not None


def published(value: str, name: str) -> bool:
    """Whether `value` only proves who has a domain, for which all the world can read it there."""
    proof = late.search(r"(?i)(?:site|domain)[-_.]?(?:verification|ownership)", name) is not None
    # Amazon's are 32 bytes in base64; what Slack and Lark call so, and is secret, has letters and digits alone.
    return proof or (
        late.search(r"(?i)verification[-_]?token", name) is not None
        and late.fullmatch(r"[\w+/]{43}=", value) is not None
    )


def allowed(around: Surroundings) -> bool:
    """Whether a comment on the line tells another tool that this is none, or it is what our baseline begins with."""
    return (
        late.search(_ALLOWED, around.before + around.after) is not None
        or late.fullmatch(_BASELINE, around.line) is not None
    )


def of_a_password(name: str) -> bool:
    """Whether what is called `name` is a password: `db_pass` and `adminPass` are, `bypass` and `passenger` are not."""
    return late.search(_PASSWORD, name) is not None


def surely_secret(name: str) -> bool:
    """Whether what is called `name` is a secret even if it looks like an identifier, as some vendors' keys do."""
    return (
        late.search(r"(?i)(?:api|access|auth|private|license|subscription)[-_.]?(?:key|token)|secret", name) is not None
    )
