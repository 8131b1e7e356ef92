"""Writing synthetic cases: NIfTI in 3D, PNG in 2D. The same arrays give the same bytes."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from synthtrial.cohorts.prepared import INT16_SCALE
from synthtrial.cohorts.synthetic import PNG_HALF_SCALE
from synthtrial.errors import SynthtrialError
from synthtrial.synthesis.decoding import SyntheticCase


@dataclass(frozen=True)
class WrittenCase:
    """Where the files of a case lie, relative to the cohort's folder, and their hashes; empty where there is none."""

    image: str = ""
    mask: str = ""
    image_sha256: str = ""
    mask_sha256: str = ""


class CaseWriter:
    """Write cases into `images/` and `masks/` of a folder.

    3D images are stored as int16 `round(x * 32767)`, with the slope and intercept that make a viewer show the
    cohort's unit (HU); they are not compressed, so that reading can map them into memory. 2D images are uint8.

    Args:
        folder: an existing folder.
        window: intensities (low, high) in the cohort's unit that -1 and 1 stand for.
        spacing_mm: voxel size of the prepared grid, mm; one number per axis.
    """

    def __init__(self, folder: Path, *, window: tuple[float, float], spacing_mm: tuple[float, ...]) -> None:
        self.folder = folder
        self.window = window
        self.spacing_mm = spacing_mm
        self.suffix = ".nii" if len(spacing_mm) == 3 else ".png"
        for name in ("images", "masks"):
            (folder / name).mkdir(exist_ok=True)

    def write(self, case_id: str, case: SyntheticCase) -> WrittenCase:
        """Write one case and return its relative paths and hashes."""
        image, image_sha256 = self._write("images", case_id, self._image_bytes(case.image))
        if case.mask is None:
            return WrittenCase(image, "", image_sha256, "")
        mask, mask_sha256 = self._write("masks", case_id, self._mask_bytes(case.mask))
        return WrittenCase(image, mask, image_sha256, mask_sha256)

    def remove(self, written: WrittenCase) -> None:
        """Remove the files of a case again."""
        for name in filter(None, (written.image, written.mask)):
            (self.folder / name).unlink()

    def _write(self, kind: str, case_id: str, content: bytes) -> tuple[str, str]:
        name = f"{kind}/{case_id}{self.suffix}"
        (self.folder / name).write_bytes(content)
        return name, hashlib.sha256(content).hexdigest()

    def _image_bytes(self, image: np.ndarray) -> bytes:
        if self.suffix == ".png":
            return png_bytes(np.round((image + 1) * PNG_HALF_SCALE).astype(np.uint8))
        voxels = np.round(image * INT16_SCALE).astype(np.int16)
        low, high = self.window
        return self._nifti_bytes(
            voxels[0] if len(voxels) == 1 else np.moveaxis(voxels, 0, -1),
            slope=(high - low) / 2 / INT16_SCALE,
            intercept=(high + low) / 2,
        )

    def _mask_bytes(self, mask: np.ndarray) -> bytes:
        return png_bytes(mask[None]) if self.suffix == ".png" else self._nifti_bytes(mask)

    def _nifti_bytes(self, voxels: np.ndarray, slope: float = 1.0, intercept: float = 0.0) -> bytes:
        import nibabel

        image = nibabel.Nifti1Image(voxels, np.diag([*self.spacing_mm, 1.0]))
        image.header.set_xyzt_units("mm")
        image.header.set_slope_inter(slope, intercept)
        return image.to_bytes()


def png_bytes(pixels: np.ndarray) -> bytes:
    """Encode uint8 `(C, rows, columns)`, grey or RGB, as PNG.

    Raises:
        SynthtrialError: for another number of channels, which PNG can't hold.
    """
    from PIL import Image

    if len(pixels) not in (1, 3):
        raise SynthtrialError(f"a 2D image of {len(pixels)} channels can't be written as PNG: 1 (grey) or 3 (RGB) can")
    buffer = io.BytesIO()
    Image.fromarray(pixels[0] if len(pixels) == 1 else pixels.transpose(1, 2, 0)).save(buffer, format="PNG")
    return buffer.getvalue()
