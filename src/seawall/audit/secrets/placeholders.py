"""Values that stand where a credential would: placeholders, samples from documentation, weak words, repetitions."""

from itertools import pairwise

from seawall.audit.secrets import late

# Published by the vendors as samples: they open nothing. Compared without case, anywhere in the value.
_SAMPLES = (
    "iosfodnn7example",  # AWS documentation, access key
    "wjalrxutnfemi/k7mdeng",  # the same, secret key
    "je7mtgbclwbf/2zp9utk",  # the same, "AKIAI44QH8DHBEXAMPLE"
    "uv3f3ylufjax1cknvbcgwgjvx4qpvb+leu8duj2o",  # Amazon S3's developer guide of 2006, beside 0PN5J17HBGZHT7JJ3X82
    "4ec39hqlyjwdarjtt1zdp7dc",  # Stripe documentation
    "bqokikjovbii2hlwgh4olfq2",  # Stripe documentation, older
    "sflkxwrjsmekkf2qt4fwpmejf36pok6yjv_adqssw5c",  # jwt.io
    "tjva95orm7e2cbab30rmhrhdcefxjoyzgefonfh7hgq",  # jwt.io, the older token
    "dozjgnryp4j3jvmnhl0w5n_xgl0n3i9plfup0thsr8u",  # jwt.io; dBjftJeZ… is RFC 7519's
    "dbjftjez4cvp-mb92k27uhbuju1p1r_ww1gfwfoejxk",
    "qwxhzgrpbjpvcgvuihnlc2ftzq",  # RFC 7617: Aladdin:open sesame
    "mf_9.b5f-4.1jqm",  # RFC 6750, bearer token
    "vf9dft4qmt",  # RFC 6750
    "czzcagrsa3f0mzo3rmpmcdbaqnixs",  # RFC 6749: s6BhdRkqt3:7Fjfp0ZBr1KtDRbnfVdmIw
    "7fjfp0zbr1ktdrbnfvdmiw",  # RFC 6749, client secret
    "2yotnfzfejr1zcsicmwpaa",  # RFC 6749, access token
    "tgzv3jokf0xg5qx2tlkwia",  # RFC 6749, refresh token
    "splxlobezqqybys6wxsbia",  # RFC 6749, code
    "kd94hf93k423kf44",  # OAuth 1 specification
    "nnch734d00sl2jdk",
    "pfkkdhi9sl3r4s00",
    "dgvzdfrva2vu",  # "testToken"
    "dxnlcjpwyxnzd29yza",  # base64 of user:password
    "dxnlcm5hbwu6cgfzc3dvcmq",  # username:password
    "ywrtaw46ywrtaw4",  # admin:admin
    "dxnlcjpwyxnz",  # user:pass
    "dgvzddp0zxn0",  # test:test
    "eby8vdm02xnocqflquwjpllmetlcdxj1ouzft50usrz6ifsufq2uvercz4i6tq",  # Azurite, the storage emulator
    "c2y6ydjf5/r+ob0n8a7cgv30vrdjiwehlm",  # the emulator of Cosmos DB
    "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80",  # Hardhat and Anvil, accounts 0, 1, 2
    "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d",
    "5de4111afa1a4b94908f83103eb1f1706367c2e68ca870fc3fb9a804cdab365a",
    "401f7ac837da42b97f613d789819ff93537bee6a",  # Django REST framework's documentation
    "9944b09199c62bcf9418ad846dd0e4bbdfc6ee4b",
    "czzcagrsa3f0mzpnwdfmqmf0m2jw",  # RFC 6749, s6BhdRkqt3:gX1fBat3bV
    "gx1fbat3bv",
    "ad180jjd733klru7",  # RFC 5849
    "0685bd9184jfhq22",
    "137131200",
    "djosjkdkf8slld",
    "192b9bdd22ab9ed4d12e236c78afcb9a393ec15f71bbf5dc987d54727823bcbf",  # Flask's documentation
    "5f352379324c22463451387a0aec5d2f",
    "zyxk7niyng/togh8nj+p9nle73sq3",  # Celery's documentation
    "45ghiukldjahdnhzdauz",  # RFC 7009
    "dpf43f3p2l4k3l03",  # RFC 5849: consumer key, its tokens, and those of 3.4.1.1
    "hh5s93j4hdidpola",
    "hdhd0244k9j7ao03",
    "9djdj82h48djs9d2",
    "kkk9d7dh3k39sjv7",
    "a3ddj3w",  # RFC 6749, johndoe's password
    "reg-23410913-abewfq.123483",  # RFC 7592, registration token and client secret
    "cf136dc3c1fc93f31185e5885805d",
)
_MARKS = (
    r"(?i)x{4}|\*{3}|\.{3}|\u2026|_{3}|-{4}|<[\w .,:|/'\"-]*>|\[[a-z_ -]+\]|\$\{|\{\{|\$\(|#\{"
    r"|^#[a-zA-Z.]+#$|<%|%>|%\([a-z_]+\)"
    r"|^%[sdrv]$"
    r"|^%(?-i:[A-Z_]{3,})%$|\{[a-z_.]*\}|\$\$|@@[a-z_]+@@|__[a-z_]+__|\{\d\}"
)
_WORDS = (
    r"(?i)^(?:sua?|tu|dein|votre|twoje|mein|mi|meu|minha|il_?tuo)[-_ ]|chave|clave|contrase(?:n|e)a|rahasia"
    r"|segret[ao]|secret[ao]|geheim|motdepasse|wachtwoord|"
    r"^(?:\w{0,8}[-_])?(?:test|dev|demo|tests|testing|local)[-_]|[-_](?:test|dev|demo)(?:[-_]|$)|"
    r"example|placeholder|your[-_ ]?[a-z]|change[-_ ]?(?:me|it|this)|replace[-_ ]?|redacted|removed|masked"
    r"|censored|dummy|fake"
    r"|sample|foo[-_ ]?ba|todo|fixme|insert[-_ ]|enter[-_ ]|put[-_ ]|goes[-_ ]?here|[-_ ]here\b|my[-_]?(?:secret"
    r"|pass|token|key|api)"
    r"|long[-_ ]?enough|hard[-_ ]?to[-_ ]?guess|synthetic|some[-_ ]?(?:secret|pass|token|key|thing|random|value)"
    r"|lorem|ipsum|not[-_ ]?(?:a[-_ ]|real|set|secret|used)"
    r"|unsafe|insecure"
    r"|super[-_ ]?secret|top[-_ ]?secret|very[-_ ]?secret|secure[-_ ]?password|secret[-_ ]?(?:key|token|pass|value"
    r"|phrase)"
    r"|undefined|generated?|random|encrypted|wrong|invalid|bogus|mock|stub|demo|default|hello|world|letmein"
    r"|correct[-_ ]?horse"
)
# Removed from a value; if little is left, it guards nothing that anybody kept secret.
_WEAK = (
    r"(?i)(?:password|passwort|passwd|passw|pass|pwd|secret|token|apikey|auth|credential|login|admin|administrator|root"
    r"|user(?:name)?|guest|"
    r"test(?:ing|er)?|foo|bar|baz|qux|quux|spam|eggs|abc(?:d(?:ef?)?)?|xyz|qwerty?|asdf(?:gh)?|zxcv|key|new|old|my"
    r"|the|some|this|that|"
    r"is|not|and|for|with|value|string|text|client|server|access|private|public|api|app|db|database|postgres(?:ql)?"
    r"|mysql|"
    r"mongo(?:db)?|redis|rabbitmq|django|oracle|docker|none|null|true|false|nil|empty|blank|unknown|valid|good|bad"
    r"|first|second|one|two|three|"
    r"refresh|session|bearer|basic|oauth|jwt|csrf|data|hash|salt|code|pw|ssl|tls|ldap|smtp|ftp|http|proxy|ssh|git|aws|gcp|azure|senha|contrase|toto|tata|titi|dev|prod|stage"
    r"|staging|email|mail|mongo|web|site|service|demo|strong|secure|super|temp|hello|welcome|anonymous|nobody"
    r"|someone|something|anything"
    r"|whatever|alice|bob|john|jane|doe)+"
)
# As in s3cr3t and p@ssw0rd, not the 5 of those who make an effort.
_LEET = str.maketrans("013@4$", "oieaas")
_SPELT = r"(?i)p[a4@][s3$]{2}w[o0]rd"  # in ways that one table does not turn back
_SEQUENCES = (
    "0123456789012345678901234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "fedcba9876543210",
)
_ROWS = ("qwertyuiop", "asdfghjkl", "zxcvbnm")
_THREES = {row[at : at + 3] for each in _ROWS for row in (each, each[::-1]) for at in range(len(each) - 2)}
_FOURS = {each[at : at + 4] for each in _SEQUENCES for at in range(len(each) - 3)}


