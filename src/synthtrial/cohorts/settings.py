"""The settings of `prepare`, checked when they are made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from synthtrial.cohorts.augment_settings import AugmentSettings, read_augmentation
from synthtrial.cohorts.clahe import ClaheSettings
from synthtrial.cohorts.lung_window import LungSettings
from synthtrial.errors import ConfigError
from synthtrial.params import construct

CROPS = ("none", "foreground", "lesion", "centre")
FITS = ("pad_crop", "resize")
EMPTY_MASKS = ("refuse", "drop", "keep")
SPLIT_BY = ("patient", "site")
TEST_SURPLUS = ("keep", "drop")


@dataclass(frozen=True, kw_only=True)
class PrepareSettings:
    """How raw cases become prepared ones; each key is explained in `conf/prepare/default.yaml`.

    Attributes:
        shape: spatial shape of every prepared case, voxels.
        spacing_mm: voxel spacing to resample to, mm; None keeps each case's own.
        crop: "none", "foreground", "lesion" or "centre".
        margin_mm: added on every side of the foreground or lesion box, mm.
        foreground_above: intensity above which a voxel is foreground; needed by crop "foreground".
        crop_mm: size of the centre crop, mm; needed by crop "centre".
        window: `{low, high}` in the cohort's unit, mapped to (-1, 1); or
        percentiles: (low, high) of each case's intensities, mapped to (-1, 1). One of the two.
        fit: "pad_crop" keeps the spacing, "resize" zooms the crop to the shape.
        empty_mask: a case without any lesion voxel: "refuse", "drop" or "keep".
        split_by: "patient" deals patients to a test set and the folds; "site" makes each site a fold.
        test_fraction: part of the cases in the test set; 0 with split_by "site" and with test_cases.
        test_cases: class -> number of its cases in the test set, in place of test_fraction; None: by test_fraction.
        test_surplus: what test patients have beyond test_cases: "keep" takes whole patients, whose counts are then only
            near to test_cases; "drop" leaves it out of the cohort.
        folds: number of cross-validation folds of the rest; with split_by "site" the number of sites.
        limit: class -> number of its cases that are taken at all, or None for all of it; None takes all cases.
        lung: keep the lungs of a chest CT in HU alone, see `LungSettings`; None keeps all. Needs a window.
        clahe: even out the contrast of each case, see `ClaheSettings`; None leaves it.
        augment: altered copies of the development cases, see `AugmentSettings`; None for no copies.
    """

    shape: Sequence[int]
    spacing_mm: Sequence[float] | None = None
    crop: str = "none"
    margin_mm: float = 0.0
    foreground_above: float | None = None
    crop_mm: Sequence[float] | None = None
    window: Mapping[str, float] | None = None
    percentiles: Sequence[float] | None = None
    fit: str = "pad_crop"
    empty_mask: str = "refuse"
    split_by: str = "patient"
    test_fraction: float = 0.2
    test_cases: Mapping[str, int] | None = None
    test_surplus: str = "keep"
    folds: int = 5
    limit: Mapping[str, int | None] | None = None
    lung: Mapping[str, Any] | None = None
    clahe: Mapping[str, Any] | None = None
    augment: Mapping[str, Any] | None = None

    def __post_init__(self) -> None:
        known = {"crop": CROPS, "fit": FITS, "empty_mask": EMPTY_MASKS, "split_by": SPLIT_BY}
        known["test_surplus"] = TEST_SURPLUS
        for key, names in known.items():
            if getattr(self, key) not in names:
                raise ConfigError(f"prepare.{key}: {getattr(self, key)!r} is unknown; there are {', '.join(names)}")
        dims = len(self.shape)
        for key in ("shape", "spacing_mm", "crop_mm"):
            value = getattr(self, key)
            if value is not None and (len(value) != dims or min(value) <= 0):
                raise ConfigError(
                    f"prepare.{key}: expected {dims} positive numbers, one per axis of prepare.shape "
                    f"{list(self.shape)}, but is {list(value)}"
                )
        if (self.window is None) == (self.percentiles is None):
            raise ConfigError("prepare needs one of window and percentiles, and the other null")
        if self.window is not None and not (
            set(self.window) == {"low", "high"} and self.window["low"] < self.window["high"]
        ):
            raise ConfigError(f"prepare.window: expected {{low, high}} with low < high, but is {self.window}")
        if self.percentiles is not None and not (
            len(self.percentiles) == 2 and 0 <= self.percentiles[0] < self.percentiles[1] <= 100
        ):
            raise ConfigError(f"prepare.percentiles: expected [low, high], low < high, but is {self.percentiles}")
        if self.crop == "foreground" and self.foreground_above is None:
            raise ConfigError("prepare.crop is foreground: prepare.foreground_above must say above which intensity")
        if self.crop == "centre" and self.crop_mm is None:
            raise ConfigError("prepare.crop is centre: prepare.crop_mm must say how many mm")
        if not 0 <= self.test_fraction < 1 or self.folds < 2:
            raise ConfigError(
                "prepare.test_fraction must be in [0, 1) and prepare.folds at least 2, "
                f"but they are {self.test_fraction} and {self.folds}"
            )
        self._check_test_set()
        for key in ("limit", "test_cases"):
            counts = getattr(self, key)
            if counts is not None and (not counts or any(count is not None and count < 1 for count in counts.values())):
                raise ConfigError(
                    f"prepare.{key}: expected a number of cases of at least 1 for each class, but is {dict(counts)}; "
                    "set null for none of this"
                )
        if self.lung is not None and self.window is None:
            raise ConfigError("prepare.lung sets all but the lungs to the window's low: it needs prepare.window, in HU")
        _ = self.augmentation, self.lungs, self.contrast

    def _check_test_set(self) -> None:
        """Raise a `ConfigError` unless one key alone tells the test set."""
        if self.test_cases is not None and (self.test_fraction != 0 or self.split_by == "site"):
            raise ConfigError(
                f"prepare.test_cases tells the test set, so prepare.test_fraction must be 0, but is "
                f"{self.test_fraction:g}, and prepare.split_by patient, but is {self.split_by}"
            )
        if self.test_cases is None and self.test_surplus == "drop":
            raise ConfigError(
                "prepare.test_surplus is drop, but prepare.test_cases is null: only beyond numbers is there a surplus. "
                "Set prepare.test_cases, or prepare.test_surplus=keep"
            )
        if self.test_cases is None and (self.test_fraction == 0) != (self.split_by == "site"):
            raise ConfigError(
                f"prepare.test_fraction is {self.test_fraction:g} and prepare.split_by is {self.split_by!r}: split by "
                "patient, a trial needs test cases (0.2 is usual, or class counts in prepare.test_cases); split by "
                "site, each site is judged when it is left out, and prepare.test_fraction must be 0"
            )

    @cached_property
    def augmentation(self) -> AugmentSettings | None:
        """The subtree `augment`, read and checked."""
        return None if self.augment is None else read_augmentation(self.augment, len(self.shape))

    @cached_property
    def lungs(self) -> LungSettings | None:
        """The subtree `lung`, read and checked."""
        return None if self.lung is None else construct(LungSettings, self.lung, "prepare.lung")

    @cached_property
    def contrast(self) -> ClaheSettings | None:
        """The subtree `clahe`, read and checked."""
        return None if self.clahe is None else construct(ClaheSettings, self.clahe, "prepare.clahe")

    def check_unit(self, cohort: str, unit: str) -> None:
        """Raise a ConfigError when the lungs are wanted of images whose values are not HU."""
        if self.lung is not None and unit != "HU":
            raise ConfigError(
                f"prepare.lung finds lungs by their HU, but the cohort {cohort} has values in {unit}: set it to null"
            )

    def check_axes(self, cohort: str, spatial_dims: int) -> None:
        """Raise a ConfigError unless the shape has as many axes as the images of the cohort."""
        if len(self.shape) != spatial_dims:
            raise ConfigError(
                f"prepare.shape {list(self.shape)} has {len(self.shape)} axes, "
                f"but the cohort {cohort} is {spatial_dims}D"
            )
