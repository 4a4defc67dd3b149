"""Django projects of every shape, each of which answers with the settings it has."""

# Stands in for python-dotenv: a `.env` beside the file that calls it, or above.
DOTENV = """
    import os, pathlib, sys
    def load_dotenv(path=""):
        caller = pathlib.Path(sys._getframe(1).f_code.co_filename).resolve()
        for file in (place / ".env" for place in caller.parents):
            if file.is_file():
                os.environ.update({**dict(x.split("=", 1) for x in file.read_text().split()), **os.environ})
                return
"""
MANAGE = """
    import os, sys
    {before}
    if __name__ == "__main__":
        os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{settings}")
        from django.core.management import execute_from_command_line
        execute_from_command_line(sys.argv)
"""
SETTINGS = """
    import os, pathlib
    BASE = pathlib.Path(__file__).resolve().parent
    DEBUG = os.environ.get("DEBUG", "on") == "on"
    SECRET_KEY = os.environ.get("SECRET_KEY", "default")
    DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": os.environ.get("NAME", "default.sqlite3")}}
    ALLOWED_HOSTS = ["*"]
    ROOT_URLCONF = "urls"
    INSTALLED_APPS = ["django.contrib.contenttypes"]
"""
URLS = """
    import os
    from django.conf import settings
    from django.http import JsonResponse
    from django.urls import path
    def told(request):
        answer = JsonResponse({"DEBUG": settings.DEBUG, "KEY": settings.SECRET_KEY, "folder": os.getcwd(),
                             "NAME": str(settings.DATABASES["default"]["NAME"]),
                             "module": settings.SETTINGS_MODULE, "wrapped": request.META.get("HTTP_WRAPPED", "")})
        answer["Content-Length"] = str(len(answer.content))
        return answer
    urlpatterns = [path("", told)]
"""
WSGI = """
    import os
    {before}
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "{settings}")
    from django.core.wsgi import get_wsgi_application
    application = get_wsgi_application()
"""
FORCING = MANAGE.format(settings="x", before='os.environ["DJANGO_SETTINGS_MODULE"] = "shop.settings.local"')
UNNAMED = "from django.core.wsgi import get_wsgi_application\napplication = get_wsgi_application()\n"
LOAD = "from dotenv import load_dotenv; load_dotenv()"
ENV = "DEBUG=off SECRET_KEY=fromfile NAME=production.sqlite3"
OWN = {"DEBUG": False, "KEY": "fromfile", "NAME": "production.sqlite3"}
DEFAULT = {"DEBUG": True, "KEY": "default", "NAME": "default.sqlite3"}


def project(manage: str = "shop.settings", wsgi: str = "shop.settings", **more: str) -> dict[str, str]:
    """`manage` and `wsgi`: the settings each names. `more`: what each does before ("manage_before", "wsgi_before")."""
    return {
        "manage.py": MANAGE.format(settings=manage, before=more.get("manage_before", "")),
        "dotenv.py": DOTENV,
        "urls.py": URLS,
        "shop/__init__.py": "",
        "shop/settings.py": SETTINGS,
        "shop/wsgi.py": WSGI.format(settings=wsgi, before=more.get("wsgi_before", "")),
        ".env": ENV,
    }


def split(**names: str) -> dict[str, str]:
    """Settings for each environment, as cookiecutter-django makes them."""
    made = project(**names)
    del made["shop/settings.py"]
    base = SETTINGS.replace("DEBUG", "IGNORED") + "    DEBUG = False\n"
    return {
        **made,
        "shop/settings/__init__.py": "",
        "shop/settings/base.py": base,
        "shop/settings/local.py": 'from .base import *\nDEBUG = True\nSECRET_KEY = "local"\n',
        "shop/settings/production.py": 'from .base import *\nSECRET_KEY = "production"\n',
    }


def asgi_only(files: dict[str, str]) -> dict[str, str]:
    wsgi = files.pop("shop/wsgi.py")
    wrapper = """
    async def wrapped(scope, receive, send):
        if scope["type"] == "http":
            scope["headers"] = [*scope["headers"], (b"wrapped", b"yes")]
        await inner(scope, receive, send)
    application, inner = wrapped, application
"""
    return {**files, "shop/asgi.py": wsgi.replace("wsgi", "asgi") + wrapper}


def moved(files: dict[str, str], where: str) -> dict[str, str]:
    return {where + name: text for name, text in files.items()}


def under_src(files: dict[str, str]) -> dict[str, str]:
    return {("" if name in ("manage.py", ".env") else "src/") + name: text for name, text in files.items()}
