"""An animation through the slices of real and synthetic volumes side by side, with the mask outlined."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from synthtrial.atomic import atomic_file
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.pictures.pages import Cut, cut_plane
from synthtrial.fidelity.pictures.style import COLOURS, LABEL_COLOURS

MOST_FRAMES = 64
GREYS = 32
"""Grey levels: few enough that the file stays small, enough that the steps between them are hardly seen."""

SHADES = 8
"""Shades between white and the colour of a name, which make its letters smooth."""

OUTLINE, NAME, WHITE = GREYS, GREYS + len(LABEL_COLOURS), 255
"""Where the colours of outlines and of names start in the palette, and where white is."""

GAP, BETWEEN, HEADER, BAR = 3, 14, 24, 4
"""Pixels between cases, between real and synthetic ones, above for the names, and below for the bar."""


def slice_gif(
    real: Cases, synthetic: Cases, path: Path, *, tile_px: int = 120, columns: int = 3, frame_ms: int = 120
) -> bool:
    """Write a GIF that goes through all axial slices, feet to head: real cases at the left, synthetic at the right.

    Slices stand in radiological orientation, as on the sample pages, and the first channel is shown. Volumes of more
    than 64 slices skip some. A bar tells how far up a slice is. All frames share one palette of greys and the colours
    of outlines; so the file is small, and the same cases give the same bytes.

    Args:
        real: the real cases to show.
        synthetic: the synthetic ones.
        path: the file, `.gif`.
        tile_px: longer side of one case's picture at most, pixels; small volumes are enlarged by a whole number.
        columns: cases beside each other on either side.
        frame_ms: how long a slice is shown, milliseconds.

    Returns:
        Whether a file was written: False for a 2D cohort, which has no slices to go through.
    """
    if len(real.source.shape) != 3:
        return False
    from PIL import Image

    depth = real.source.shape[2]
    shown = np.unique(np.linspace(0, depth - 1, min(depth, MOST_FRAMES)).round().astype(int))
    sides = [_side(name, cases, shown, tile_px, columns) for name, cases in (("real", real), ("synthetic", synthetic))]
    frames = []
    for pixels in _beside(*sides):
        frames.append(Image.fromarray(pixels, "P"))
        frames[-1].putpalette(_palette())
    with atomic_file(path) as partial:
        frames[0].save(partial, "GIF", save_all=True, append_images=frames[1:], duration=frame_ms, loop=0)
    return True


def _side(name: str, cases: Cases, shown: np.ndarray, tile_px: int, columns: int) -> np.ndarray:
    """The frames of one side, its name above: palette indices `(frames, rows, columns)`; one volume in memory."""
    tiles = []
    for image, mask in zip(cases.images(), cases.masks(), strict=True):
        parts = [(image[..., k : k + 1], mask[..., k : k + 1]) for k in shown]
        cuts = [cut_plane(*part, 2, cases.source.spacing_mm) for part in parts]
        tiles.append(np.stack([_tile(cut, tile_px) for cut in cuts]))
    frames, height, width = tiles[0].shape
    columns = min(columns, len(tiles))
    rows = -(-len(tiles) // columns)
    page = np.full((frames, HEADER + rows * (height + GAP), columns * (width + GAP) - GAP), WHITE, np.uint8)
    page[:, :HEADER] = _header(name, page.shape[2])
    for index, tile in enumerate(tiles):
        top, left = HEADER + index // columns * (height + GAP), index % columns * (width + GAP)
        page[:, top : top + height, left : left + width] = tile
    return page


def _tile(cut: Cut, tile_px: int) -> np.ndarray:
    """One slice as palette indices `(rows, columns)`: greys, and a line around each label."""
    from PIL import Image
    from scipy.ndimage import binary_dilation

    rows, columns = cut.mask.shape
    longest = max(rows * cut.aspect, columns)
    scale = max(tile_px // longest, 1) if longest <= tile_px else tile_px / longest
    size = (round(columns * scale), round(rows * cut.aspect * scale))
    greys = np.clip((cut.image[0] + 1) / 2, 0, 1).astype(np.float32)
    how = Image.Resampling.NEAREST if scale >= 1 else Image.Resampling.BOX
    tile = np.array(Image.fromarray(greys).resize(size, how)) * (GREYS - 1)
    tile = tile.round().astype(np.uint8)
    for value in np.unique(cut.mask[cut.mask > 0]):
        region = Image.fromarray((cut.mask == value).astype(np.uint8)).resize(size, Image.Resampling.NEAREST)
        inside = np.array(region) > 0
        tile[binary_dilation(inside) & ~inside] = OUTLINE + (int(value) - 1) % len(LABEL_COLOURS)
    return tile


def _header(name: str, width: int) -> np.ndarray:
    """A side's name in the middle, as palette indices `(HEADER, width)`."""
    from PIL import Image, ImageDraw, ImageFont

    strip = Image.new("L", (width, HEADER))
    font = ImageFont.load_default(16)
    ImageDraw.Draw(strip).text((width / 2, HEADER / 2), name, fill=255, font=font, anchor="mm")
    shade = np.array(strip).astype(int) * SHADES // 256
    start = NAME + SHADES * list(COLOURS).index(name)
    return np.where(shade == 0, WHITE, start + shade).astype(np.uint8)


def _beside(real: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    """Both sides in one picture per frame, and beneath the bar that grows with the slice."""
    height, frames = max(real.shape[1], synthetic.shape[1]) + BAR, len(real)
    width = real.shape[2] + BETWEEN + synthetic.shape[2]
    pages = np.full((frames, height, width), WHITE, np.uint8)
    pages[:, : real.shape[1], : real.shape[2]] = real
    pages[:, : synthetic.shape[1], -synthetic.shape[2] :] = synthetic
    for index, page in enumerate(pages):
        page[-BAR:] = GREYS * 5 // 6
        page[-BAR:, : round(width * (index + 1) / frames)] = GREYS // 3
    return pages


def _palette() -> list[int]:
    """256 colours, red, green and blue of each: greys, outlines, shades of both names; the rest is white."""
    colours = [[round(255 * k / (GREYS - 1))] * 3 for k in range(GREYS)]
    colours += [_rgb(colour) for colour in LABEL_COLOURS]
    for name in COLOURS.values():
        colours += [[round(255 + (c - 255) * k / (SHADES - 1)) for c in _rgb(name)] for k in range(SHADES)]
    colours += [[255] * 3] * (256 - len(colours))
    return [channel for colour in colours for channel in colour]


def _rgb(colour: str) -> list[int]:
    return [int(colour[k : k + 2], 16) for k in (1, 3, 5)]
