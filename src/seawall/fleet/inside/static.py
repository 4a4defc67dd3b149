"""Serves a Django project's static files without its author doing anything, by WhiteNoise's core."""

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlparse

from .load import django_settings

CHUNK = 1 << 16  # bytes
OTHERS = ("whitenoise.", "servestatic.")  # middleware that does it already
HASHED = r"\.[0-9a-f]{12}\.\w+$"  # what ManifestStaticFilesStorage makes of a name: the content never changes


def static_files(settings: Any) -> Any:
    """A WhiteNoise that knows the static files, or None where there are none for us to serve."""
    if settings is None or "django.contrib.staticfiles" not in settings.INSTALLED_APPS:
        return None
    url = urlparse(settings.STATIC_URL or "")
    if url.netloc or not url.path.strip("/") or any(name.startswith(OTHERS) for name in settings.MIDDLEWARE):
        return None
    from whitenoise import WhiteNoise

    class StaticFiles(WhiteNoise):  # type: ignore[misc]
        def candidate_paths_for_url(self, url: str) -> Iterator[str]:
            """While DEBUG is on files are looked up anew each time, where Django's own server looks."""
            from django.contrib.staticfiles import finders

            found = finders.find(url[len(prefix) :]) if url.startswith(prefix) else None
            if found:
                yield found
            yield from super().candidate_paths_for_url(url)

    prefix = "/" + url.path.strip("/") + "/"
    debug = bool(settings.DEBUG)
    files = StaticFiles(None, autorefresh=debug, max_age=0 if debug else 60, immutable_file_test=HASHED)
    root = Path(settings.STATIC_ROOT) if settings.STATIC_ROOT else None
    if root and root.is_dir() and any(root.iterdir()):
        files.add_files(str(root), prefix)
    elif not debug:
        _add_from_finders(files, prefix)
    return files


def _add_from_finders(files: Any, prefix: str) -> None:
    from django.contrib.staticfiles import finders

    paths: dict[str, str] = {}
    for finder in finders.get_finders():
        for path, storage in finder.list(None):
            place = (getattr(storage, "prefix", None) or "").strip("/")
            name = f"{place}/{path}" if place else path
            paths.setdefault(prefix + name.replace("\\", "/"), storage.path(path))
    for url, path in paths.items():
        files.add_file_to_dictionary(url, path)


def with_static_files(application: Any) -> Any:
    """The WSGI application, with its static files if it is Django's."""
    files = static_files(django_settings())
    if files is None:
        return application
    files.application = application
    return files


def with_static_files_asgi(application: Any) -> Any:
    """The same for ASGI, where WhiteNoise has no server of its own."""
    files = static_files(django_settings())
    if files is None:
        return application

    async def serve(scope: dict[str, Any], receive: Any, send: Any) -> None:
        file = _find(files, scope["path"]) if scope["type"] == "http" else None
        if file is None:
            await application(scope, receive, send)
        else:
            await _send_file(file, scope, send)

    return serve


def _find(files: Any, path: str) -> Any:
    return files.find_file(path) if files.autorefresh else files.files.get(path)


async def _send_file(file: Any, scope: dict[str, Any], send: Any) -> None:
    names = {name: "HTTP_" + name.decode("latin-1").upper().replace("-", "_") for name, _ in scope["headers"]}
    response = file.get_response(
        scope["method"], {names[name]: value.decode("latin-1") for name, value in scope["headers"]}
    )
    headers = [(name.lower().encode("latin-1"), value.encode("latin-1")) for name, value in response.headers]
    await send({"type": "http.response.start", "status": int(response.status), "headers": headers})
    if response.file is not None:
        with response.file as opened:
            while chunk := await asyncio.to_thread(opened.read, CHUNK):
                await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
