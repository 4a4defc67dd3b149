"""What `seawall doctor` looks at on one site. Each check returns what it found, or raises what is missing."""

import os
import shlex
import shutil
import subprocess
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

from seawall import members
from seawall.cli.machine import Note
from seawall.config import Settings
from seawall.control import client
from seawall.control.telling import difference, value
from seawall.errors import ApplicationFailed, ConfigError, NoSite, SeawallError, StateUnusable, shell
from seawall.fleet.application import Application, find
from seawall.fleet.django import expected
from seawall.haproxy.listeners import Listeners
from seawall.paths import Paths
from seawall.rights import groups
from seawall.sites import run_by_another
from seawall.tls import authority
from seawall.tls.certificate import RENEW_BEFORE, needs_renewal, read_label, read_own
from seawall.tls.trust import stores

NEEDED_SPACE = 100_000_000  # bytes, for logs and the journal

VERSIONS = "import platform; print('Python', platform.python_version())"
# As -P, which Python before 3.11 has not: a `platform.py` of the application would run instead of Python's.
_INSTALLED_ONLY = "import sys; sys.path = [folder for folder in sys.path if folder]; "
DJANGO = f"{VERSIONS}; import django; print('Django', django.get_version())"


def ports(settings: Settings, paths: Paths) -> str:
    wanted = {"http": settings.listen.http}
    if settings.https.enabled:
        wanted["https"] = settings.listen.https
    shown = " and ".join(f"{settings.listen.address}:{port}" for port in wanted.values())
    if members.of_site(paths.mark):
        return f"this site serves on {shown}"
    Listeners.open(settings.listen.address, wanted).close()
    return f"{shown} are free" if len(wanted) > 1 else f"{shown} is free"


def running(settings: Settings, paths: Paths) -> str:
    """Whether what runs is what seawall.toml says."""
    try:
        told = client.ask(paths, "reload", dry_run=True)
    except NoSite:
        return "no site runs"
    except SeawallError as error:
        raise Note(error.problem, error.remedy) from None
    if names := difference(told):
        raise Note(
            f"seawall.toml differs from what runs: {', '.join(names)}.", "seawall reload --dry-run; seawall reload"
        )
    kept = ", ".join(f"{one['setting']} = {value(one['value'])}" for one in told["kept"])
    return f"as seawall.toml says, but for what `seawall set` said: {kept}" if kept else "as seawall.toml says"


def state_folder(settings: Settings, paths: Paths) -> str:
    folder = _writable(paths.state)
    left = shutil.disk_usage(folder).free
    if left < NEEDED_SPACE:
        raise StateUnusable(f"Only {left // 10**6} MB are left for {paths.state}.", f"Make room: df -h {shell(folder)}")
    return f"{paths.state}, {left / 10**9:.1f} GB left"


def runtime_folder(settings: Settings, paths: Paths) -> str:
    _writable(paths.runtime)
    if other := run_by_another(paths.project):
        raise Note(other.problem, other.remedy)
    return str(paths.runtime)


def _writable(folder: Path) -> Path:
    """`folder`, or the nearest one above it that exists, where a file can really be written."""
    exists = next(place for place in (folder, *folder.parents) if os.path.lexists(place))
    if exists == folder and folder.is_symlink():
        raise StateUnusable(f"{folder} is a symbolic link.", f"Remove it: rm {shell(folder)}")
    if exists == folder and folder.stat().st_uid != os.geteuid():
        raise StateUnusable(
            f"{folder} belongs to another user.", f"Remove it, or run as its owner: ls -ld {shell(folder)}"
        )
    try:
        with tempfile.TemporaryFile(dir=exists) as file:
            file.write(b"x")
    except OSError as error:
        raise StateUnusable(
            f"{exists} cannot be written to: {error.strerror}.", f"ls -ld {shell(exists)}; df -h {shell(exists)}"
        ) from error
    return exists


