"""The audit of one git repository: everything gathered once, the checks made, the baseline taken off."""

import contextlib
import errno
import os
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from seawall.audit import baseline, fingerprint
from seawall.audit.checks.samples import made_for_tests
from seawall.audit.evidence import Credential, Evidence
from seawall.audit.finding import Place
from seawall.audit.history.beginning import Beginning
from seawall.audit.history.places import Credential as Placed
from seawall.audit.history.processes import ProcessEnded
from seawall.audit.history.scan import Scan, scan
from seawall.audit.mask import mask_all, mask_line
from seawall.audit.run import Report, Subject, run
from seawall.audit.secrets.rules import FileRule
from seawall.errors import ScanEnded

if TYPE_CHECKING:
    from seawall.audit.secrets.scanner import Scanner

# Kinds of place that are shown in full, so that a secret in one has to be masked in all.
NAMES = ("file name", "ref name", "author", "committer", "tagger")
PLACES = 1000  # of one finding that are told one by one


class Options(NamedTuple):
    """What a user may choose."""

    rules: tuple[Path, ...] = ()  # besides ours and the repository's own
    baseline: Path | None = None  # instead of the one in the top folder
    processes: int | None = None  # as many as there are processors


def audit(
    path: Path,
    options: Options,
    progress: Callable[[int, int], None] = lambda done, total: None,
    preparing: Callable[[], None] = lambda: None,
    begun: Beginning | None = None,
) -> Report:
    """Look at everything in the repository in or above `path`. Raises SeawallError for what cannot be read at all.

    `progress` is told bytes done and bytes in all; `preparing` is called when the rules will take some seconds first.
    """
    started, began = datetime.now().astimezone(), time.monotonic()
    begun = begun or Beginning(path, rules=options.rules, processes=options.processes)
    repository = begun.repository
    # Fingerprints take their time: they are made from the first sight on.
    with begun, fingerprint.beside() as noticed, _told():
        rules = begun.ahead if begun.ahead and begun.ahead.ready else scanner(begun.own, preparing)
        scanned = scan(path, rules, options.processes, progress, noticed=noticed, begun=begun)
    if begun.ahead:
        begun.ahead.dismiss()
    findings, gaps = run(Evidence(credentials=evidence(scanned, repository is not None)))
    file = options.baseline or begun.top / baseline.NAME
    accepted = baseline.load(file) if file.exists() else baseline.Baseline(())
    counted, known, expired = baseline.split(findings, accepted, started.date())
    return Report(
        subject=Subject(str(path.resolve()), *begun.origin()),
        started=started,
        seconds=time.monotonic() - began,
        findings=tuple(counted),
        gaps=(*scanned.gaps, *gaps),
        known=tuple(known),
        expired=tuple(expired),
        figures=_figures(scanned),
    )


@contextlib.contextmanager
def _told() -> Iterator[None]:
    """What ends a scan, in words. Raises ScanEnded."""
    try:
        yield
    except (ProcessEnded, MemoryError) as error:
        problem = "The scan ended: a process of it was killed, or memory was not enough."
        raise ScanEnded(problem, "With less memory: seawall secrets scan -j 1") from error
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        remedy = f"Make room in {os.environ.get('TMPDIR', '/tmp')}, or name another folder: TMPDIR"
        raise ScanEnded(f"The scan ended: {error.strerror}.", remedy) from error


def _figures(scanned: Scan) -> dict[str, int | float]:
    """Without a repository there are files alone."""
    if scanned.versioned:
        return {"commits": scanned.commits, "objects": scanned.objects, "bytes": scanned.read}
    return {"files": scanned.objects, "bytes": scanned.read}


def scanner(own: Sequence[Path], preparing: Callable[[], None]) -> "Scanner":
    """With the rules in the files `own` besides ours; for `preparing` see ready.py."""
    from seawall.audit.secrets.ready import ready

    return ready(own, preparing)


def evidence(scanned: Scan, in_repository: bool = True) -> tuple[Credential, ...]:
    """What was found, as checks want it: masked wherever it may be shown."""
    names = {_text(found.secret) for found in scanned.credentials if any(each.kind in NAMES for each in found.places)}

    def shown(place: Place) -> Place:
        if not names:
            return place
        return place._replace(path=mask_all(place.path, names), author=mask_all(place.author, names))

    return tuple(
        Credential(
            found.rule,
            found.secret,
            found.sureness,
            shown(found.places[0]),
            shown(found.places[-1]),
            len(found.places),
            found.in_tip,
            (_proof(found),),
            made_for_tests(found.rule, found.sureness, found.places),
            scanned.versioned and all(place.kind == "file" and not place.commit for place in found.places),
            tuple(map(shown, found.places[:PLACES])),
            in_repository,
        )
        for found in scanned.credentials
        if not any(found.secret in example for example in found.rule.positive)  # of a rule, in a file of rules
    )


def _proof(found: Placed) -> str:
    if isinstance(found.rule, FileRule):
        return f"the file is {len(found.secret):,} {'byte' if len(found.secret) == 1 else 'bytes'} long"
    return mask_line(found.sighting.excerpt, map(_text, found.sighting.beside), found.rule.keywords)


def _text(secret: str) -> str:
    return secret.encode("latin-1").decode("utf-8", "replace")
