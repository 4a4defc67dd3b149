"""Values that are plainly something else: a path, a URL, an identifier, prose, code, a checksum."""

from seawall.audit.secrets import late
from seawall.audit.secrets.letters import looks_random, made_of_words

# One of the parts of an algorithm's name.
_PART = (
    r"(?:(?:aws|hmac|ecdsa|rsassa|rsa|pss|oaep|dsa|ecdhe?|aes|gcm|cbc|ctr|mgf|pkcs|with|sha|md|p)?\d{1,4}"
    r"|hmac|ecdsa|rsassa|rsa|pss|oaep|dsa|ecdhe?|aes|gcm|cbc|ctr|with|sha|md)"
)
# The first that matches the whole value says what it is.
_SHAPES = {
    "a URL or a path": r"(?:[a-z][a-z0-9+.-]*:)?//[^\s@]*|(?:\.{0,2}|~)/[\w./~@-]*(?: \w+=[\w,]+)*|[A-Za-z]:\\.*"
    r"|(?:[\w.-]+/)+[\w-]+\.[a-z]{1,5}",
    "a UUID": r"\{?[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}\}?",
    "a hash with its name": r"(?:md5|sha1|pbkdf2\w*|argon2\w*|bcrypt\w*|scrypt)\$.*|\$(?:2[abxy]|1|5|6|y|apr1)\$.*"
    r"|\{S?(?:SHA|MD5)\d*\}.*",
    "an algorithm": r"(?i:(?:scram-)?sha-?\d+(?:-plus)?|aes-?\d+(?:-\w+)*|[hrep]s\d{3}|pbkdf2\w*|argon2\w*|rsa-?\d+"
    rf"|ed25519|x25519|(?!\d){_PART}(?:[-_+/]{_PART})+)",
    "an identifier": r"_*[a-z]+(?:[A-Z][a-z]+)+\d?|[a-z]+(?:_[a-z]+)+_?\d?",
    "a rate": r"\d+(?:/|\s*per\s*)[a-z]+",
    "a number": r"[+-]?[\d.,_:/ -]+(?:px|em|rem|ms|s|m|h|d|kb|mb|gb|%)?|0[xX][0-9a-fA-F]{1,8}[uUlL]*"
    r"|#[0-9a-fA-F]{3,8}|[\d.]+e[+-]?\d+",
    "a version or a date": r"[v^~>=<]*\d+(?:\.\d+){1,3}[\w.+-]{0,12}|\d{4}-\d\d-\d\d[T ]?[\d:.Z+-]*",
    "a mail address or a host": r"[\w.+-]+@[\w-]+(?:\.[\w-]+)*\.[a-z]{2,8}"
    r"|(?:[\w-]+\.)+(?:com|org|net|io|dev|local|edu|gov|de"
    r"|uk|fr|app|co)(?::\d+)?(?:/\S*)?",
    "a media type": r"(?:application|text|image|audio|video|multipart|font)/[\w.+-]+.*",
    "a file": r"[\w ./-]+\.(?:py|js|ts|json|ya?ml|toml|ini|cfg|conf|txt|pem|key|crt|cer|p12|jks|pub|env|xml|html?"
    r"|php|rb|go|java|sh|md|csv|log|sql|db|"
    r"png|jpe?g|svg|gif|css|properties|pfx|gpg|asc|enc|zip|gz|so|dll|exe)",
    "a selector": r"[#.][A-Za-z_][\w-]*|\[[\w-]+(?:[~^$*|]?=.*)?\]|[a-z]+\[[^\]]*\].*",
    "an encoding": r"(?i:utf-?(?:8|16|32)\w*|latin-?1|iso-?8859-\d+|cp\d+|windows-\d+|koi8-r|gb2312|big5)",
    "a constant": r"(?!(?:\D*\d){4}|[A-Z]{6,}\d\d$)[A-Z][A-Z0-9]+(?:[_.-][A-Z0-9]+)*|[A-Z]+(?:_[A-Z0-9]+)+",
    "the scope of a signature": r"A[KS]IA[A-Z0-9]{16}(?:/|%2[Ff])\d{8}(?:/|%2[Ff]).*",  # AWS Signature Version 4
    "a role": r":\w+:.*",
    "a tag": r"</?\w.*|&\w+;.*|.*\bclass=.*",
    "a regular expression": r"https\?://.*|\^.*(?:[$\[\\(]|\.\*|\.\+).*"
    r"|(?:[(/].*)?\.\*.*|.*(?:\\[dwsbDWSB]|\[\^|\(\?|\]\+|\]\*|a-z|A-Z|0-9\]"
    r"|\]\{\d).*|\[[^\]\s]*(?:a-f|0-9)[^\]\s]*\]",
    "a format": r".*(?:%-?\d*\.?\d*[sdfxr](?![A-Za-z0-9])|\{\w*(?:[.:!][^}]*)?\}|\{\d+\}|\\[nrtx0u]).*",
    "a call": r"(?=\D+$)[A-Za-z_][\w.]*\([\w., ]*\([\w., ]*\)\)",
    "a setting": r"[A-Z]{2,}=[\w-]+",
    "a type": r"(?:[A-Za-z_]\w*)?(?:<[\w, <>?]+>|\[[\w, ]*\])\??",
    "a list": r"[\w-]+(?:[,|][ ]?[\w-]+){2,}",
    "a key made public": r"(?:ssh-(?:rsa|ed25519|dss)|ecdsa-sha2-\S+) .*|AAAA[BCE]3Nza.*|-----BEGIN (?:PUBLIC|CERT"
    r"|RSA PUBLIC).*|MI[IGHB][\w+/]{20,}.*",
    "a checksum with its name": r"(?i:sha\d{1,3}|md5|blake2?b?)[-:=].*",
    "encrypted": r"[A-Z]{3,9}\[[\w+/=,:. -]+\]|(?:ENC\[|ENC\(|\{cipher\}|\$ANSIBLE_VAULT|vault:|AgA|gAAAA|kms:|ssm:|arn:|secretsmanager:|op://|!vault|projects/|\{\{resolve).*",
}
_NAMES = list(_SHAPES)
_SHAPE = "|".join(f"(?P<_{number}>{pattern})" for number, pattern in enumerate(_SHAPES.values()))
_CODE = (
    r"[A-Za-z_$@][\w$]*(?:(?:\.|->|::|\?\.)[A-Za-z_$][\w$]*)+(?:[(\[;,)].*)?|[A-Za-z_$@][\w$.:>-]*[(\[].*"
    r"|[$@%&*!][A-Za-z_{(][\w.:]*[)}\]]*"
    r"|.*(?:\(\)|=>|&&|\|\||==|\+=|=!\d|\}(?:function|var|return)\b|\w\)\.|\.\w+\().*|(?:new|await|function|return|lambda|typeof|not|self|this)\b.*"
    r"|\(.*\)|\[.*\]|\{.*\}?"
)


