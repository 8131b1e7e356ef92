"""Reading 2D pictures: PNG, JPEG, TIFF, BMP."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from synthtrial.errors import CohortError, ConfigError

CHANNELS = {"grey": 1, "RGB": 3}
"""Colour declared in the config -> number of image channels."""

ENDINGS = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}
"""File endings that count as pictures."""


def check_colour(colour: str) -> None:
    """Raise a `ConfigError` when the declared colour is unknown."""
    if colour not in CHANNELS:
        raise ConfigError(f"cohort.colour: {colour!r} is unknown; there are {', '.join(CHANNELS)}")


def load_picture(path: Path, colour: str) -> np.ndarray:
    """Load a picture as float32 `(C, rows, columns)`, in its own grey values (0..255, or 0..65535 for 16 bits).

    A grey picture declared "RGB" gets three equal channels; a coloured one declared "grey" its luminance.
    """
    from PIL import Image, ImageOps

    try:
        with Image.open(path) as file:
            picture = ImageOps.exif_transpose(file)
            if colour == "RGB":
                picture = picture.convert("RGB")
            elif picture.mode not in ("L", "F") and not picture.mode.startswith("I"):
                picture = picture.convert("L")
            values = np.asarray(picture, dtype=np.float32)
    except (OSError, SyntaxError, ValueError) as error:
        raise CohortError(
            f"{path}: not a whole picture ({error}). It may be cut off: copy or download it again"
        ) from error
    return values[None] if values.ndim == 2 else np.ascontiguousarray(np.moveaxis(values, 2, 0))


def load_marks(path: Path) -> np.ndarray:
    """Load one reader's marks as bool `(rows, columns)`.

    Raises:
        CohortError: when the picture holds more than one value beside 0.
    """
    values = load_picture(path, "grey")[0]
    found = np.unique(values[values != 0])
    if len(found) > 1:
        raise CohortError(
            f"{path}: a mask must hold 0 and one other value, but it holds {', '.join(f'{v:g}' for v in found[:5])} "
            "beside 0. Masks must be stored without lossy compression or smoothing"
        )
    return values != 0


def picture_affine(pixel_mm: float) -> np.ndarray:
    """Voxel-to-world `(4, 4)` of a picture, whose axes are `(row, column)`; the third axis is trivial."""
    return np.diag([pixel_mm, pixel_mm, 1.0, 1.0])
