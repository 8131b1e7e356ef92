"""The smallest size a generator family can make that holds a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from synthtrial.cohorts.representations.building import grid_of
from synthtrial.errors import ConfigError
from synthtrial.setting_types import check_arguments


@dataclass(frozen=True, kw_only=True)
class Fits:
    """The keys of a generator's `fits`, see `fitted_size`."""

    spatial_dims: Sequence[int]
    cube: bool
    multiple_of: int
    smallest: int
    sizes: Sequence[int] | None


def fitted(
    config: dict[str, Any], labels: Sequence[str], image_channels: int, shape: Sequence[int], place: str
) -> dict[str, Any]:
    """A generator's configuration with the sizes that follow from a cohort and its representation.

    Args:
        config: a generator's configuration, see conf/generator.
        labels: names of the cohort's labels.
        image_channels: channels of its images.
        shape: spatial shape of its cases, voxels.
        place: where the configuration stands, for messages.

    Raises:
        ConfigError: when the family can't make such arrays; the message says which it can.
    """
    channels, mask_channels, grid = grid_of(config["representation"], labels, image_channels, shape)
    check_arguments(Fits, config["fits"], f"{place}.fits")
    dims = config["fits"]["spatial_dims"]
    if len(grid) not in dims:
        advice = (
            "makes 2D images, and this study has volumes: choose the representation mosaic or slices"
            if dims == [2]
            else "makes volumes, and this study has 2D images: prepare volumes"
        )
        raise ConfigError(f"{place} {advice}, or another generator")
    sizes = {"spatial_dims": len(grid), "image_size": fitted_size(grid, config["fits"]), "image_channels": channels}
    if "mask_channels" in config:
        sizes["mask_channels"] = mask_channels
    return config | sizes


def fitted_size(shape: Sequence[int], fits: dict[str, Any]) -> list[int]:
    """Round a shape up to what a family can make.

    Args:
        shape: spatial shape of a case, voxels.
        fits: the `fits:` part of a generator's configuration: `cube` (all axes alike), `multiple_of` (of every axis,
            voxels), `smallest` (length of an axis, voxels), `sizes` (the lengths an axis can have, voxels; null: any).

    Returns:
        The padded shape, voxels, one number per axis.

    Raises:
        ConfigError: when an axis is longer than the largest size; the message says which sizes exist.
    """
    multiple, sizes = fits["multiple_of"], fits["sizes"]
    wanted = [max(shape)] * len(shape) if fits["cube"] else list(shape)
    fitted = []
    for length in wanted:
        length = max(length, fits["smallest"])
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