def shape(value: str) -> str:
    """What `value` plainly is, other than a credential; empty if nothing known."""
    match = late.fullmatch(_SHAPE, value)
    return _NAMES[int((match.lastgroup or "_0")[1:])] if match else ""


def code(value: str) -> bool:
    """Whether `value`, without quotes around it, is a variable, a call, an expression."""
    if late.fullmatch(r"[A-Za-z0-9+/]{20,}={0,2}", value):
        return False
    if late.fullmatch(r"[A-Za-z_$@]\w*(?:\.[A-Za-z_]\w*)+", value):
        return made_of_words(value) or late.search(r"\d", value) is None or len(value) < 8
    return late.fullmatch(_CODE, value) is not None


def prose(value: str) -> bool:
    """Whether `value` has words with spaces between them: a message, a label."""
    pieces = value.split()
    if late.fullmatch(r"[a-z]{4}(?: [a-z]{4}){3}", value) and looks_random("".join(pieces)):
        return False  # Google's application passwords
    if len(value) >= 40 and len(late.findall(r"[^\w\s.,;:'\"()-]", value)) > 5 and not made_of_words(value):
        return False  # WordPress's salts have spaces
    return len(pieces) > 2 or (len(pieces) == 2 and all(made_of_words(piece) or piece.isalpha() for piece in pieces))


def words_joined(value: str) -> bool:
    """Whether `value` is words and numbers with signs between them: `0002_alter_permission`, `step-3-done`."""
    return late.fullmatch(r"(?:\d+|[A-Za-z]+\d{0,2})(?:[_.:/-]+(?:\d+|[A-Za-z]+\d{0,2}))+", value) is not None


def identifier(value: str) -> bool:
    """Whether `value` is made of words: `user_password`, `auth.token.missing`, `passwordInput2`, `forgot-password`."""
    return late.fullmatch(r"[\w.:/ @#!?*+&$-]+", value) is not None and made_of_words(value) and not _mixed(value)


def _mixed(value: str) -> bool:
    """Whether digits stand among the letters, or signs that no identifier has, as people write passwords."""
    return late.search(r"[A-Za-z]\d+[A-Za-z]|\d{2}|\d[^\w.-]|[!?*+&$#@]", value) is not None
