from __future__ import annotations

import json
import re
import shutil
import tracemalloc
from collections.abc import Callable
from dataclasses import replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from rich.console import Console

from fidelity.image_folders import write_picture, write_pictures, write_volume, write_volumes
from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.compare import OFFLINE_FEATURES, compare_folders
from synthtrial.fidelity.comparison import Comparison, in_plain_words, place, told_apart
from synthtrial.fidelity.folder_warnings import same_files
from synthtrial.fidelity.measured import Measured
from synthtrial.fidelity.table import grouped, number, print_comparison, write_comparison
from synthtrial.params import target_of

SMALL = {"_target_": OFFLINE_FEATURES["random_conv"], "filters": 4, "levels": 2}
PER_VIEW = ["frechet", "kernel", "mmd", "precision", "recall", "density", "coverage", "two_sample"]


class Moments:
    """An extractor that costs nothing: mean and standard deviation."""

    name = "moments"

    def __init__(self, spatial_dims: int) -> None:
        self.spatial_dims = spatial_dims

    def __call__(self, images: np.ndarray) -> np.ndarray:
        axes = tuple(range(1, images.ndim))
        return np.stack([images.mean(axes), images.std(axes)], axis=1).astype(np.float64)


def compare(real: Path, synthetic: Path, **settings) -> Comparison:
    moments = Moments(3 if (real / "images").is_dir() else 2)
    quick = {"features": [moments], "repeats": 3, "pairs": 6, "copy_rate": None}
    return compare_folders(real, synthetic, **{**quick, **settings})


