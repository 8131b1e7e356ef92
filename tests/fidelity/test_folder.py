from __future__ import annotations

import tracemalloc
from collections.abc import Callable, Iterator
from pathlib import Path

import nibabel
import numpy as np
import pytest
from PIL import Image

from fidelity.image_folders import write_picture, write_volume
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.folder import ImageFolder
from synthtrial.fidelity.folder_values import look_through

Spoil = Callable[[Path], object]
SHAPE = (6, 7, 8)


def pictures(folder: Path, count: int = 4, shape: tuple[int, ...] = (9, 12), seed: int = 0) -> Path:
    rng = np.random.default_rng(seed)
    for index in range(count):
        write_picture(folder / f"p{index}.png", rng.integers(0, 256, shape, dtype=np.uint8))
    return folder


def volumes(folder: Path, count: int = 4, affine: np.ndarray | None = None) -> Path:
    rng = np.random.default_rng(0)
    for index in range(count):
        mask = np.zeros(SHAPE, np.uint8)
        mask[1:3, 2:4, 2:5] = 1 + index % 2
        write_volume(folder / f"images/v{index}.nii.gz", rng.normal(0, 100, SHAPE).astype(np.float32), affine)
        write_volume(folder / f"masks/v{index}.nii.gz", mask, affine)
    return folder


def test_grey_pictures_keep_their_range(tmp_path: Path) -> None:
    folder = ImageFolder(pictures(tmp_path / "a"))
    assert folder.case_ids == ("p0", "p1", "p2", "p3") and folder.labels == []
    assert (folder.shape, folder.spacing_mm, folder.window("p0")) == ((9, 12), (1, 1), (0, 255))
    stored = np.asarray(Image.open(tmp_path / "a/p1.png"))
    assert folder.image("p1").dtype == np.float32
    assert np.allclose(folder.image("p1"), stored[None] / 127.5 - 1, atol=1e-6)
    assert folder.mask("p1").shape == (9, 12) and not folder.mask("p1").any()


def test_coloured_pictures_have_three_channels_and_opaque_alpha_does_no_harm(tmp_path: Path) -> None:
    folder = pictures(tmp_path / "a", shape=(9, 12, 3))
    colours = np.asarray(Image.open(folder / "p1.png"))
    write_picture(folder / "p1.png", np.dstack([colours, np.full((9, 12), 255, np.uint8)]))
    assert np.allclose(ImageFolder(folder).image("p1"), np.moveaxis(colours, 2, 0) / 127.5 - 1, atol=1e-6)


def test_transparent_pixels_are_refused(tmp_path: Path) -> None:
    write_picture(pictures(tmp_path / "a", shape=(9, 12, 3)) / "p1.png", np.full((9, 12, 4), 7, np.uint8))
    with pytest.raises(SynthtrialError, match=r"p1\.png.*transparent"):
        ImageFolder(tmp_path / "a").image("p1")


def test_pictures_of_16_bits_get_their_window_from_all_images(tmp_path: Path) -> None:
    for index in range(4):
        write_picture(tmp_path / f"p{index}.png", np.linspace(1000, 5000, 10_000, dtype=np.uint16).reshape(100, 100))
    folder = ImageFolder(tmp_path)
    assert folder.window("p0") == pytest.approx((1020, 4980), abs=1)
    assert (folder.image("p0").min(), folder.image("p0").max()) == pytest.approx((-1, 1))


