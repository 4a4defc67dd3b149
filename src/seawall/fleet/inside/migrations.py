"""Finds migrations that were never applied, without importing them all as Django does."""

import pkgutil
from importlib import import_module
from typing import Any


def unapplied() -> list[str]:
    """ "app.name" of each migration the default database lacks. The others may be replicas, or behind a router."""
    from django.db import connection

    if connection.settings_dict["ENGINE"] == "django.db.backends.dummy":
        return []
    return _exactly(connection) if _written() - _applied(connection) else []


def _written() -> set[tuple[str, str]]:
    from django.apps import apps
    from django.db.migrations.loader import MigrationLoader

    found = set()
    for application in apps.get_app_configs():
        module_name, _ = MigrationLoader.migrations_module(application.label)
        try:
            module = import_module(module_name) if module_name else None
        except ModuleNotFoundError:
            continue  # an application without models
        for _, name, is_package in pkgutil.iter_modules(getattr(module, "__path__", [])):
            if not is_package and name[0] not in "_~":
                found.add((application.label, name))
    return found


def _applied(connection: Any) -> set[tuple[str, str]]:
    from django.db.migrations.recorder import MigrationRecorder

    return set(MigrationRecorder(connection).applied_migrations())


def _exactly(connection: Any) -> list[str]:
    """By Django itself, which knows of squashed migrations; slower, so only where something seems to be missing."""
    from django.db.migrations.executor import MigrationExecutor

    executor = MigrationExecutor(connection)
    plan = executor.migration_plan(executor.loader.graph.leaf_nodes())
    return [f"{migration.app_label}.{migration.name}" for migration, _ in plan]