def shown(comparison: Comparison) -> str:
    console = Console(width=100, highlight=False, file=StringIO())
    print_comparison(comparison, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


def names(comparison: Comparison) -> list[str]:
    return [name.partition("/")[0] for name in comparison.measurements]


@pytest.mark.parametrize("shape", [(16, 18), (16, 18, 3)], ids=["grey", "RGB"])
def test_blurred_pictures_are_told_from_sharp_ones_and_equals_are_not(shape: tuple[int, ...], tmp_path: Path) -> None:
    real = write_pictures(tmp_path / "real", shape=shape)
    alike = compare(real, write_pictures(tmp_path / "alike", seed=1, shape=shape), features=[SMALL])
    blurred = compare(real, write_pictures(tmp_path / "blurred", seed=1, blur=1, shape=shape), features=[SMALL])
    assert names(alike) == [*PER_VIEW, "ms_ssim"]
    assert (alike.n_real, alike.n_synthetic, alike.window, alike.warnings) == (12, 12, (0, 255), ())
    assert (
        blurred.measurements["frechet/random_conv_n6"].value > 10 * alike.measurements["frechet/random_conv_n6"].value
    )
    assert told_apart(blurred.measurements["frechet/random_conv_n6"])
    assert not told_apart(alike.measurements["frechet/random_conv_n6"])
    assert blurred.lesions is None and not blurred.copies


def test_volumes_with_masks_have_all_views_and_lesions(tmp_path: Path) -> None:
    result = compare(write_volumes(tmp_path / "real"), write_volumes(tmp_path / "synthetic", seed=1), copy_rate=0.01)
    expected = [f"{metric}{view}" for view in ("", "_mask", "_pair") for metric in PER_VIEW]
    assert names(result) == [*expected, "ms_ssim", "copies", "copies"]
    assert result.labels == ("label 1",) and result.images == "NIfTI volumes, 12 x 13 x 14 voxels of 1 x 1 x 1 mm"
    assert result.lesions is not None and (result.lesions["verdict"] == "alike").all()


def test_the_window_of_the_real_images_holds_for_both(tmp_path: Path) -> None:
    real, synthetic = write_volumes(tmp_path / "real"), write_volumes(tmp_path / "synthetic", seed=1)
    derived = compare(real, synthetic)
    shutil.copytree(synthetic, tmp_path / "other")
    write_volume(tmp_path / "other/images/v00.nii.gz", np.random.default_rng(0).normal(0, 1e6, (12, 13, 14)))
    assert compare(real, tmp_path / "other").window == derived.window
    given = compare(real, synthetic, window=(-500, 500))
    assert given.window == (-500, 500)
    assert given.measurements != derived.measurements


def test_the_same_seed_gives_the_same_numbers_whatever_else_is_measured(tmp_path: Path) -> None:
    real, synthetic = write_pictures(tmp_path / "real"), write_pictures(tmp_path / "synthetic", seed=1)
    first, again = compare(real, synthetic), compare(real, synthetic, features=[SMALL, Moments(2)])
    assert compare(real, synthetic, seed=1).measurements != first.measurements
    assert first.measurements.items() <= again.measurements.items()
    assert "frechet/random_conv_n6" in again.measurements


def test_copies_of_real_images_are_found_and_named(tmp_path: Path) -> None:
    real = write_pictures(tmp_path / "real", blur=1)
    synthetic = write_pictures(tmp_path / "synthetic", seed=1, blur=1)
    noise = np.random.default_rng(0).integers(-1, 2, (16, 18))
    copied = np.clip(np.asarray(Image.open(real / "p07.png")).astype(int) + noise, 0, 255)
    write_picture(synthetic / "p03.png", copied.astype(np.uint8))
    found = compare(real, synthetic, copy_rate=0.01)
    assert next(iter(found.copies.items())) == ("p03", "p07")
    assert "look like copies of real ones, the closest is p03 of p07" in " ".join(in_plain_words(found))
    assert compare(real, synthetic).audit is None


def test_json_and_table_hold_the_same_metrics(tmp_path: Path) -> None:
    result = compare(write_volumes(tmp_path / "real"), write_volumes(tmp_path / "synthetic", seed=1))
    write_comparison(result, tmp_path / "result.json")
    content = json.loads((tmp_path / "result.json").read_text())
    for part in ("metrics", "interval", "floor", "ceiling", "better"):
        assert list(content[part]) == list(result.measurements)
    assert content["metrics"] == {name: one.value for name, one in result.measurements.items()}
    assert (content["n_real"], content["n_synthetic"], content["window"]) == (12, 12, list(result.window))
    assert content["versions"]["numpy"] == np.__version__
    assert [row["property"] for row in content["lesions"]] == list(result.lesions["property"])  # type: ignore[index]
    rows = {line.split()[0]: line for line in shown(result).splitlines() if line.strip()}
    for name, one in result.measurements.items():
        assert number(one.value) in rows[name.partition("/")[0]]
    assert "moments_n6" in shown(result)


def test_the_table_keeps_to_100_columns_and_cuts_no_number(tmp_path: Path) -> None:
    result = compare(write_volumes(tmp_path / "[real]"), write_volumes(tmp_path / "synthetic", seed=1))
    text = shown(result)
    assert max(map(len, text.splitlines())) <= 100
    assert "…" not in text and "[real]" in text


def test_metrics_that_can_not_be_had_are_listed_with_the_reason(tmp_path: Path) -> None:
    real = write_pictures(tmp_path / "real", count=5, shape=(9, 9))
    result = compare(real, write_pictures(tmp_path / "synthetic", count=5, seed=1, shape=(9, 9)))
    assert names(result)[:3] == ["frechet", "kernel", "mmd"]
    assert result.left_out["density/moments"] == "needs 12 real and 12 synthetic cases, here are 5 and 5"
    assert "window of 11 voxels" in result.left_out["ms_ssim/pixels"]
    text = " ".join(shown(result).split())
    assert "left out: precision/moments, recall/moments: needs 8 real and 8" in text
    assert grouped({"a": "x", "b": "y", "c": "x"}) == [("a, c", "x"), ("b", "y")]


def test_masks_that_are_all_the_same_cost_one_metric_and_not_the_comparison(tmp_path: Path) -> None:
    real, synthetic = write_pictures(tmp_path / "real"), write_pictures(tmp_path / "synthetic", seed=1)
    for folder in (real, synthetic):
        with_masks(folder)
    result = compare(real, synthetic)
    assert "most of the 6 real cases have equal features" in result.left_out["mmd_mask/moments"]
    assert {"mmd/moments_n6", "frechet_mask/moments_n6"} <= set(result.measurements)


def test_images_are_streamed(tmp_path: Path) -> None:
    count, shape = 16, (32, 32, 32)
    for kind in ("real", "synthetic"):
        for index in range(count):
            rng = np.random.default_rng([index, kind == "real"])
            write_volume(tmp_path / kind / f"v{index:02d}.nii.gz", rng.normal(size=shape).astype(np.float32))
    settings = {"features": [Moments(3)], "batch_size": 2, "pairs": 1}
    compare(tmp_path / "real", tmp_path / "synthetic", **settings)  # imports all it needs
    tracemalloc.start()
    try:
        compare(tmp_path / "real", tmp_path / "synthetic", **settings, window=(-3, 3))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    one_image = 4 * np.prod(shape)
    kept_as_sample = count * one_image
    assert peak < kept_as_sample + 8 * one_image


@pytest.mark.parametrize(
    ("measured", "apart", "where"),
    [
        (Measured(4, 2, 6, floor=1, ceiling=16, better="lower"), True, 1 / 3),
        (Measured(4, 2, 6, floor=3, ceiling=16, better="lower"), False, None),
        (Measured(-1, -2, 0, floor=0.1, ceiling=16, better="lower"), False, 0),
        (Measured(0.6, 0.5, 0.7, floor=0.8, ceiling=0, better="higher"), True, 0.25),
        (Measured(0.9, 0.85, 1, floor=0.8, ceiling=0, better="higher"), False, 0),
        (Measured(0.3, 0.2, 0.4, floor=0.1, ceiling=None, better="like real"), True, None),
        (Measured(0.3, 0.2, 0.4, floor=0.5, ceiling=None, better="like real"), True, None),
        (Measured(0.3, 0.2, 0.4, floor=None, ceiling=1, better="lower"), None, None),
        (Measured(4, 2, 6, floor=3, ceiling=2, better="lower"), False, None),
        (Measured(0.5, 0.4, 0.6, floor=0.5, ceiling=0.7, better="higher"), False, None),
    ],
)
def test_where_a_value_lies(measured: Measured, apart: bool | None, where: float | None) -> None:
    assert told_apart(measured) is apart
    if where is not None or measured.ceiling != 16:
        assert place(measured, measured.value) == (None if where is None else pytest.approx(where))


def test_few_metrics_of_many_may_be_chance(tmp_path: Path) -> None:
    result = compare(write_pictures(tmp_path / "real"), write_pictures(tmp_path / "synthetic", seed=1))
    far = Measured(9, 8, 10, floor=1, ceiling=16, better="lower")
    near = Measured(1, 0.5, 2, floor=1, ceiling=16, better="lower")
    for count, words in ((0, "None of 40"), (2, "Chance alone"), (9, "no proof"), (40, "most clearly far0.")):
        measurements = {f"far{k}/x_n1": far for k in range(count)} | {f"near{k}/x_n1": near for k in range(40 - count)}
        assert words in in_plain_words(replace(result, measurements=measurements))[0]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (3.14159, "3.14"),
        (100.0, "100"),
        (-1196.4, "−1,196"),
        (999.6, "1,000"),
        (1.2e6, "1.2e+06"),
        (0.0, "0"),
        (-0.00123, "−0.00123"),
        (2.5e-7, "2.5e−07"),
        (None, ""),
    ],
)
def test_numbers_have_three_digits(value: float | None, text: str) -> None:
    assert number(value) == text


