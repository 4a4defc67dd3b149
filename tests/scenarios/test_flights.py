"""The flights site behind the real edge: logins, forms, redirects, addresses and mail are as on a single server."""

import http.client
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.client import insecure
from tests.patience import PATIENCE
from tests.scenarios.examine import EXAMPLES, replaced, serves, site_of, survives_a_death
from tests.scenarios.site import Site, running
from tests.scenarios.visitor import Page, Visitor

pytestmark = pytest.mark.xdist_group("flights")

ANNA = {"username": "anna@example.org", "password": "departures-board"}
SHOWN = """
from django.http import JsonResponse
def shown(request):
    return JsonResponse({"client": request.META["REMOTE_ADDR"], "url": request.build_absolute_uri(),
                         "secure": request.is_secure(), "script": request.META["SCRIPT_NAME"]})
urlpatterns.append(path("shown/", shown))
"""


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    made = site_of(EXAMPLES / "flights", tmp_path_factory.mktemp("flights"))
    with (made.folder / "flights" / "urls.py").open("a") as urls:
        urls.write(SHOWN)
    command = [sys.executable, "manage.py", "seed", "--flights", "300"]
    subprocess.run(command, cwd=made.folder, capture_output=True, timeout=PATIENCE, check=True)
    with running(made):
        yield made


def logged_in(site: Site) -> Visitor:
    visitor = Visitor(site.https)
    page = visitor.submit("/login/", ANNA)
    assert (page.status, page.url) == (200, f"{visitor.home}/account/"), page.text
    return visitor


def test_pages_and_style_sheets_come(site: Site) -> None:
    serves(site)
    page = Visitor(site.https).get("/static/site.css")
    assert (page.status, page.headers["Content-Type"].partition(";")[0]) == (200, "text/css")


def test_a_login_survives_the_death_of_every_server(site: Site) -> None:
    visitor = logged_in(site)
    for victim in site.servers().values():
        os.kill(victim, signal.SIGKILL)
        assert "anna" in visitor.get("/account/").text
        replaced(site, victim)
    assert visitor.get("/account/").url == f"{visitor.home}/account/"


def test_no_page_of_a_login_fails_when_a_server_dies(site: Site) -> None:
    visitor = logged_in(site)
    survives_a_death(site, "/account/", f"Cookie: sessionid={visitor.cookie('sessionid').value}\r\n")


def test_cookies_are_for_https_only(site: Site) -> None:
    cookie = logged_in(site).cookie("sessionid")
    assert cookie.secure
    assert cookie.has_nonstandard_attr("HttpOnly")


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": ""}, 200),  # an old browser: the Referer alone
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost"}, 403),
        ({"Origin": "", "Referer": "https://evil.example/"}, 403),
        ({"Origin": "", "Referer": ""}, 403),
    ],
    ids=["browser", "referer", "foreign origin", "http origin", "foreign referer", "neither"],
)
def test_a_form_is_taken_only_from_the_site_itself(site: Site, headers: dict[str, str], status: int) -> None:
    fields = {"recipient": "nobody-of-that-name", "amount": "1"}
    page = logged_in(site).submit("/account/send/", fields, token_from="/account/", headers=headers)
    assert page.status == status, page.text


def test_redirects_keep_https_host_and_port(site: Site) -> None:
    visitor = Visitor(site.https)
    assert visitor.get("/account/").url == f"{visitor.home}/login/?next=/account/"
    assert visitor.get("/search").url == f"{visitor.home}/search/"  # APPEND_SLASH


def test_django_knows_who_asks_and_how_the_site_is_reached(site: Site) -> None:
    connection = http.client.HTTPSConnection(
        "127.0.0.1", site.https, timeout=PATIENCE, context=insecure(), source_address=("127.0.0.7", 0)
    )
    forged = {"X-Forwarded-For": "8.8.8.8", "X-Real-IP": "8.8.8.8", "Script-Name": "/x", "X-Forwarded-Proto": "http"}
    connection.request("GET", "/shown/", headers={"Host": f"localhost:{site.https}", **forged})
    url = f"https://localhost:{site.https}/shown/"
    expected = f'{{"client": "127.0.0.7", "url": "{url}", "secure": true, "script": ""}}'
    assert connection.getresponse().read().decode() == expected
    connection.close()


def test_the_link_in_a_mail_leads_back_over_https(site: Site) -> None:
    shutil.rmtree(site.folder / "mail", ignore_errors=True)
    visitor = Visitor(site.https)
    page = visitor.submit("/password-reset/", {"email": "anna@example.org"})
    assert page.url == f"{visitor.home}/password-reset/sent/"
    link = re.search(r"https?://\S+", mail(site.folder / "mail"))
    assert link
    assert link[0].startswith(f"{visitor.home}/password-reset/")
    assert choose_password(visitor, link[0]).url == f"{visitor.home}/password-reset/done/"


def mail(folder: Path) -> str:
    """The mail that is sent after the answer."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for file in folder.glob("*"):
            if text := file.read_text():
                return text
        time.sleep(0.02)
    raise AssertionError("no mail was written")


def choose_password(visitor: Visitor, link: str) -> Page:
    form = visitor.get(link).url
    chosen = ANNA["password"]
    return visitor.submit(form, {"new_password1": chosen, "new_password2": chosen})
