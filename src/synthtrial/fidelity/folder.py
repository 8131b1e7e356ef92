"""A plain folder of images, with masks or without, as a source of cases."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from synthtrial.cohorts.windowing import apply_window
from synthtrial.errors import CohortError, ConfigError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.folder_checks import check_alike, check_mask, common_header, size_in_words
from synthtrial.fidelity.folder_files import files_by_case, image_folder, mask_folder, masks_by_case
from synthtrial.fidelity.folder_reading import EIGHT_BIT_GREY, RGB, read_header, read_label_values, read_values
from synthtrial.fidelity.folder_values import Intensities, look_through, values_of_masks


class ImageFolder:
    """Images in a folder, or in its subfolder `images/`; with label maps of the same names in `masks/` or `labels/`.

    PNG and JPEG are 2D, NIfTI is 3D, or 2D where one axis has a single voxel. NIfTI axes are put into RAS order.
    All headers are read and checked at once; values are read when they are asked for, one case at a time.

    Args:
        folder: the folder.
        window: intensities (low, high), as stored, that become -1 and 1. None: 0 and 255 for 8-bit pictures, else the
            percentiles 0.5 and 99.5 over all images of the folder.
        masks: False to leave masks aside.
        like: another folder to be compared with: its images must be alike, and its window and labels hold here, too.

    Attributes:
        folder: the same path.
        case_ids: file names without endings, sorted.
        files: the image files, in that order.
        header: of all images: kind, shape, spacing.

    Raises:
        CohortError: for a folder without images, images of several kinds, sizes or spacings, or masks that don't fit.
        ConfigError: for a window that is none.
    """

    def __init__(
        self,
        folder: Path | str,
        *,
        window: tuple[float, float] | None = None,
        masks: bool = True,
        like: ImageFolder | None = None,
    ) -> None:
        self.folder = Path(folder)
        if window is not None and not (np.isfinite(window).all() and window[0] < window[1]):
            raise ConfigError(f"the intensity window must be (low, high) with low below high, not {tuple(window)}")
        self._images = files_by_case(image_folder(self.folder))
        self.case_ids, self.files = tuple(self._images), tuple(self._images.values())
        headers = [read_header(path) for path in self.files]
        self.header = common_header(self.folder, self.files, headers)
        if like is not None:
            check_alike(like.header, like.folder, self.header, self.folder)
        in_folder = mask_folder(self.folder) if masks else None
        self._masks = {} if in_folder is None else masks_by_case(in_folder, self._images)
        for (case_id, path), header in zip(self._images.items(), headers, strict=True):
            if self._masks:
                check_mask(path, header, self._masks[case_id], read_header(self._masks[case_id]))
        self._given_window, self._like = window, like

    def __len__(self) -> int:
        return len(self.case_ids)

    @property
    def cases(self) -> Cases:
        """All cases, each a patient of its own."""
        return Cases(self, self.case_ids)

    @property
    def in_words(self) -> str:
        """Kind and size of the images."""
        return f"{self.header.kind}, {size_in_words(self.header)}"

    @property
    def shape(self) -> tuple[int, ...]:
        """Spatial shape of every image, voxels."""
        return self.header.shape

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """Voxel size, mm, per axis; 1 for pictures."""
        return self.header.spacing_mm

    @property
    def unit(self) -> str:
        """What is known of the unit: that these are the values in the files."""
        return "grey values" if self.header.kind in (EIGHT_BIT_GREY, RGB) else "stored values"

    @property
    def labels(self) -> list[str]:
        """One per value in the masks; none without masks."""
        return [f"label {value}" for value in self.mask_values]

    @cached_property
    def intensities(self) -> Intensities:
        """Where the values of the images lie: the first use reads and checks all of them."""
        return look_through(((path, read_values(path)) for path in self.files), len(self))

    @cached_property
    def mask_values(self) -> tuple[int, ...]:
        """Values in the masks beside 0, of the folder that this one is `like`, or of its own: reads all masks.

        Raises:
            CohortError: for a value that the masks of the other folder lack.
        """
        own = values_of_masks(self._stored_masks())
        if self._like is None:
            return own
        unknown = [value for value in own if value not in self._like.mask_values]
        if unknown:
            raise CohortError(
                f"the masks in {self.folder} hold the value {unknown[0]}, those in {self._like.folder} only "
                f"{', '.join(map(str, (0, *self._like.mask_values)))}: give equal labels equal values in both"
            )
        return self._like.mask_values

    @cached_property
    def intensity_window(self) -> tuple[float, float]:
        """The intensities (low, high) that -1 and 1 stand for, for all cases."""
        if self._given_window is not None:
            return self._given_window
        if self._like is not None:
            return self._like.intensity_window
        if self.header.kind in (EIGHT_BIT_GREY, RGB):
            return 0.0, 255.0
        low, high = self.intensities.pooled
        if low == high:
            raise CohortError(
                f"{self.folder}: 99 % of all voxels have the value {low:g}, so no intensity window can be told from "
                "them: give one"
            )
        return low, high

    def check_values(self) -> None:
        """Read all images and masks once, one at a time, and check their values.

        Raises:
            CohortError: for a broken file, a constant image, NaN, a given window that holds next to nothing, or values
                in a mask that are no labels.
        """
        window, (low, high), _ = self.intensity_window, self.intensities.pooled, self.mask_values
        if self._given_window is not None and low < high and np.ptp(np.clip((low, high), *window)) == 0:
            raise CohortError(
                f"the intensity window {window[0]:g} to {window[1]:g} makes all images in {self.folder} plain: 99 % of "
                f"their values lie between {low:g} and {high:g}. Give another window"
            )

    def window(self, case_id: str) -> tuple[float, float]:
        """The intensity window: the same for all cases."""
        return self.intensity_window

    def image(self, case_id: str) -> np.ndarray:
        """Float32 image `(C, *spatial)` in [-1, 1], clipped to the window."""
        return apply_window(read_values(self._images[case_id]), *self.intensity_window)

    def mask(self, case_id: str) -> np.ndarray:
        """Uint8 label map `(*spatial)`; all zero without masks."""
        result = np.zeros(self.shape, np.uint8)
        if self._masks:
            stored = read_label_values(self._masks[case_id])
            for position, value in enumerate(self.mask_values, start=1):
                result[stored == value] = position
        return result

    def _stored_masks(self) -> Iterator[tuple[Path, np.ndarray]]:
        return ((path, read_label_values(path)) for path in self._masks.values())
