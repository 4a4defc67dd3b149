"""Writes one setting into seawall.toml and leaves everything else in it as it is, comments and formatting included."""

import json
import os
import re
import stat
import tomllib
from pathlib import Path
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from seawall import files, rights
from seawall.config.lines import key_lines
from seawall.config.live import parsed, unsets
from seawall.config.load import load, validated
from seawall.errors import ConfigError, SettingsUnwritable, shell

NEW = 0o644
BOM = "\ufeff"
_LF = re.compile(r"(?<!\r)\n")


def lines(key: str, text: str) -> list[str]:
    """What to write in seawall.toml, as its lines; none where the setting is to be taken out."""
    section, _, name = key.rpartition(".")
    if unsets(key, text):
        return []
    return [*([f"[{section}]"] if section else []), f"{name} = {json.dumps(parsed(key, text), ensure_ascii=False)}"]


def save(path: Path, key: str, text: str) -> None:
    """Write it, all or nothing.

    Raises SettingsUnwritable where the file is not ours alone, or would be wrong then, and ConfigError where it is now.
    """
    before = _read(path)
    load(path)
    try:
        after = edited(before.decode(), key, None if unsets(key, text) else parsed(key, text))
        validated(tomllib.loads(after.removeprefix(BOM)), str(path))
    except (ValueError, TOMLKitError) as error:
        raise SettingsUnwritable(f"{path} is left as it is: {error}.", f"Correct it: {shell(path)}") from error
    except ConfigError as error:
        raise SettingsUnwritable(f"{path} would be wrong: {error.problem}", error.remedy, error.detail) from error
    try:
        seen = os.lstat(path) if before or os.path.lexists(path) else None
        if seen and _read(path) != before:
            raise SettingsUnwritable(f"{path} has just been changed by somebody.", "Try again.")
        mode = stat.S_IMODE(seen.st_mode) if seen else NEW
        files.replace(path, after.encode(), mode, durable=True, group=seen.st_gid if seen else None)
    except OSError as error:
        why = f"{path} cannot be written: {error.strerror}."
        raise SettingsUnwritable(why, f"ls -ld {shell(path.parent)} {shell(path)}") from error


def edited(text: str, key: str, value: Any) -> str:
    """The document with this value, or without the setting. Raises ValueError where anything else would change."""
    mark, body = (BOM, text[1:]) if text.startswith(BOM) else ("", text)
    before = tomllib.loads(body)
    section, _, name = key.rpartition(".")
    if value is None:
        return mark + _without(body, before, section, name)
    if section and section in before and name not in before[section]:
        result = _inserted(body, section, f"{name} = {json.dumps(value, ensure_ascii=False)}")
    else:
        result = _with_tomlkit(body, section, name, value)
    wanted = {**before, **({section: {**before.get(section, {}), name: value}} if section else {name: value})}
    if tomllib.loads(result) != wanted:
        raise ValueError(f"{key} cannot be changed in it without changing more")
    return mark + result


def _without(text: str, before: dict[str, Any], section: str, name: str) -> str:
    wanted = {key: dict(inner) if key == section else inner for key, inner in before.items()}
    if (wanted.get(section, {}) if section else wanted).pop(name, None) is None:
        return text
    document: Any = tomlkit.parse(text)
    del (document[section] if section else document)[name]
    result = tomlkit.dumps(document)
    after = tomllib.loads(result)
    if section and not wanted[section]:
        after.setdefault(section, {})
    if after != wanted:
        raise ValueError(f"{section}.{name}".lstrip(".") + " cannot be taken out of it without changing more")
    return result


def _inserted(text: str, section: str, line: str) -> str:
    """Below the section's head: at its end might stand a comment on what comes next."""
    rows = text.splitlines(keepends=True)
    at = key_lines(text.replace("\r\n", "\n"))[(section,)] - 1
    head = rows[at]
    if not head.lstrip().startswith("["):
        name, _, value = line.partition(" = ")
        return _with_tomlkit(text, section, name, json.loads(value))
    ending = "\r\n" if head.endswith("\r\n") else "\n"
    rows[at] = head.rstrip("\r\n") + ending
    rows.insert(at + 1, line + ending)
    return "".join(rows)


def _with_tomlkit(text: str, section: str, name: str, value: Any) -> str:
    document: Any = tomlkit.parse(text)
    if section and section not in document:
        document[section] = tomlkit.table()
    (document[section] if section else document)[name] = value
    result = tomlkit.dumps(document)
    # It writes new lines with LF whatever the others have.
    return _LF.sub("\r\n", result) if "\r\n" in text and not _LF.search(text) else result


def _read(path: Path) -> bytes:
    """What is in the file, if it is ours alone to change; nothing where there is none. Raises SettingsUnwritable."""
    try:
        if os.geteuid() == 0 and (uid := rights.controller(path if os.path.lexists(path) else path.parent)):
            raise SettingsUnwritable(f"{path} can be changed by {rights.who(uid)}, so root does not write there.")
        seen = os.lstat(path)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise SettingsUnwritable(f"{path} cannot be looked at: {error.strerror}.") from error
    if reason := _not_ours(seen):
        raise SettingsUnwritable(f"{path} is left as it is: {reason[0]}.", reason[1].format(shell(path)))
    try:
        return rights.read(path)
    except OSError as error:
        raise SettingsUnwritable(f"{path} cannot be read: {error.strerror}.") from error


def _not_ours(seen: os.stat_result) -> tuple[str, str] | None:
    """Why a file is not replaced, and what to do about it."""
    if stat.S_ISLNK(seen.st_mode):
        return "it is a symbolic link", "See where it leads: ls -l {}"
    if not stat.S_ISREG(seen.st_mode):
        return "it is no regular file", "See what it is: ls -l {}"
    if seen.st_uid != os.geteuid():
        return f"it belongs to {rights.user_name(seen.st_uid)}", "See whose it is: ls -l {}"
    if seen.st_nlink > 1:
        return "it has a second name, which would keep the old text", "See: ls -l {}"
    if seen.st_mode & 0o022:
        return "other users may change it", "Make it yours alone: chmod go-w {}"
    return None
