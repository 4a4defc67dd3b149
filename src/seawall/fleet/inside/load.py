"""Imports the application: a Django project by its settings, anything else by `module:object`."""

import importlib
import inspect
import os
import sys
from typing import Any

from .setup import Setup


def load(setup: Setup) -> Any:
    """The WSGI or ASGI callable. Raises whatever the application raises."""
    application = _django(setup.target) if setup.kind == "django" else imported(setup.target)
    if not callable(application):
        raise TypeError(f"{setup.target} is not callable: {application!r}")
    if setup.kind == "wsgi" and _is_asgi(application):
        raise TypeError(f'{setup.target} is an ASGI application: write asgi = "{setup.target}"')
    return application


def _is_asgi(application: Any) -> bool:
    return inspect.iscoroutinefunction(application) or inspect.iscoroutinefunction(type(application).__call__)


def _django(settings_module: str) -> Any:
    os.environ["DJANGO_SETTINGS_MODULE"] = settings_module
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
