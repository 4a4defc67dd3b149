"""Made-up credentials and what resembles them, from a seeded generator: nothing here opens anything."""

import base64
import hashlib
import json
import random
import re
import string
import uuid
import zlib

# How vendors' tokens look: `[characters]{count}`; {crc} is GitHub's checksum of what stands before it.
VENDORS = {
    "github_token": "ghp_[A-Za-z0-9]{30}{crc}",
    "gh_oauth": "gho_[A-Za-z0-9]{30}{crc}",
    "github_pat": "github_pat_[A-Za-z0-9]{22}_[A-Za-z0-9]{59}",
    "npm_token": "npm_[A-Za-z0-9]{30}{crc}",
    "gitlab_token": "glpat-[A-Za-z0-9_-]{20}",
    "gitlab_runner": "glrt-[A-Za-z0-9_-]{20}",
    "aws_access_key_id": "AKIA[A-Z2-7]{16}",
    "aws_secret_access_key": "[A-Za-z0-9/+]{40}",
    "google_api_key": "AIza[A-Za-z0-9_-]{35}",
    "google_oauth_secret": "GOCSPX-[A-Za-z0-9_-]{28}",
    "stripe_key": "sk_live_[A-Za-z0-9]{24}",
    "stripe_restricted": "rk_live_[A-Za-z0-9]{24}",
    "stripe_webhook_secret": "whsec_[A-Za-z0-9]{32}",
    "slack_bot_token": "xoxb-[0-9]{12}-[0-9]{12}-[A-Za-z0-9]{24}",
    "slack_user_token": "xoxp-[0-9]{12}-[0-9]{12}-[0-9]{12}-[a-f0-9]{32}",
    "slack_webhook": "https://hooks.slack.com/services/T[A-Z0-9]{8}/B[A-Z0-9]{8}/[A-Za-z0-9]{24}",
    "sendgrid_api_key": "SG.[A-Za-z0-9_-]{22}.[A-Za-z0-9_-]{43}",
    "mailgun_api_key": "key-[a-f0-9]{32}",
    "mailchimp_api_key": "[a-f0-9]{32}-us1[0-9]{1}",
    "twilio_auth_token": "[a-f0-9]{32}",
    "twilio_api_key": "SK[a-f0-9]{32}",
    "telegram_bot_token": "[1-9]{1}[0-9]{8}:AA[A-Za-z0-9_-]{33}",
    "discord_token": "M[A-Za-z0-9]{23}.[A-Za-z0-9_-]{6}.[A-Za-z0-9_-]{27}",
    "digitalocean_token": "dop_v1_[a-f0-9]{64}",
    "huggingface_token": "hf_[A-Za-z]{34}",
    "openai_api_key": "sk-[A-Za-z0-9]{20}T3BlbkFJ[A-Za-z0-9]{20}",
    "anthropic_api_key": "sk-ant-api03-[A-Za-z0-9_-]{93}AA",
    "shopify_token": "shpat_[a-f0-9]{32}",
    "docker_token": "dckr_pat_[A-Za-z0-9_-]{27}",
    "pypi_token": "pypi-AgEIcHlwaS5vcmc[A-Za-z0-9_-]{120}",
    "rubygems_api_key": "rubygems_[a-f0-9]{48}",
    "vault_token": "hvs.[A-Za-z0-9_-]{92}",
    "doppler_token": "dp.pt.[A-Za-z0-9]{43}",
    "linear_api_key": "lin_api_[A-Za-z0-9]{40}",
    "notion_token": "secret_[A-Za-z0-9]{43}",
    "airtable_token": "pat[A-Za-z0-9]{14}.[a-f0-9]{64}",
    "postman_key": "PMAK-[a-f0-9]{24}-[a-f0-9]{34}",
    "newrelic_key": "NRAK-[A-Z0-9]{27}",
    "databricks_token": "dapi[a-f0-9]{32}",
    "square_token": "sq0atp-[A-Za-z0-9_-]{22}",
    "square_secret": "sq0csp-[A-Za-z0-9_-]{43}",
    "facebook_token": "EAACEdEose0cBA[A-Za-z0-9]{80}",
    "planetscale_password": "pscale_pw_[A-Za-z0-9_-]{43}",
    "sentry_token": "sntrys_[A-Za-z0-9]{64}",
    "fastly_token": "[A-Za-z0-9_-]{32}",
    "heroku_api_key": "HRKU-[A-Za-z0-9_-]{60}",
    "azure_storage_key": "[A-Za-z0-9+/]{86}==",
    "azure_client_secret": "[A-Za-z0-9]{3}8Q~[A-Za-z0-9_~.-]{34}",
    "datadog_api_key": "[a-f0-9]{32}",
    "cloudflare_api_token": "[A-Za-z0-9_-]{40}",
    "algolia_admin_key": "[a-f0-9]{32}",
    "okta_token": "00[A-Za-z0-9_-]{40}",
    "atlassian_token": "ATATT3xFfGF0[A-Za-z0-9_-]{172}=[A-F0-9]{8}",
    "figma_token": "figd_[A-Za-z0-9_-]{40}",
    "replicate_token": "r8_[A-Za-z0-9]{37}",
    "age_key": "AGE-SECRET-KEY-1[QPZRY9X8GF2TVDW0S3JN54KHCE6MUA7L]{58}",
    "dropbox_token": "sl.[A-Za-z0-9_-]{130}",
    "mapbox_secret_token": "sk.eyJ1Ijoi[A-Za-z0-9]{60}.[A-Za-z0-9_-]{22}",
    "grafana_token": "glc_[A-Za-z0-9+/]{60}",
    "circleci_token": "CCIPAT_[A-Za-z0-9]{22}_[a-f0-9]{40}",
    "internal_api_key": "[A-Za-z0-9]{32}",
    "service_auth_token": "[a-f0-9]{40}",
    "signing_secret": "[A-Za-z0-9+/]{43}=",
}
_HUMAN = [
    "Summer",
    "Winter",
    "Autumn",
    "Sunday",
    "Berlin",
    "Madrid",
    "Liverpool",
    "Arsenal",
    "Chelsea",
    "Dragon",
    "Monkey",
    "Falcon",
    "Tiger",
    "Shadow",
    "Sunshine",
    "Charlie",
    "Jordan",
    "Michael",
    "Daniel",
    "Nikita",
    "Anastasia",
    "Mustang",
    "Porsche",
    "Ferrari",
    "Guitar",
    "Coffee",
    "Cookie",
    "Banana",
    "Orange",
    "Purple",
    "Silver",
    "Golden",
    "Diamond",
    "Rocket",
    "Galaxy",
    "Pirate",
    "Wizard",
    "Merlin",
    "Phoenix",
    "Thunder",
    "Maverick",
    "Buster",
    "Rocky",
    "Molly",
    "Bella",
    "Lucky",
    "Happy",
    "Kitchen",
    "Garden",
    "Office",
    "Printer",
    "Backup",
]
_BASE62 = string.digits + string.ascii_uppercase + string.ascii_lowercase


