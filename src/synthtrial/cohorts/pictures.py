"""Reading 2D pictures: PNG, JPEG, TIFF, BMP."""

from __future__ import annotations

import struct
from io import BytesIO
from pathlib import Path
from typing import IO, TYPE_CHECKING

import numpy as np

from synthtrial.errors import CohortError, ConfigError

if TYPE_CHECKING:
    from PIL.Image import Image

CHANNELS = {"grey": 1, "RGB": 3}
"""Colour declared in the config -> number of image channels."""

ENDINGS = {".png", ".jpg", ".jpeg", ".tif", ".tiff", ".bmp"}
"""File endings that count as pictures."""

OTHER_COLOURS = ("refuse", "convert")
"""What becomes of a coloured picture where grey was declared, and of a grey one where RGB was."""

GREY_MODES = ("1", "L", "LA", "La", "F")
"""PIL's modes of grey pictures, beside those of whole numbers, which begin with I."""

COLOURED_LEVELS, COLOURED_PART = 24, 0.01
"""A picture is coloured where its channels differ by more levels (of 256) on more than this part of its pixels.

Grey scans are often stored with three channels, which JPEG lets differ a little, and with small coloured marks.
"""


def check_colour(colour: str, other_colours: str = "refuse") -> None:
    """Raise a `ConfigError` when the declared colour, or what to do with others, is unknown."""
    if colour not in CHANNELS:
        raise ConfigError(f"cohort.colour: {colour!r} is unknown; there are {', '.join(CHANNELS)}")
    if other_colours not in OTHER_COLOURS:
        raise ConfigError(f"cohort.other_colours: {other_colours!r} is unknown; there are {', '.join(OTHER_COLOURS)}")


def load_picture(path: Path, colour: str, other_colours: str = "convert") -> np.ndarray:
    """Load a picture as float32 `(C, rows, columns)`, in its own grey values (0..255, or 0..65535 for 16 bits).

    Args:
        path: the file.
        colour: "grey" or "RGB".
        other_colours: "convert" gives a grey picture declared "RGB" three equal channels, and a coloured one declared
            "grey" its luminance; "refuse" neither. Three (nearly) equal channels are grey either way.

    Raises:
        CohortError: when it is no picture, is cut off, or has the other colours and must not.
    """
    return _decode(path, str(path), colour, other_colours)


def decode_picture(data: bytes, name: str, colour: str, other_colours: str = "convert") -> np.ndarray:
    """Decode a picture that is not a file, as `load_picture` does; `name` says in messages where it comes from."""
    return _decode(BytesIO(data), name, colour, other_colours)


def _decode(source: Path | IO[bytes], name: str, colour: str, other_colours: str) -> np.ndarray:
    from PIL import Image, ImageOps

    # What PIL raises for a broken file depends on its format.
    broken = (OSError, SyntaxError, ValueError, EOFError, IndexError, TypeError, struct.error)
    try:
        with Image.open(source) as file:
            picture = ImageOps.exif_transpose(file)
            if other_colours == "refuse":
                _check_colours(picture, name, colour)
            if colour == "RGB" and not _is_grey(picture):
                picture = picture.convert("RGB")
            elif picture.mode not in ("L", "F") and not picture.mode.startswith("I"):
                picture = picture.convert("L")
            values = np.asarray(picture, dtype=np.float32)
    except (*broken, Image.DecompressionBombError) as error:
        raise CohortError(
            f"{name}: not a whole picture ({error}). It may be cut off: copy or download it again"
        ) from error
    if values.ndim == 2:  # PIL's own way from grey to RGB would cut values above 255
        return np.repeat(values[None], CHANNELS[colour], axis=0)
    return np.ascontiguousarray(np.moveaxis(values, 2, 0))


def _is_grey(picture: Image) -> bool:
    return picture.mode in GREY_MODES or picture.mode.startswith("I")


def _check_colours(picture: Image, name: str, colour: str) -> None:
    """Raise a `CohortError` for a grey picture where RGB was declared, and a coloured one where grey was."""
    grey = _is_grey(picture)
    if colour == "RGB" and grey:
        raise CohortError(
            f"{name}: a grey picture, but cohort.colour is RGB. Set cohort.colour=grey, take it away, or set "
            "cohort.other_colours=convert to give it three equal channels"
        )
    if colour == "grey" and not grey:
        channels = np.asarray(picture.convert("RGB"), dtype=np.int16)
        part = float(np.mean(np.ptp(channels, axis=2) > COLOURED_LEVELS))
        if part > COLOURED_PART:
            raise CohortError(
                f"{name}: a coloured picture ({part:.0%} of its pixels), but cohort.colour is grey. Set "
                "cohort.colour=RGB, take it away, or set cohort.other_colours=convert to see its luminance"
            )


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
