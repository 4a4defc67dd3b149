"""Seawall started by itself imports nothing from where it is started."""

import os
import subprocess
from pathlib import Path

from seawall import __version__
from seawall.program import command


def test_it_starts_in_any_folder_and_environment(tmp_path: Path) -> None:
    for name in ("seawall.py", "json.py", "enum.py", "click.py", "sitecustomize.py"):
        (tmp_path / name).write_text("raise SystemExit(7)\n")
    misleading = {"PYTHONPATH": f".:{tmp_path}", "PYTHONHOME": "/nowhere", "PYTHONSTARTUP": "json.py"}
    done = subprocess.run(
        command("--version"),
        cwd=tmp_path,
        env={**os.environ, **misleading},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert __version__ in done.stdout
