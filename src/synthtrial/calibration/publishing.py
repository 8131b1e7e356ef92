"""Making a calibration's result the package's own."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from synthtrial.atomic import atomic_file, write_json
from synthtrial.calibration.datasheet import SHIPPED
from synthtrial.calibration.doc import with_datasheet
from synthtrial.errors import SynthtrialError


def publish(sheet: Path, report: Path, docs: Path, shipped: Path = SHIPPED) -> list[Path]:
    """Let a calibration's data sheet be the one that every report prints, and write it into the docs.

    Args:
        sheet: `datasheet.json` of a finished calibration.
        report: its report, whose figures go to `images/calibration/` of the docs.
        docs: the folder of `calibration.md`.
        shipped: the data sheet of the package.

    Returns:
        What was written.

    Raises:
        SynthtrialError: when the calibration is not finished, or the page lacks its marks.
    """
    if not sheet.is_file() or not (report / "figures").is_dir():
        raise SynthtrialError(
            f"no finished calibration in {sheet.parent}: run `dvc repro` (or pipelines/calibrate.py) first"
        )
    content = json.loads(sheet.read_text(encoding="utf-8"))
    page, images = docs / "calibration.md", docs / "images" / "calibration"
    text = with_datasheet(page.read_text(encoding="utf-8"), content)
    write_json(shipped, content)
    with atomic_file(page) as partial:
        partial.write_text(text, encoding="utf-8")
    images.mkdir(parents=True, exist_ok=True)
    figures = [Path(shutil.copy(figure, images)) for figure in sorted((report / "figures").glob("*.png"))]
    return [shipped, page, *figures]
