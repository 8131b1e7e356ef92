"""The levels of FastGAN's networks (Liu et al. 2021, arXiv 2101.04775), for any size and aspect ratio.

Level l is the grid that l doublings of the start grid lead to: for a square power of two, level 0 is 4 x 4, level 5 is
128 x 128. The published channels belong to levels.
"""

from __future__ import annotations

from collections.abc import Sequence

from synthtrial.errors import ConfigError

GENERATOR_WIDTHS = (16, 8, 4, 2, 2, 1, 1 / 2, 1 / 4, 1 / 8)
"""The generator's channels at levels 0 to 8, in units of `width`; finer levels have as many as level 8."""
LOW_LEVEL = 5
"""Level of the low-resolution image, 128 x 128; half the size where the image itself is at this level or below."""

Grid = tuple[int, ...]


def grids_of(size: Sequence[int]) -> list[Grid]:
    """The grids of all levels, from the start grid to the image; each is half the next one, rounded up.

    The start grid has 4 to 6 voxels along the shortest axis.

    Raises:
        ConfigError: when the image is too small, or is no multiple of its low-resolution copy.
    """
    if min(size) < 32:
        raise ConfigError(f"FastGAN makes images of at least 32 voxels along each axis, not image_size {list(size)}")
    last = 0
    while -(-min(size) // 2 ** (last + 1)) >= 4:
        last += 1
    shrinkage = 2 ** (last - low_level(last))
    if any(length % shrinkage for length in size):
        raise ConfigError(f"FastGAN: image_size {list(size)} must be a multiple of {shrinkage} along each axis")
    return [tuple(-(-length // 2 ** (last - level)) for length in size) for level in range(last + 1)]


def low_level(last: int) -> int:
    """Level of the low-resolution image, for an image at level `last`."""
    return min(LOW_LEVEL, last - 1)


def generator_channels(width: float, level: int) -> int:
    """Channels of the generator's features at a level."""
    return max(1, int(width * GENERATOR_WIDTHS[min(level, len(GENERATOR_WIDTHS) - 1)]))


def discriminator_channels(width: float, level: int) -> int:
    """Channels of the discriminator's features of the whole image at a level: 8 times the width at level 1."""
    return max(1, int(width * 2 ** (4 - level)))