def sample(value: str) -> bool:
    """Whether `value` is one that a vendor's or a standard's documentation shows."""
    lower = value.lower()
    return any(each in lower for each in _SAMPLES)


def marked(value: str) -> bool:
    """Whether signs in `value` say that something has to be put in its place: `<key>`, `${KEY}`, `xxxx`, `…`."""
    return late.search(_MARKS, value) is not None


def says_so(value: str) -> bool:
    """Whether words in `value` say that it is none: example, changeme, your-key."""
    return late.search(_WORDS, value) is not None


def weak(value: str) -> bool:
    """Whether little but digits and signs is left without the words every attacker tries first."""
    return any(_nothing_left(each) for each in (value, value.translate(_LEET), late.sub(_SPELT, "password", value)))


def common(word: str) -> bool:
    """Whether `word` is one that every attacker tries first."""
    return late.fullmatch(_WEAK, word) is not None


def _nothing_left(value: str) -> bool:
    runs = [run for run in late.findall(r"[a-z]+", value.lower()) if len(run) > 1]
    weak_runs = [run for run in runs if late.fullmatch(_WEAK, run)]
    other = len(late.sub(r"[\W_]", "", value)) - sum(map(len, weak_runs))
    return len(weak_runs) == len(runs) and other <= (8 if runs else 0)


