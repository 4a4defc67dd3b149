"""The page printed by a browser, as it comes out on paper."""

import shutil
import subprocess
from pathlib import Path

import pytest

from seawall.audit.report.html import as_html
from seawall.audit.run import ordered
from tests.audit.report.made import FINDINGS, REPORT

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
PROGRAMS = [CHROMIUM, shutil.which("pdftotext"), shutil.which("pdftoppm")]
DARK = "--blink-settings=preferredColorScheme=0"

pytestmark = pytest.mark.skipif(not all(PROGRAMS), reason="needs chromium and poppler-utils")


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A PDF of a report of many findings, made by a browser whose screen is dark."""
    folder = tmp_path_factory.mktemp("paper")
    many = [FINDINGS[number % len(FINDINGS)]._replace(fingerprint=f"{number:032x}") for number in range(24)]
    (folder / "report.html").write_text(as_html(REPORT._replace(findings=tuple(ordered(many)))))
    options = ("--headless", "--no-sandbox", "--disable-gpu", "--no-pdf-header-footer", DARK)
    command = [str(CHROMIUM), *options, f"--user-data-dir={folder}", f"--print-to-pdf={folder / 'report.pdf'}"]
    subprocess.run([*command, f"file://{folder / 'report.html'}"], check=True, capture_output=True, timeout=120)
    return folder / "report.pdf"


def test_no_page_is_empty_or_ends_with_a_heading(printed: Path) -> None:
    text = subprocess.run(["pdftotext", str(printed), "-"], check=True, capture_output=True, text=True).stdout
    *pages, after = [page.strip() for page in text.split("\f")]
    assert after == ""
    assert all(pages)
    assert len(pages) <= 12
    headings = ("Findings", "What they are", "What was looked at", "In this order")
    assert not [page for page in pages if page.endswith(headings)]
    for number in range(24):
        assert f"{number:032x}" in text


def test_paper_is_white(printed: Path) -> None:
    command = ["pdftoppm", "-gray", "-r", "20", str(printed), str(printed.with_name("page"))]
    subprocess.run(command, check=True, capture_output=True)
    for page in printed.parent.glob("page*.pgm"):
        pixels = page.read_bytes().split(b"\n", 3)[3]
        assert sum(pixels) / len(pixels) > 200, page.name