def in_jpeg(folder: Path) -> None:
    for path in folder.iterdir():
        Image.open(path).save(path.with_suffix(".jpg"))
        path.unlink()


def dark(folder: Path) -> None:
    for path in folder.iterdir():
        write_picture(path, np.asarray(Image.open(path)) // 64)


def with_masks(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        write_picture(folder / "masks" / path.name, np.eye(16, 18, dtype=np.uint8))


@pytest.mark.parametrize(
    ("change", "warning"),
    [
        (
            lambda folder: shutil.copy(folder.parent / "real/p05.png", folder / "p01.png"),
            "1 of 12 synthetic files equal",
        ),
        (in_jpeg, "only one set is in JPEG"),
        (dark, "12 of 12 images in .*synthetic use less than 5% of the intensity window 0 to 255, such as p00.png"),
        (with_masks, "only .*synthetic has masks: images alone are compared"),
    ],
)
def test_what_changes_the_numbers_is_told(change: Callable[[Path], object], warning: str, tmp_path: Path) -> None:
    real, synthetic = write_pictures(tmp_path / "real"), write_pictures(tmp_path / "synthetic", seed=1)
    change(synthetic)
    result = compare(real, synthetic)
    assert len(result.warnings) == 1
    assert re.search(warning, result.warnings[0])
    assert "".join(result.warnings[0].split())[:40] in "".join(shown(result).split())  # a console breaks lines


def test_a_folder_may_be_compared_with_itself(tmp_path: Path) -> None:
    real = write_pictures(tmp_path / "real")
    result = compare(real, tmp_path / "real/../real")
    assert "both folders are the same" in result.warnings[0]
    assert same_files(sorted(real.iterdir()), sorted(real.iterdir())) == sorted(real.iterdir())


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (lambda folder: None, "synthetic does not exist: expected a folder of images"),
        (lambda folder: folder.mkdir(), r"no image in .*synthetic \(it is empty\)"),
        (
            lambda folder: write_pictures(folder, shape=(16, 17)),
            "images in .*real have 16 x 18 pixels, those in .*synthetic 16 x 17 pixels. Crop or resample",
        ),
        (lambda folder: write_pictures(folder, shape=(16, 18, 3)), "holds 8-bit grey pictures, .* 8-bit RGB pictures"),
        (write_volumes, "holds 8-bit grey pictures, .*synthetic NIfTI volumes"),
        (
            lambda folder: write_picture(write_pictures(folder) / "p03.png", np.full((16, 18), 9, np.uint8)),
            "synthetic/p03.png: the image is constant: all values are 9",
        ),
        (
            lambda folder: write_pictures(folder, count=3),
            r"12 real and 3 synthetic image\(s\) are too few: at least 4 of each are needed, and 12 for all metrics",
        ),
    ],
)
def test_folders_that_can_not_be_compared_are_refused(
    write: Callable[[Path], object], message: str, tmp_path: Path
) -> None:
    real = write_pictures(tmp_path / "real")
    write(tmp_path / "synthetic")
    with pytest.raises(SynthtrialError, match=message):
        compare(real, tmp_path / "synthetic")