def certificate(settings: Settings, paths: Paths) -> str:
    https = settings.https
    if not https.enabled:
        return "HTTPS is off"
    if https.certificate:
        return _own(paths, paths.project / https.certificate, https.domains)
    signer = authority.find(https.domains)
    if not signer.exists:
        return "made at the first seawall up, signed by an authority made then too"
    signer.issuer()
    if reason := needs_renewal(paths, https.domains, time.time()):
        return f"made at the next seawall up: {reason}"
    label = read_label(paths.certificate)
    end = f"{datetime.fromtimestamp(label.end, UTC):%Y-%m-%d}" if label else "now"
    return f"good until {end}, signed by {signer.folder}"


def _own(paths: Paths, path: Path, domains: tuple[str, ...]) -> str:
    content = read_own(paths, path)
    from seawall.tls.signing import describe

    names, end = describe(content)
    left = end.timestamp() - time.time()
    if left <= 0:
        raise ConfigError(f"{path} ended on {end:%Y-%m-%d}.", "Renew it where you got it from")
    if left < RENEW_BEFORE:
        raise Note(f"{path} ends on {end:%Y-%m-%d}.", "Renew it where you got it from")
    missing = [name for name in domains if name not in names and f"*.{name.partition('.')[2]}" not in names]
    if missing:
        raise Note(f"{path} is not for {', '.join(missing)} but for {', '.join(names)}.", "Correct https.domains")
    return f"{path}, good until {end:%Y-%m-%d}"


def trust(settings: Settings, paths: Paths) -> str:
    if not settings.https.enabled or settings.https.certificate:
        return "not needed"
    signer = authority.find(settings.https.domains)
    untold = [store.readers for store in stores(Path.home()) if not (signer.exists and store.trusts(signer))]
    if untold:
        raise Note(f"The local authority is unknown to {' and '.join(untold)}.", "seawall trust")
    return "the local authority is known to all programs found here"


def application(settings: Settings, paths: Paths) -> str:
    found = find(settings, paths.project)
    text = f"{found.kind}: {found.target}, in {found.folder}"
    return f"{text} ({found.why}); {expected(found.project, found.environment)}" if found.project else text


def interpreter(settings: Settings, paths: Paths) -> str:
    try:
        found = find(settings, paths.project)
    except SeawallError:
        raise Note("Not examined: there is no application to run.") from None
    if found.kind == "command":
        return _program(found)
    return f"{_run(found, DJANGO if found.project else VERSIONS)} at {found.python}"


def _program(found: Application) -> str:
    name = shlex.split(found.target)[0]
    program = shutil.which(name, path=f"{found.environment.get('PATH', os.defpath)}:{found.folder}")
    if program is None:
        raise ApplicationFailed(f"The program {name} is not there.", f"Install it, or correct command: {found.target}")
    return program


def _run(found: Application, code: str) -> str:
    """What the application's own Python prints when it runs `code` as the application's user."""
    uid, gid = found.user or (None, None)
    try:
        done = subprocess.run(
            [found.python, "-c", _INSTALLED_ONLY + code],
            cwd=found.folder,
            env=dict(found.environment),
            user=uid,
            group=gid,
            extra_groups=groups(*found.user) if found.user else None,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
    except OSError as error:
        problem = f"{found.python} cannot be run: {error.strerror}."
        raise ApplicationFailed(problem, f"ls -l {shell(found.python)}") from error
    except subprocess.TimeoutExpired:
        raise ApplicationFailed(f"{found.python} did not answer in 30 s.") from None
    if done.returncode:
        reason = (done.stderr.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise ApplicationFailed(f"{found.python}: {reason}", _install(found))
    return ", ".join(done.stdout.split("\n")).strip(", ")


def _install(found: Application) -> str:
    if found.project is None:
        return f"See what it says: {shell(found.python)} --version"
    listed = (found.folder / "requirements.txt").exists()
    return f"{shell(found.python)} -m pip install {'-r requirements.txt' if listed else 'django'}"
