"""A site as `wagtail start` makes it, nothing added: its editors log in, upload pictures and never notice a death."""

import io
import os
import signal
from collections.abc import Iterator
from uuid import uuid4

import pytest
from PIL import Image

from tests.scenarios.examine import replaced, serves, survives_a_death
from tests.scenarios.fresh_wagtail import EDITOR, PASSWORD, make
from tests.scenarios.site import Site, running
from tests.scenarios.visitor import Visitor

pytestmark = pytest.mark.xdist_group("wagtail")


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = make(tmp_path_factory.mktemp("wagtail") / "site")
    with running(Site(folder, "")) as site:
        yield site


@pytest.fixture(scope="module")
def editor(site: Site) -> Visitor:
    visitor = Visitor(site.https)
    page = visitor.submit("/admin/login/", {"username": EDITOR, "password": PASSWORD, "next": "/admin/"})
    assert (page.status, page.url) == (200, f"{visitor.home}/admin/")
    return visitor


def test_pages_come_over_both_http_versions(site: Site) -> None:
    serves(site)
    survives_a_death(site)


@pytest.mark.parametrize("path", ["css/core.css", "js/wagtailadmin.js", "images/favicon.ico"])
def test_the_admin_has_its_style_sheets_and_scripts(site: Site, path: str) -> None:
    page = Visitor(site.https).get(f"/static/wagtailadmin/{path}")
    assert page.status == 200
    assert len(page.body) > 500


def test_every_file_the_admin_names_is_there(site: Site, editor: Visitor) -> None:
    page = editor.get("/admin/")
    files = page.files()
    assert len(files) > 10
    missing = [file for file in files if editor.get(file).status != 200]
    assert not missing


def test_a_picture_is_uploaded_and_shown(site: Site, editor: Visitor) -> None:
    picture = io.BytesIO()
    Image.effect_noise((800, 600), 50).save(picture, "PNG")
    token = editor.token("/admin/images/add/")["csrfmiddlewaretoken"]
    fields = {"csrfmiddlewaretoken": token, "title": "A sea wall", "collection": "1"}
    kind, body = form(fields, "wall.png", picture.getvalue())
    page = editor.post("/admin/images/add/", body, kind)
    assert page.url == f"{editor.home}/admin/images/", page.text
    assert "A sea wall" in page.text
    shown = next(file for file in page.files() if file.startswith("/media/"))
    assert editor.get(shown).headers["Content-Type"] == "image/png"


def form(fields: dict[str, str], name: str, content: bytes) -> tuple[str, bytes]:
    """Content type and body of a form with a file."""
    boundary = uuid4().hex
    parts = [f'--{boundary}\r\nContent-Disposition: form-data; name="{key}"\r\n\r\n{fields[key]}\r\n' for key in fields]
    parts.append(
        f'--{boundary}\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: image/png\r\n\r\n"
    )
    body = "".join(parts).encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return f"multipart/form-data; boundary={boundary}", body


def test_an_editor_stays_logged_in_when_the_servers_die(site: Site, editor: Visitor) -> None:
    for victim in site.servers().values():
        os.kill(victim, signal.SIGKILL)
        page = editor.get("/admin/account/")
        assert (page.status, page.url) == (200, f"{editor.home}/admin/account/")
        replaced(site, victim)
    assert editor.get("/admin/").url == f"{editor.home}/admin/"
