"""Imports the application: what its author has a server import, and nothing before it."""

import importlib
import importlib.util
import inspect
import os
import sys
from typing import Any

from .setup import Setup

VARIABLE = "DJANGO_SETTINGS_MODULE"


class NoSettings(Exception):
    """Neither the entry point nor the environment names Django's settings."""


def load(setup: Setup) -> Any:
    """The WSGI or ASGI callable. Raises whatever the application raises."""
    sys.path[1:1] = setup.project.get("path", ())
    by_settings = setup.kind == "django" and ":" not in setup.target
    try:
        application = _by_settings(setup.target) if by_settings else imported(setup.target)
    except Exception as error:
        if setup.project and VARIABLE not in os.environ and VARIABLE in str(error):
            raise NoSettings(_unnamed(setup)) from error
        raise
    if not callable(application):
        raise TypeError(f"{setup.target} is not callable: {application!r}")
    if setup.kind != "asgi" and _is_asgi(application):
        raise TypeError(f'{setup.target} is an ASGI application: write asgi = "{setup.target}"')
    if setup.strict:
        _import_urls()
    return application


def _import_urls() -> None:
    """A Django project imports its views at the first request; where other code serves, that is too late to fail."""
    settings = django_settings()
    if settings is not None and getattr(settings, "ROOT_URLCONF", None):
        importlib.import_module(settings.ROOT_URLCONF)


def _unnamed(setup: Setup) -> str:
    names = setup.project["manage"].get(VARIABLE, ["mysite.settings"])
    return (
        f"{setup.project['file']} names no settings, and the environment has no {VARIABLE}. Write to seawall.toml:\n"
        f'[environment]\n{VARIABLE} = "{names[0]}"'
    )


def _is_asgi(application: Any) -> bool:
    return inspect.iscoroutinefunction(application) or inspect.iscoroutinefunction(type(application).__call__)


def _by_settings(settings_module: str) -> Any:
    """For a project without an entry point of its own: that of an installed package, or what Django makes itself."""
    parts = settings_module.split(".")[:-1]
    for length in range(len(parts), 0, -1):
        name = ".".join([*parts[:length], "wsgi"])
        if importlib.util.find_spec(name) and hasattr(module := importlib.import_module(name), "application"):
            return module.application
    os.environ[VARIABLE] = settings_module
    from django.conf import settings
    from django.core.wsgi import get_wsgi_application

    path = settings.WSGI_APPLICATION
    if not path:
        return get_wsgi_application()
    module, _, name = path.rpartition(".")
    return imported(f"{module}:{name}")


def imported(target: str) -> Any:
    """`package.module:object`, `package.module:factory()` or `package.module.object`."""
    path, call, _ = target.partition("(")
    module_name, colon, names = path.partition(":")
    if not colon:
        module_name, _, names = path.rpartition(".")
    thing: Any = importlib.import_module(module_name)
    for name in (names or "application").split("."):
        thing = getattr(thing, name)
    return thing() if call else thing


def django_settings() -> Any:
    """Django's settings if this application uses Django, whatever its kind; else None."""
    configuration = sys.modules.get("django.conf")
    return configuration.settings if configuration and configuration.settings.configured else None
