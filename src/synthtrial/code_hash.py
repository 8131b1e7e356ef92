"""Which code made a result: one that was kept must not be taken for one of code that has changed since."""

from __future__ import annotations

import hashlib
from importlib.resources import files
from pathlib import Path

PACKAGE = Path(str(files("synthtrial")))
"""The package that is running."""

NOT_IN_A_TRIAL = ("report",)
"""Parts of the package that no trial runs."""


def code_hash(package: Path = PACKAGE) -> str:
    """Hash of all source files of the package that a trial may run (all but the report), whatever git knows of them."""
    found = hashlib.sha256()
    for path in sorted(package.rglob("*.py")):
        place = path.relative_to(package)
        if place.parts[0] not in NOT_IN_A_TRIAL:
            found.update(f"{place.as_posix()}\n".encode() + path.read_bytes())
    return found.hexdigest()[:16]