class Values:
    """Draws values. Equal seeds draw equal values."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)

    def of(self, characters: str, count: int) -> str:
        """`count` of a class of characters as in a regular expression, without brackets."""
        spread = re.sub(r"(.)-(.)", lambda m: "".join(map(chr, range(ord(m[1]), ord(m[2]) + 1))), characters)
        return "".join(self.random.choice(spread) for _ in range(count))

    def token(self, vendor: str) -> str:
        """A token of `vendor`, with its checksum."""
        body = re.sub(r"\[([^\]]+)\]\{(\d+)\}", lambda m: self.of(m[1], int(m[2])), VENDORS[vendor])
        if body.endswith("{crc}"):
            body = body.removesuffix("{crc}")
            number, digits = zlib.crc32(body.split("_", 1)[1].encode()), ""
            while number:
                number, digit = divmod(number, 62)
                digits = _BASE62[digit] + digits
            body += digits.rjust(6, "0")
        return body

    def human(self) -> str:
        """A password as people choose them."""
        word, other = self.random.choice(_HUMAN), self.random.choice(_HUMAN)
        year, sign = self.random.randint(1960, 2025), self.random.choice("!@#$%?*.-_")
        leet = word.replace("e", "3").replace("a", "4").replace("o", "0").replace("i", "1")
        return self.random.choice(
            [
                f"{word}{year}{sign}",
                f"{word.lower()}{self.random.randint(10, 999)}",
                f"{word}{sign}{other.lower()}{self.random.randint(1, 99)}",
                f"{leet}{sign}{self.random.randint(10, 99)}",
                f"{word}@{year}",
                f"{word.lower()}{sign}{year % 100:02}",
                f"{self.random.randint(1, 9)}{word}{other}{sign}",
                f"{self.of('a-z', 3)}{sign}{word}{self.random.randint(1, 999)}",
            ]
        )

    def machine(self) -> str:
        """A password from a password manager."""
        kind = self.random.randrange(5)
        if kind == 0:
            return self.of("A-Za-z0-9", self.random.randint(10, 20))
        if kind == 1:
            return self.of("A-Za-z0-9!@#%^*_+=.-", self.random.randint(12, 24)).strip("=.-") + "7q"
        if kind == 2:
            return self.of("a-z", 8) + self.of("0-9", 2)
        if kind == 3:
            return self.of("a-f0-9", 16)
        return self.of("bcdfghjklmnpqrstvwxz", 10)

    def password(self) -> str:
        return self.human() if self.random.random() < 0.5 else self.machine()

    def base64(self, size: int) -> str:
        return base64.b64encode(self.random.randbytes(size)).decode()

    def encoded(self, text: str) -> str:
        return base64.b64encode(text.encode()).decode()

    def uuid(self) -> str:
        return str(uuid.UUID(bytes=self.random.randbytes(16), version=4))

    def digest(self, name: str) -> str:
        return hashlib.new(name, self.random.randbytes(8)).hexdigest()

    def lines(self, size: int) -> str:
        text = self.base64(size)
        return "\n".join(text[at : at + 64] for at in range(0, len(text), 64))

    def jwt(self) -> str:
        head, body = {"alg": "HS256", "typ": "JWT"}, {"uid": self.random.randrange(10**6), "scope": "billing:write"}
        parts = [json.dumps(head).encode(), json.dumps(body).encode(), self.random.randbytes(32)]
        return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)

    def django_key(self) -> str:
        return self.of("abcdefghijklmnopqrstuvwxyz0123456789!@#%^&*(_=+", 50)

    def hashed(self) -> str:
        """A hashed password in one of Django's formats, or crypt's."""
        salt = self.of("A-Za-z0-9", 22)
        return self.random.choice(
            [
                f"pbkdf2_sha256${self.random.choice([260000, 390000, 720000])}${salt}${self.base64(32)}",
                f"argon2$argon2id$v=19$m=102400,t=2,p=8${self.base64(16)[:22]}${self.base64(32)[:43]}",
                f"$2y$10${self.of('./A-Za-z0-9', 53)}",
                f"$6${salt[:16]}${self.of('./A-Za-z0-9', 86)}",
                f"sha1${salt[:5]}${self.digest('sha1')}",
            ]
        )