def test_a_photo_that_was_turned_has_the_shape_that_is_seen(tmp_path: Path) -> None:
    photo = Image.fromarray(np.random.default_rng(0).integers(0, 256, (9, 12), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(tmp_path / "a.jpg", exif=exif)
    folder = ImageFolder(tmp_path)
    assert folder.shape == folder.image("a").shape[1:] == (12, 9)


def test_volumes_are_in_ras_order_with_spacing_window_and_masks(tmp_path: Path) -> None:
    affine = np.array([[0, 0, -3.0, 0], [2.0, 0, 0, 0], [0, 1.5, 0, 0], [0, 0, 0, 1]])  # axes: A, S, L
    folder = ImageFolder(volumes(tmp_path / "a", affine=affine), window=(-200, 200))
    assert (folder.shape, folder.spacing_mm, folder.labels) == ((8, 6, 7), (3, 2, 1.5), ["label 1", "label 2"])
    stored = np.asarray(nibabel.load(tmp_path / "a/images/v1.nii.gz").dataobj)
    expected = np.clip(stored / 200, -1, 1).transpose(2, 0, 1)[::-1]
    assert np.allclose(folder.image("v1"), expected[None], atol=1e-6)
    mask = np.asarray(nibabel.load(tmp_path / "a/masks/v1.nii.gz").dataobj).transpose(2, 0, 1)[::-1]
    assert mask.max() == 2 and (folder.mask("v1") == mask).all()


def test_scaled_and_uncompressed_volumes_are_read_in_their_own_unit(tmp_path: Path) -> None:
    image = nibabel.Nifti1Image(np.arange(np.prod(SHAPE), dtype=np.int16).reshape(SHAPE), np.eye(4))
    image.header.set_slope_inter(2, -100)
    nibabel.save(image, tmp_path / "a.nii")
    low, high = ImageFolder(tmp_path).intensity_window
    assert (low, high) == pytest.approx((2 * 0.005 * 335 - 100, 2 * 0.995 * 335 - 100))


@pytest.mark.parametrize("shape", [(9, 12, 1), (9, 1, 12), (1, 9, 12), (9, 12)])
def test_slices_in_nifti_are_2d(shape: tuple[int, ...], tmp_path: Path) -> None:
    write_volume(tmp_path / "a.nii", np.arange(108.0, dtype=np.float32).reshape(shape), np.diag([2, 3, 4, 1.0]))
    folder = ImageFolder(tmp_path)
    assert folder.shape == folder.image("a").shape[1:] == (9, 12)
    assert folder.spacing_mm == tuple(mm for mm, n in zip((2, 3, 4), (*shape, 1), strict=False) if n > 1)


def test_channels_are_the_fourth_axis(tmp_path: Path) -> None:
    stored = np.random.default_rng(0).normal(size=(*SHAPE, 2)).astype(np.float32)
    write_volume(tmp_path / "a.nii.gz", stored)
    folder = ImageFolder(tmp_path, window=(-9, 9))
    assert np.allclose(folder.image("a"), np.moveaxis(stored, 3, 0) / 9, atol=1e-6)


def test_the_order_in_which_files_were_written_is_no_matter(tmp_path: Path) -> None:
    pictures(tmp_path / "a")
    for name in ("p3", "p0", "p2", "p1"):
        (tmp_path / "b").mkdir(exist_ok=True)
        (tmp_path / f"b/{name}.png").write_bytes((tmp_path / f"a/{name}.png").read_bytes())
    first, second = (list(ImageFolder(tmp_path / name).cases.images()) for name in "ab")
    assert np.array_equal(first, second)


def test_a_folder_like_another_takes_its_window_and_labels(tmp_path: Path) -> None:
    real = ImageFolder(volumes(tmp_path / "real"))
    write_volume(volumes(tmp_path / "synthetic") / "images/v0.nii.gz", np.full(SHAPE, 1e6) + np.eye(7, 8))
    for index in range(4):
        mask = np.asarray(nibabel.load(tmp_path / f"real/masks/v{index}.nii.gz").dataobj)
        write_volume(tmp_path / f"synthetic/masks/v{index}.nii.gz", 2 * (mask > 0).astype(np.float32))
    synthetic = ImageFolder(tmp_path / "synthetic", like=real)
    assert synthetic.intensity_window == real.intensity_window
    assert synthetic.labels == ["label 1", "label 2"]
    assert set(np.unique(synthetic.mask("v0"))) == {0, 2}


def test_one_image_is_in_memory_at_a_time(tmp_path: Path) -> None:
    count, shape = 20, (40, 40, 40)
    for index in range(count):
        write_volume(
            tmp_path / f"v{index:02d}.nii.gz", np.random.default_rng(index).normal(size=shape).astype(np.float32)
        )
    folder = ImageFolder(tmp_path)
    one_image = 4 * np.prod(shape)
    tracemalloc.start()
    try:
        folder.check_values()
        kept_as_sample = count * one_image
        assert tracemalloc.get_traced_memory()[1] < kept_as_sample + 8 * one_image
        tracemalloc.reset_peak()
        assert sum(image.size for image in folder.cases.images()) == count * np.prod(shape)
        assert tracemalloc.get_traced_memory()[1] < 8 * one_image
    finally:
        tracemalloc.stop()


def test_percentiles_of_many_images_come_from_a_sample_of_each() -> None:
    def images() -> Iterator[tuple[Path, np.ndarray]]:
        for index in range(3000):  # 1,333 voxels each
            yield Path("a"), ramp + 1000 * (index % 2)

    ramp = np.linspace(0, 1000, 4000, dtype=np.float32).reshape(1, 20, 20, 10)
    found = look_through(images(), count=3000)
    assert found.pooled == pytest.approx((10, 1990), abs=2)
    assert found.of_case[1] == pytest.approx((1005, 1995), abs=2)


def constant(path: Path) -> None:
    write_volume(path / "images/v1.nii.gz", np.full(SHAPE, 3, np.float32))


def with_nan(path: Path) -> None:
    values = np.random.default_rng(0).normal(size=SHAPE)
    values[0, :2, 0] = np.nan, np.inf
    write_volume(path / "images/v1.nii.gz", values)


def cut_off(path: Path) -> None:
    file = path / "images/v1.nii.gz"
    file.write_bytes(file.read_bytes()[:-200])


def smooth_mask(path: Path) -> None:
    write_volume(path / "masks/v1.nii.gz", np.linspace(0, 1, np.prod(SHAPE)).reshape(SHAPE))


def shifted_mask(path: Path) -> None:
    affine = np.eye(4)
    affine[0, 3] = 1
    write_volume(path / "masks/v1.nii.gz", np.zeros(SHAPE, np.uint8), affine)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: write_volume(path / "images/v1.nii.gz", np.zeros((6, 7, 9))), r"v1.nii.gz has 6 x 7 x 9 voxels"),
        (
            lambda path: write_volume(path / "images/v1.nii.gz", np.ones(SHAPE), np.diag([1, 1, 1.1, 1])),
            r"v1.nii.gz has 6 x 7 x 8 voxels of 1 x 1 x 1.1 mm, 4 of 4 have 6 x 7 x 8 voxels of 1 x 1 x 1 mm",
        ),
        (lambda path: write_picture(path / "images/v9.png", np.eye(9, dtype=np.uint8)), "v9.png is one of 8-bit grey"),
        (lambda path: write_volume(path / "images/v1.nii", np.ones(SHAPE)), "would be one case"),
        (lambda path: (path / "images/v1.nii.gz").write_bytes(b""), r"v1.nii.gz: not a whole image file"),
        (cut_off, r"v1.nii.gz: not a whole image file"),
        (with_nan, r"v1.nii.gz: 2 of 336 voxels are NaN or infinite"),
        (constant, r"v1.nii.gz: the image is constant: all values are 3"),
        (lambda path: (path / "masks/v1.nii.gz").unlink(), r"1 image\(s\) have no mask of the same name: .*v1.nii.gz"),
        (lambda path: (path / "images/v1.nii.gz").unlink(), r"1 mask\(s\) have no image of the same name: .*v1.nii.gz"),
        (lambda path: write_volume(path / "masks/v1.nii.gz", np.zeros((6, 7, 9))), "have different grids"),
        (shifted_mask, "lie up to 1.00 mm apart in space"),
        (smooth_mask, r"masks/v1.nii.gz: a mask holds whole numbers from 0"),
        (
            lambda path: write_volume(path / "masks/v1.nii.gz", np.arange(336, dtype=np.int16).reshape(SHAPE)),
            "more than 32 values",
        ),
    ],
)
def test_a_spoilt_folder_is_refused_by_the_name_of_its_file(spoil: Spoil, message: str, tmp_path: Path) -> None:
    volumes(tmp_path / "a")
    spoil(tmp_path / "a")
    with pytest.raises(SynthtrialError, match=message):
        ImageFolder(tmp_path / "a").check_values()


