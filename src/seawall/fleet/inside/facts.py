"""What a Django project's settings say that would surprise its author behind a balancer and on several servers."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from . import loaded
from .fact import Fact, fix, know
from .foreign import Foreign, last_line
from .setup import Setup

Settings = Any
DEADLINE = 2.0  # s for one check; only a database that does not answer takes more than milliseconds

# 23-81 % of concurrent writes failed with Django's defaults in three applications, 0 of 288 with these.
SQLITE_OPTIONS = (
    '"OPTIONS": {',
    '    "transaction_mode": "IMMEDIATE",',
    '    "timeout": 20,',
    '    "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL;",',
    "}",
)


def advice(settings: Settings, setup: Setup) -> list[Fact]:
    """Every check's findings; a check that fails says so and harms nothing else."""
    facts: list[Fact] = []
    for check in CHECKS if settings is not None else ():
        with Foreign(DEADLINE) as call:
            facts += check(settings, setup)
        if call.error is not None:
            facts.append(know(f"{(check.__doc__ or '').rstrip('.')}: not verified, {last_line(call.error)}"))
    return facts


def _settings(settings: Settings, setup: Setup) -> Iterator[Fact]:
    """The settings module."""
    yield from loaded.facts(setup)


def _hosts(settings: Settings, setup: Setup) -> Iterator[Fact]:
    """Hosts the site is reached under."""
    from django.http.request import validate_host

    allowed = list(settings.ALLOWED_HOSTS)
    effective = allowed or ([".localhost", "127.0.0.1", "[::1]"] if settings.DEBUG else [])
    refused = [host for host in setup.hosts if not validate_host(host.replace("*.", "any.", 1), effective)]
    if refused:
        wanted = allowed + [host.removeprefix("*") for host in refused]
        yield fix(
            f"ALLOWED_HOSTS refuses {', '.join(refused)}. In the settings:",
            (f"ALLOWED_HOSTS = {wanted!r}",),
            "Every page asked for under that name is answered 400.",
        )


def _scheme(settings: Settings, setup: Setup) -> Iterator[Fact]:
    """The header that says a request came by HTTPS."""
    header = settings.SECURE_PROXY_SSL_HEADER
    if header and tuple(header) != ("HTTP_X_FORWARDED_PROTO", "https"):
        yield fix(
            f"SECURE_PROXY_SSL_HEADER is {tuple(header)!r}, which Seawall does not send. In the settings:",
            ('SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")',),
            "Django would take HTTPS for HTTP, or believe a visitor who sends that header.",
        )


def _databases(settings: Settings, setup: Setup) -> Iterator[Fact]:
    """Databases shared by several servers."""
    import django

    for alias, database in settings.DATABASES.items():
        if database.get("CONN_MAX_AGE") not in (0, "0") and setup.kind == "asgi":
            yield fix(
                f'DATABASES["{alias}"] keeps its connections. In the settings:',
                ('"CONN_MAX_AGE": 0,',),
                "Under ASGI kept connections are never used again, until the database has none left.",
            )
        if not database["ENGINE"].endswith("sqlite3"):
            continue
        options = database.get("OPTIONS", {})
        if str(database["NAME"]) in ("", ":memory:"):
            yield fix(f'DATABASES["{alias}"] is in memory.', (), "Each server would have a database of its own.")
        elif "transaction_mode" not in options or "init_command" not in options:
            lines = SQLITE_OPTIONS if django.VERSION >= (5, 1) else ('"OPTIONS": {"timeout": 20}',)
            if django.VERSION >= (5, 1) or "timeout" not in options:
                yield fix(
                    f'DATABASES["{alias}"] is SQLite as Django sets it up. In the settings, in that database:',
                    lines,
                    'When two people write at once, one of them gets "database is locked".',
                )


def _sessions(settings: Settings, setup: Setup) -> Iterator[Fact]:
    """Sessions shared by several servers."""
    if settings.SESSION_ENGINE.rpartition(".")[2] not in ("cache", "cached_db"):
        return
    backend = settings.CACHES.get(settings.SESSION_CACHE_ALIAS, {}).get("BACKEND", "").lower()
    if "locmem" in backend or "dummy" in backend:
        yield fix(
            "Sessions are in the memory of one server. In the settings:",
            ('SESSION_ENGINE = "django.contrib.sessions.backends.db"',),
            "A person who logs in on one server is a stranger to the others.",
        )


def _static(settings: Settings, setup: Setup) -> Iterator[Fact]:
    """Collected static files."""
    if "django.contrib.staticfiles" not in settings.INSTALLED_APPS or settings.DEBUG:
        return
    from django.contrib.staticfiles.storage import staticfiles_storage

    root = Path(settings.STATIC_ROOT) if settings.STATIC_ROOT else None
    unnamed = getattr(staticfiles_storage, "hashed_files", None) == {}
    unserved = any(name.startswith("whitenoise.") for name in settings.MIDDLEWARE) and not (root and root.is_dir())
    if unnamed or unserved:
        yield fix(
            "The static files are not collected. Run:",
            (loaded.command(setup, "collectstatic"),),
            "Pages that name one fail." if unnamed else "WhiteNoise has no style sheets and images to serve.",
        )


def _channels(settings: Settings, setup: Setup) -> Iterator[Fact]:
    """Websockets."""
    application = getattr(settings, "ASGI_APPLICATION", None)
    if setup.kind != "asgi" and application and {"channels", "daphne"} & set(settings.INSTALLED_APPS):
        yield fix(
            "The project uses websockets, and runs as WSGI. In seawall.toml:",
            ('asgi = "{}:{}"'.format(*application.rsplit(".", 1)),),
            "WSGI has no websockets.",
        )


def _migrations(settings: Settings, setup: Setup) -> Iterator[Fact]:
    """Migrations."""
    from .migrations import unapplied

    names = unapplied()
    if names:
        some = ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
        yield fix(
            f"The database lacks {len(names)} migration{'s' if len(names) > 1 else ''}: {some}. Run:",
            (loaded.command(setup, "migrate"),),
            f"Pages that use what they add fail.{loaded.also_set(setup)}",
        )


def _exposed(settings: Settings, setup: Setup) -> Iterator[Fact]:
    """What a site on the internet should not have."""
    if settings.DEBUG:
        yield know("DEBUG is on.", "Errors show visitors the source and the settings. Turn it off before going public.")
    names = [name for name in ("SESSION_COOKIE_SECURE", "CSRF_COOKIE_SECURE") if not getattr(settings, name)]
    if names:
        yield know(f"{' and '.join(names)} not set.", "A browser also sends these cookies unencrypted, by HTTP.")


CHECKS: tuple[Callable[[Settings, Setup], Iterator[Fact]], ...] = (
    _settings,
    _hosts,
    _scheme,
    _databases,
    _sessions,
    _static,
    _channels,
    _migrations,
    _exposed,
)
