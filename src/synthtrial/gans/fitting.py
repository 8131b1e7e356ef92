"""The smallest size a generator family can make that holds a case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from synthtrial.errors import ConfigError


def fitted_size(shape: Sequence[int], fits: dict[str, Any]) -> list[int]:
    """Round a shape up to what a family can make.

    Args:
        shape: spatial shape of a case, voxels.
        fits: the `fits:` part of a generator's configuration: `cube` (all axes alike), `multiple_of` (of every axis,
            voxels), `sizes` (the lengths an axis can have, voxels, or null for any).

    Returns:
        The padded shape, voxels, one number per axis.

    Raises:
        ConfigError: when an axis is longer than the largest size; the message says which sizes exist.
    """
    multiple, sizes = fits["multiple_of"], fits["sizes"]
    wanted = [max(shape)] * len(shape) if fits["cube"] else list(shape)
    fitted = []
    for length in wanted:
        rounded = -(-length // multiple) * multiple
        if sizes is not None:
            rounded = next((size for size in sorted(sizes) if size >= length), 0)
        if not rounded:
            raise ConfigError(
                f"this generator can't make {'x'.join(map(str, shape))} voxels: it makes "
                f"{', '.join(map(str, sorted(sizes)))} per axis; choose a smaller prepare.shape"
            )
        fitted.append(rounded)
    return fitted


def as_size(image_size: int | Sequence[int], spatial_dims: int) -> tuple[int, ...]:
    """One length for all axes, or one per axis, as a tuple of `spatial_dims` lengths, voxels.

    Raises:
        ConfigError: when there are more or fewer lengths than axes.
    """
    size = (image_size,) * spatial_dims if isinstance(image_size, int) else tuple(image_size)
    if len(size) != spatial_dims:
        raise ConfigError(f"image_size {list(size)} has {len(size)} axes, but spatial_dims is {spatial_dims}")
    return size