def one_rgb(path: Path) -> None:
    write_picture(path / "p1.png", np.random.default_rng(0).integers(0, 256, (9, 12, 3), dtype=np.uint8))


def cut_picture(path: Path) -> None:
    (path / "p1.png").write_bytes((path / "p1.png").read_bytes()[:100])


def coloured_masks(path: Path) -> None:
    for index in range(4):
        write_picture(path / f"masks/p{index}.png", np.zeros((9, 12, 3), np.uint8))


def lossy_masks(path: Path) -> None:
    for index in range(4):
        write_picture(path / f"masks/p{index}.jpg", np.zeros((9, 12), np.uint8))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (one_rgb, "p1.png is one of 8-bit RGB pictures, 3 of 4 are 8-bit grey pictures"),
        (cut_picture, "p1.png: not a whole"),
        (lambda path: write_picture(path / "p1.png", np.zeros((9, 12), np.uint8)), "p1.png: the image is constant"),
        (coloured_masks, "masks/p0.png: a mask has one value per pixel"),
        (lossy_masks, "masks/p0.jpg: JPEG changes values"),
    ],
)
def test_a_spoilt_folder_of_pictures_is_refused(spoil: Spoil, message: str, tmp_path: Path) -> None:
    pictures(tmp_path / "a")
    spoil(tmp_path / "a")
    with pytest.raises(SynthtrialError, match=message):
        ImageFolder(tmp_path / "a").check_values()


def test_a_folder_without_images_says_what_it_holds(tmp_path: Path) -> None:
    with pytest.raises(SynthtrialError, match="does not exist: expected a folder of images"):
        ImageFolder(tmp_path / "nowhere")
    with pytest.raises(SynthtrialError, match=r"no image in .* \(it is empty\): expected files that end in .png"):
        ImageFolder(tmp_path)
    (tmp_path / "scan.dcm").write_bytes(b"")
    (tmp_path / "more").mkdir()
    with pytest.raises(SynthtrialError, match=r"it holds more/, scan.dcm\)"):
        ImageFolder(tmp_path)
    with pytest.raises(SynthtrialError, match=r"scan.dcm is a file"):
        ImageFolder(tmp_path / "scan.dcm")


def test_masks_with_values_that_the_real_ones_lack_are_refused(tmp_path: Path) -> None:
    real = ImageFolder(volumes(tmp_path / "real"))
    write_volume(volumes(tmp_path / "synthetic") / "masks/v0.nii.gz", np.full(SHAPE, 255, np.uint8))
    with pytest.raises(SynthtrialError, match="hold the value 255, those in .* only 0, 1, 2"):
        ImageFolder(tmp_path / "synthetic", like=real).check_values()


@pytest.mark.parametrize("window", [(5, 5), (5, 1), (0, np.nan)])
def test_a_window_that_is_none_is_refused(window: tuple[float, float], tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="low below high"):
        ImageFolder(pictures(tmp_path / "a"), window=window)
