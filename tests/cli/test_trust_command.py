"""`seawall trust` as a person without privileges and without browsers meets it."""

import os
import subprocess
import sys
from pathlib import Path


def trust(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    # An empty PATH: no store is found, so nothing on the machine that runs the tests is touched.
    environment = {"HOME": str(project), "XDG_DATA_HOME": str(project / "data"), "PATH": str(project)}
    return subprocess.run(
        [sys.executable, "-m", "seawall", "-C", project, "trust", *options],
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        check=False,
    )


def test_it_explains_the_authority_and_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "seawall.toml").write_text('https.domains = ["shop.example.org"]')
    shown = trust(tmp_path, "--print")
    assert shown.returncode == 0, shown.stderr
    assert "and for shop.example.org and for nothing else" in shown.stdout
    assert str(tmp_path / "data/seawall/authority/shop.example.org/authority.pem") in shown.stdout


def test_a_damaged_authority_is_said(tmp_path: Path) -> None:
    trust(tmp_path, "--print")
    (tmp_path / "data/seawall/authority/local/authority.key").write_text("")
    shown = trust(tmp_path)
    assert shown.returncode == 1
    assert "is damaged" in shown.stderr
