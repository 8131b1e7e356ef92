"""The settings of offline augmentation, `prepare.augment`, checked when they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from synthtrial.errors import ConfigError
from synthtrial.params import construct

PLACE = "prepare.augment"


@dataclass(frozen=True, kw_only=True)
class AffineSettings:
    """A random shift, rotation and zoom; each is drawn uniformly for each axis.

    Attributes:
        translate: largest shift to either side along each axis, voxels.
        rotate: largest rotation to either side about each axis, degrees; in 2D one number.
        scale: smallest and largest zoom; above 1 the content grows.
    """

    translate: Sequence[float]
    rotate: Sequence[float]
    scale: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class ElasticSettings:
    """A random smooth displacement of every voxel, and an affine transform on top.

    A uniform random vector per voxel is smoothed by a Gaussian of `sigma` voxels and multiplied by `magnitude`.
    Smoothing shrinks it much: with sigma 6 and magnitude 150, voxels move by about 1 voxel in 3D and by 4 in 2D.

    Attributes:
        sigma: smallest and largest sigma, voxels.
        magnitude: smallest and largest magnitude, voxels.
        affine: None for no affine transform.
    """

    sigma: Sequence[float]
    magnitude: Sequence[float]
    affine: AffineSettings | None = None


@dataclass(frozen=True, kw_only=True)
class ResampleSettings:
    """Reading the case with larger voxels and bringing it back, as a scanner of lower resolution would show it.

    Attributes:
        coarsest: how many times larger voxels may become along each axis, at least 1.
    """

    coarsest: Sequence[float]


@dataclass(frozen=True, kw_only=True)
class AugmentSettings:
    """Which altered copies are made of every development case; `conf/prepare/ct_augmented.yaml` explains each key.

    Attributes:
        copies: how many of each kind.
        beyond: what lies beyond the grid: "background" (-1 and no label), "border" or "reflection".
        affine, elastic, resample: the kinds; None leaves one out.
    """

    copies: int
    beyond: Literal["background", "border", "reflection"] = "reflection"
    affine: AffineSettings | None = None
    elastic: ElasticSettings | None = None
    resample: ResampleSettings | None = None

    @property
    def kinds(self) -> list[str]:
        """Names of the kinds of copies that are made."""
        return [name for name in ("affine", "elastic", "resample") if getattr(self, name) is not None]


def read_augmentation(config: Mapping[str, Any], axes: int) -> AugmentSettings:
    """Make the settings from the subtree `prepare.augment`.

    Args:
        config: plain dicts and lists.
        axes: spatial axes of a case.

    Raises:
        ConfigError: for an unknown or missing key, a value of the wrong type, or the wrong count of numbers.
    """
    parts: dict[str, Any] = dict(config)
    if isinstance(elastic := parts.get("elastic"), Mapping):
        parts["elastic"] = {**elastic, "affine": _part(AffineSettings, elastic.get("affine"), "elastic.affine")}
    for name, kind in (("affine", AffineSettings), ("elastic", ElasticSettings), ("resample", ResampleSettings)):
        parts[name] = _part(kind, parts.get(name), name)
    settings = construct(AugmentSettings, parts, PLACE)
    _check(settings, axes)
    return settings


def _part(kind: type, config: Any, name: str) -> Any:
    """The settings of one subtree; None where it is null or not there."""
    return None if config is None else construct(kind, config, f"{PLACE}.{name}")


def _check(settings: AugmentSettings, axes: int) -> None:
    if not settings.kinds or settings.copies < 1:
        raise ConfigError(
            f"{PLACE}: expected at least one copy, and one of affine, elastic and resample; "
            "set prepare.augment=null for no copies"
        )
    if settings.affine:
        _check_affine(settings.affine, axes, "affine")
    if settings.elastic:
        _check_range(settings.elastic.sigma, "elastic.sigma")
        _check_range(settings.elastic.magnitude, "elastic.magnitude")
        if settings.elastic.affine:
            _check_affine(settings.elastic.affine, axes, "elastic.affine")
    if settings.resample:
        _check_count(settings.resample.coarsest, axes, "resample.coarsest", least=1)


def _check_affine(settings: AffineSettings, axes: int, name: str) -> None:
    _check_count(settings.translate, axes, f"{name}.translate")
    _check_count(settings.rotate, 3 if axes == 3 else 1, f"{name}.rotate")
    _check_range(settings.scale, f"{name}.scale")


def _check_count(values: Sequence[float], count: int, name: str, least: float = 0) -> None:
    if len(values) != count or min(values) < least:
        numbers = "1 number" if count == 1 else f"{count} numbers"
        raise ConfigError(f"{PLACE}.{name}: expected {numbers} of at least {least:g}, but is {list(values)}")


def _check_range(values: Sequence[float], name: str) -> None:
    if len(values) != 2 or not 0 < values[0] <= values[1]:
        raise ConfigError(f"{PLACE}.{name}: expected [smallest, largest], above 0, but is {list(values)}")
