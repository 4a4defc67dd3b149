"""docs/settings.md, generated, so that it cannot differ from what the program does."""

import json

from pydantic.fields import FieldInfo

from seawall.config.effects import EFFECTS
from seawall.config.live import LIVE
from seawall.config.load import listed
from seawall.config.schema import SECTIONS, SETTINGS, Key, expected
from seawall.config.settings import Settings

HEAD = """# Settings

Seawall reads `seawall.toml` in the project's folder, up to 64 KB. The file may be missing and every setting has a
default: write down only what shall be different. This page is generated from `src/seawall/config/settings.py` by
`make docs`.

```toml
wsgi = "mysite.wsgi:application"

[servers]
min = 4

[listen]
address = "0.0.0.0"
http = 80
https = 443

[https]
domains = ["example.org", "www.example.org"]
```

`seawall reload` applies a changed file to the running site, without a failed request, and says what it could not
apply. The column "a change" says how each setting takes effect: *at once*; with *new balancers*, one after the other;
with *new servers*, once the application has been imported anew; or only after *down and up*.

"""


def reference() -> str:
    """The Markdown page that lists every setting."""
    file_only = [key for key in EFFECTS if key not in LIVE]
    parts = [
        HEAD,
        f"`seawall set KEY VALUE` changes one of them, and with `--save` the file too: all but {listed(file_only)}. "
        'An empty value, `""`, unsets one that has no default.\n',
    ]
    parts += [_part("Top of the file", Settings.__doc__, ())]
    parts += [_part(f"[{name}]", model.__doc__, (name,)) for name, model in SECTIONS.items()]
    return "".join(parts)


def _part(title: str, text: str | None, section: Key) -> str:
    rows = [_row(key, field) for key, field in SETTINGS.items() if key[:-1] == section]
    head = ["| setting | default | may be | a change | meaning |", "|---|---|---|---|---|"]
    return "\n".join(["", f"## {title}", "", text or "", "", *head, *rows, ""])


def _row(key: Key, field: FieldInfo) -> str:
    effect = ", ".join(sorted(EFFECTS[".".join(key)]))
    default = "" if field.default in ("", None, {}) else f"`{_toml(field.default)}`"
    return f"| `{key[-1]}` | {default} | {expected(field)} | {effect} | {field.description} |"


def _toml(value: object) -> str:
    """Defaults are texts, numbers, booleans and lists of texts, which TOML writes as JSON does."""
    return json.dumps(value)
