"""Masks for a generator that makes images to masks: of real cases, deformed ones, or the user's own."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import CohortError, ConfigError
from synthtrial.synthesis.deformation import deformed

ENDINGS = (".nii", ".nii.gz", ".npy", ".png")
"""Endings of the label maps that a folder may hold."""
MASKS_TRIED = 20
"""Masks that are tried before deforming is given up."""


class MaskSource:
    """Draw label maps, each with the name of the case or the file that it comes from.

    Args:
        kind_or_folder: `real` for masks of seen cases as they are, `deformed` for such masks moved and bent (see
            `deformation.deformed`), or a folder of label maps (`*.nii`, `*.nii.gz`, `*.npy`, `*.png`) on the cohort's
            prepared grid.
        cohort: the prepared cohort.
        case_ids: the cases that the generator has seen; no mask of another is ever given out. Those without a lesion
            are left out.

    Raises:
        ConfigError: for a folder that doesn't exist, and a cohort or a folder without masks.
        CohortError: for a file in the folder that is no label map of the cohort's shape and labels.
    """

    def __init__(self, kind_or_folder: str, cohort: PreparedCohort, case_ids: list[str]) -> None:
        self.cohort = cohort
        if not cohort.labels:
            raise ConfigError(f"masks: cohort {cohort.facts['name']!r} has no mask labels")
        self._change: Callable[[np.ndarray, np.random.Generator], np.ndarray | None] = unchanged
        if kind_or_folder in ("real", "deformed"):
            self.names = [case_id for case_id in case_ids if cohort.mask(case_id).any()]
            self._read: Callable[[str], np.ndarray] = cohort.mask
            if not self.names:
                raise ConfigError(f"masks: none of the {len(case_ids)} cases that the generator has seen has a lesion")
            if kind_or_folder == "deformed":
                self._change = partial(deformed, spacing_mm=tuple(cohort.facts["spacing_mm"]))
        else:
            self.folder = Path(kind_or_folder)
            self.names = label_map_files(self.folder)
            self._read = self._read_file
            for name in self.names:
                self._read(name)  # so that a wrong file is told before anything is drawn

    def __call__(self, rng: np.random.Generator) -> tuple[np.ndarray, str]:
        """Draw a label map, uint8 `(*shape)`, and the name of its case or file.

        Raises:
            CohortError: when none of many masks can be deformed without losing a label.
        """
        for _ in range(MASKS_TRIED):
            name = self.names[rng.integers(len(self.names))]
            label_map = self._change(np.array(self._read(name)), rng)
            if label_map is not None:
                return label_map, name
        raise CohortError(
            f"masks: of {MASKS_TRIED} masks none could be deformed without losing a label: they are too small; "
            "set synthesis.masks=real"
        )

    def _read_file(self, name: str) -> np.ndarray:
        return read_label_map(self.folder / name, self.cohort.shape, self.cohort.labels)


def unchanged(label_map: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """The label map as it is."""
    return label_map


def label_map_files(folder: Path) -> list[str]:
    """Names of the label maps in a folder, sorted.

    Raises:
        ConfigError: when there is no such folder, or none in it.
    """
    if not folder.is_dir():
        raise ConfigError(f"masks: {str(folder)!r} is no folder; give real, deformed, or a folder of label maps")
    names = sorted(path.name for path in folder.iterdir() if path.name.endswith(ENDINGS))
    if not names:
        raise ConfigError(f"masks: no label map in {folder}: files must end in {', '.join(ENDINGS)}")
    return names


def read_label_map(path: Path, shape: tuple[int, ...], labels: list[str]) -> np.ndarray:
    """Read a label map as uint8 `(*shape)`; NIfTI is turned to the axes of the prepared grid, RAS.

    Raises:
        CohortError: when the file can't be read, has another shape, or holds values that are no labels.
    """
    values = _read_values(path)
    while values.ndim > len(shape) and values.shape[-1] == 1:
        values = values[..., 0]
    if values.shape != shape:
        raise CohortError(
            f"{path}: its shape is {_text(values.shape)}, but the prepared cohort's is {_text(shape)}: "
            "resample the mask to the prepared grid"
        )
    known = f"0 (background) to {len(labels)} ({', '.join(labels)})"
    if not np.isin(values, range(len(labels) + 1)).all():
        raise CohortError(f"{path}: a label map must hold {known}, but it holds {_some_others(values, len(labels))}")
    return values.astype(np.uint8)


def _read_values(path: Path) -> np.ndarray:
    """The numbers in a file."""
    import nibabel
    from nibabel.filebasedimages import ImageFileError
    from PIL import Image

    try:
        if path.suffix == ".npy":
            return np.load(path)
        if path.suffix == ".png":
            with Image.open(path) as picture:
                return np.array(picture)
        return np.asanyarray(nibabel.as_closest_canonical(nibabel.load(path)).dataobj)  # type: ignore[arg-type]
    except (OSError, EOFError, ValueError, SyntaxError, ImageFileError) as error:
        raise CohortError(f"{path}: not a whole label map ({error})") from error


def _some_others(values: np.ndarray, highest: int) -> str:
    """A few of the values that are no labels, for a message."""
    found = np.unique(values)
    others = found[~np.isin(found, range(highest + 1))]
    return ", ".join(f"{value:g}" for value in others[:3]) + (", ..." if len(others) > 3 else "")


def _text(shape: tuple[int, ...]) -> str:
    return "x".join(map(str, shape))
