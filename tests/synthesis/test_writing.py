from __future__ import annotations

import hashlib
from pathlib import Path

import nibabel
import numpy as np
import pytest

from synthtrial.cohorts.synthetic import read_image, read_mask
from synthtrial.errors import SynthtrialError
from synthtrial.synthesis.decoding import SyntheticCase
from synthtrial.synthesis.writing import CaseWriter


def random_case(*shape: int, channels: int = 1) -> SyntheticCase:
    rng = np.random.default_rng(1)
    image = rng.uniform(-1, 1, (channels, *shape)).astype(np.float32)
    image.flat[:2] = -1, 1
    return SyntheticCase(image, rng.integers(0, 3, shape).astype(np.uint8), "")


def writer(folder: Path, spacing_mm: tuple[float, ...]) -> CaseWriter:
    folder.mkdir()
    return CaseWriter(folder, window=(-1000.0, 600.0), spacing_mm=spacing_mm)


@pytest.mark.parametrize("channels", [1, 2])
def test_volumes_come_back_within_rounding(tmp_path: Path, channels: int) -> None:
    case = random_case(5, 6, 7, channels=channels)
    written = writer(tmp_path / "a", (1.0, 1.0, 2.0)).write("x", case)
    assert written.image == "images/x.nii" and written.mask == "masks/x.nii"
    image = read_image(tmp_path / "a" / written.image)
    assert image.shape == case.image.shape and image.dtype == np.float32
    assert np.abs(image - case.image).max() <= 0.5 / 32767 + 1e-7
    assert (read_mask(tmp_path / "a" / written.mask) == case.mask).all()


def test_viewers_see_the_unit_and_the_spacing(tmp_path: Path) -> None:
    case = random_case(5, 6, 7)
    written = writer(tmp_path / "a", (1.0, 1.5, 2.0)).write("x", case)
    shown = nibabel.load(tmp_path / "a" / written.image)
    assert shown.header.get_zooms() == (1.0, 1.5, 2.0)
    assert np.abs(shown.get_fdata() - (-200 + 800 * case.image[0])).max() < 0.02
    assert isinstance(shown.dataobj.get_unscaled(), np.memmap)
    assert set(np.unique(nibabel.load(tmp_path / "a" / written.mask).get_fdata())) == {0, 1, 2}


@pytest.mark.parametrize("channels", [1, 3])
def test_pictures_come_back_within_rounding(tmp_path: Path, channels: int) -> None:
    case = random_case(5, 6, channels=channels)
    written = writer(tmp_path / "a", (1.0, 1.0)).write("x", case)
    image = read_image(tmp_path / "a" / written.image)
    assert image.shape == case.image.shape
    assert np.abs(image - case.image).max() <= 0.5 / 127.5 + 1e-6
    assert (read_mask(tmp_path / "a" / written.mask) == case.mask).all()


def test_two_channels_do_not_fit_a_png(tmp_path: Path) -> None:
    with pytest.raises(SynthtrialError, match="2 channels"):
        writer(tmp_path / "a", (1.0, 1.0)).write("x", random_case(5, 6, channels=2))


@pytest.mark.parametrize("shape", [(5, 6), (5, 6, 7)])
def test_equal_cases_give_equal_bytes(tmp_path: Path, shape: tuple[int, ...]) -> None:
    spacing = (1.0,) * len(shape)
    first = writer(tmp_path / "a", spacing).write("x", random_case(*shape))
    second = writer(tmp_path / "b", spacing).write("x", random_case(*shape))
    assert first == second
    content = (tmp_path / "b" / second.image).read_bytes()
    assert content == (tmp_path / "a" / first.image).read_bytes()
    assert hashlib.sha256(content).hexdigest() == first.image_sha256