def test_another_spacing_is_refused_and_a_rounded_one_is_not(tmp_path: Path) -> None:
    real = write_volumes(tmp_path / "real", affine=np.diag([1, 1, 2.5, 1]))
    with pytest.raises(SynthtrialError, match="12 x 13 x 14 voxels of 1 x 1 x 2.5 mm, those .* of 1 x 1 x 2 mm"):
        compare(real, write_volumes(tmp_path / "other", seed=1, affine=np.diag([1, 1, 2, 1])))
    rounded = write_volumes(tmp_path / "rounded", seed=1, affine=np.diag([1, 1, 2.5001, 1]))
    assert compare(real, rounded).measurements


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"features": ["resnet"]}, "unknown features 'resnet': by name there are random_conv"),
        ({"features": []}, "names no extractor"),
        ({"features": [Moments(3)]}, "moments are for 3D images, these are 2D"),
        ({"features": [SMALL, "random_conv"]}, "two extractors are called random_conv"),
        ({"features": [{**SMALL, "filters": 3}]}, "an even number of filters"),
        ({"repeats": 0}, "repeats 0"),
        ({"copy_rate": 1.5}, "copy rate must be above 0"),
        ({"window": (3, 1)}, "low below high"),
        (
            {"window": (300, 999)},
            "window 300 to 999 makes all images in .*real plain: 99 % of their values lie between 1 and 254",
        ),
    ],
)
def test_settings_that_can_not_be_are_refused(settings: dict, message: str, tmp_path: Path) -> None:
    real, synthetic = write_pictures(tmp_path / "real"), write_pictures(tmp_path / "synthetic", seed=1)
    with pytest.raises(SynthtrialError, match=message):
        compare(real, synthetic, **settings)


@pytest.mark.parametrize("name", OFFLINE_FEATURES)
def test_every_offline_extractor_exists(name: str) -> None:
    assert callable(target_of({"_target_": OFFLINE_FEATURES[name]}))