def monotonous(value: str) -> bool:
    """Whether `value` repeats few characters, a short piece, or follows the alphabet, the digits or the keyboard."""
    lower = value.lower()
    if len(set(lower)) < min(5, len(lower) * 0.6):
        return True
    same = r"(.)\1{4}" if len(lower) < 30 else r"(.)\1{9}"
    if late.search(same, lower) or late.fullmatch(r"(.{1,3}?)\1{2,}.{0,2}|(.{4,16})\2+.{0,3}", lower):
        return True
    plain = late.sub(r"[\W_]", "", lower)  # `abcd-efgh-ijkl`
    return _follows(lower) or (len(plain) >= 8 and len(plain) > 0.7 * len(lower) and _follows(plain)) or counted(lower)


def typed(value: str) -> bool:
    """Whether somebody's fingers went over a keyboard: `asdf`, `qwe…lkj`, or few different letters for so many."""
    lower = value.lower()
    if len(lower) <= 40 and (
        late.search(r"asdf|qwer|zxcv|hjkl", lower) or (len(lower) <= 24 and _neighbours(lower) > 1)
    ):
        return True
    letters = late.findall(r"[a-z]", lower)
    if len(letters) < 16 or late.search(r"[0-9a-f]{16}", lower) or set(letters) <= set("abcdef"):
        return False
    return len(set(letters)) < 0.6 * 26 * (1 - (25 / 26) ** len(letters))  # of the letters that random ones would have


def _neighbours(lower: str) -> int:
    """How often three keys beside each other are typed one after another."""
    count = at = 0
    while at < len(lower) - 2:
        beside = lower[at : at + 3] in _THREES
        count, at = count + beside, at + (3 if beside else 1)
    return count


def _follows(lower: str) -> bool:
    covered = sum(lower[at : at + 4] in _FOURS for at in range(len(lower) - 3))
    return covered * 2 >= len(lower) - 3


def counted(value: str) -> bool:
    """Whether the digits in `value` count up, whatever stands between them: `a12b34c567d890e12`."""
    digits = [int(each) for each in late.findall(r"[0-9]", value)]
    steps = sum((after - before) % 10 == 1 for before, after in pairwise(digits))
    return len(digits) >= 10 and steps >= 0.9 * (len(digits) - 1)
