"""The settings as a list: their names, sections, and in words what each may be."""

from types import NoneType
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from seawall.config.settings import Section, Settings

Key = tuple[str, ...]


def _section(field: FieldInfo) -> type[Section] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Section) else None


SECTIONS: dict[str, type[Section]] = {
    name: section for name, field in Settings.model_fields.items() if (section := _section(field))
}

SETTINGS: dict[Key, FieldInfo] = {
    (name,): field for name, field in Settings.model_fields.items() if name not in SECTIONS
} | {(section, name): field for section, model in SECTIONS.items() for name, field in model.model_fields.items()}


def expected(field: FieldInfo) -> str:
    """What the value of a setting may be, in words: "a whole number from 1 to 200"."""
    kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not NoneType]
    origin = get_origin(field.annotation)
    if origin is Literal:
        *first, last = (f'"{choice}"' for choice in get_args(field.annotation))
        return f"{', '.join(first)} or {last}"
    if origin in (tuple, dict):
        return "a list of texts" if origin is tuple else "a table of texts"
    return _names(kinds[0]) + _unit(field) + _bounds(field)


def _names(kind: Any) -> str:
    return {bool: "true or false", int: "a whole number", float: "a number"}.get(kind, "a text")


def _unit(field: FieldInfo) -> str:
    extra = field.json_schema_extra
    return f" of {extra['unit']}" if isinstance(extra, dict) and "unit" in extra else ""


def _bounds(field: FieldInfo) -> str:
    lowest = [bound.ge for bound in field.metadata if hasattr(bound, "ge")]
    highest = [bound.le for bound in field.metadata if hasattr(bound, "le")]
    return f" from {lowest[0]} to {highest[0]}" if lowest and highest else ""
