"""Figures as PNG files, and as data that a page can carry inside itself."""

from __future__ import annotations

import base64
import shutil
from pathlib import Path

from synthtrial.report.blocks import Picture


def write_picture(picture: Picture, folder: Path, dpi: int) -> Path:
    """Write a picture of the page to `folder/<name>.png` (or `.gif`); the same results give the same bytes.

    Args:
        picture: drawn here, or made by an earlier stage and copied.
        folder: exists.
        dpi: dots per inch of figures drawn here; the page shows 100 CSS pixels per inch.
    """
    if isinstance(picture.content, Path):
        return Path(shutil.copyfile(picture.content, folder / f"{picture.name}{picture.content.suffix}"))
    path = folder / f"{picture.name}.png"
    picture.content.savefig(path, dpi=dpi, metadata={"Software": None})
    return path


def data_uri(path: Path) -> str:
    """The PNG or GIF as a `data:` address, so that the page needs no file beside it."""
    return f"data:image/{path.suffix[1:]};base64," + base64.b64encode(path.read_bytes()).decode("ascii")
