"""The profile of a cohort with classes: counts, sizes by class, equal pictures, unknown patients."""

from __future__ import annotations

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from synthtrial.cohorts.class_profile import separation
from synthtrial.cohorts.image_folder import ImageFolder
from synthtrial.cohorts.phantom_ct import PhantomCT
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.preparing import prepare
from synthtrial.cohorts.settings import PrepareSettings
from synthtrial.errors import CohortError

FLAT = {"shape": [16, 12], "window": {"low": 0, "high": 255}, "fit": "resize", "folds": 2}


def write_pictures(root: Path, channels: int = 3, count: int = 20) -> Path:
    """Pictures of two classes, those of `ill` larger; all differ."""
    rng = np.random.default_rng(0)
    for k in range(count):
        label = ("well", "ill")[k % 2]
        values = rng.integers(0, 255, (10 + 5 * (k % 2), 12, 3)).astype(np.uint8)
        path = root / label / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values if channels == 3 else values[..., 0]).save(path)
    return root


def prepared(root: Path, out: Path, colour: str = "RGB", positive: str = "", **changed) -> tuple[PreparedCohort, dict]:
    reader = ImageFolder(name="test", root=str(root), colour=colour)
    settings = PrepareSettings(**{**FLAT, **changed})
    prepare(reader, out, settings=settings, seed=0, workers=1, positive=positive)
    return PreparedCohort(out), json.loads((out / "profile.json").read_text())


def test_auroc_of_a_size() -> None:
    assert separation({"a": [1, 2], "b": [3, 4]}) == {"auroc": 1.0, "larger": "b"}
    assert separation({"a": [3, 4], "b": [1, 2]}) == {"auroc": 1.0, "larger": "a"}
    assert separation({"a": [1, 4], "b": [2, 3]})["auroc"] == 0.5
    assert separation({"a": [1, 1], "b": [1, 2]}) == {"auroc": 0.75, "larger": "b"}


@pytest.mark.parametrize(("colour", "channels"), [("RGB", 3), ("grey", 1)])
def test_classes_of_grey_and_coloured_pictures(tmp_path: Path, colour: str, channels: int) -> None:
    cohort, profile = prepared(write_pictures(tmp_path / "raw", channels), tmp_path / "out", colour, "ill")
    assert {label: (block["cases"], block["patients"]) for label, block in profile["classes"].items()} == {
        "ill": (10, 10),
        "well": (10, 10),
    }
    assert profile["classes"]["ill"]["picture_size"]["median"] == 15 * 12
    assert profile["size_alone"] == {"picture_size": {"auroc": 1.0, "larger": "ill"}}
    assert {name: part["classes"] for name, part in profile["parts"].items()}["test"] == {"ill": 2, "well": 2}
    assert cohort.image(cohort.test[0]).shape == (channels, 16, 12)
    names = {path.stem for path in (tmp_path / "out/figures").iterdir()}
    assert names == {"intensities", "geometry", "planes", "classes"}
    width, height = Image.open(tmp_path / "out/figures/classes.png").size
    assert width > height > 100


@pytest.mark.parametrize("shape", [(112, 168), (128, 128), (140, 140)])
def test_sizes_and_scaling_of_the_studies(tmp_path: Path, shape: tuple[int, int]) -> None:
    for k in range(8):
        path = tmp_path / "raw" / "ab"[k % 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((40 + k, 90, 3), 30 * k, np.uint8)).save(path)
    cohort, _ = prepared(tmp_path / "raw", tmp_path / "out", shape=list(shape))
    for k in range(8):
        image = cohort.image(f"{'ab'[k % 2]}_{k}")
        assert image.shape == (3, *shape)
        np.testing.assert_allclose(image, (30 * k - 127.5) / 127.5, atol=1e-4)


def test_resizing_stretches_a_picture_of_other_proportions_over_the_whole_shape(tmp_path: Path) -> None:
    for k in range(8):
        values = np.zeros((20, 60, 3), np.uint8)
        values[:, 30:] = 200 + k
        path = tmp_path / "raw" / "ab"[k % 2] / f"{k}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(values).save(path)
    cohort, _ = prepared(tmp_path / "raw", tmp_path / "out", shape=[20, 20])
    image = cohort.image("a_0")[0]
    assert image[:, :8].max() < -0.99 and image[:, 12:].min() > 0.5


def test_unknown_patients_are_said_loudly_and_equal_pictures_stay_together(tmp_path: Path, caplog) -> None:
    root = write_pictures(tmp_path / "raw")
    for k in range(6):
        (root / "ill" / f"again{k}.png").write_bytes((root / "ill/1.png").read_bytes())
    with caplog.at_level(logging.WARNING):
        cohort, profile = prepared(root, tmp_path / "out")
    assert "PATIENTS UNKNOWN in the cohort test" in caplog.text
    assert cohort.facts["patients_known"] is profile["patients_known"] is False
    assert profile["warnings"][0].startswith("PATIENTS UNKNOWN")
    twins = {"ill_1", *(f"ill_again{k}" for k in range(6))}
    assert [set(group) for group in profile["equal_images"]] == [twins]
    assert len(cohort.patients(twins)) == 1
    assert sum(bool(twins & set(part)) for part in (cohort.test, *cohort.folds)) == 1


def test_one_picture_with_two_classes_is_told(tmp_path: Path) -> None:
    root = write_pictures(tmp_path / "raw")
    (root / "well/twin.png").write_bytes((root / "ill/1.png").read_bytes())
    _, profile = prepared(root, tmp_path / "out")
    assert "under different classes, the first are ill_1 and well_twin" in profile["warnings"][1]


def test_a_classification_needs_two_classes_before_any_picture_is_read(tmp_path: Path) -> None:
    root = write_pictures(tmp_path / "raw")
    (root / "odd").mkdir()
    (root / "odd/1.png").write_text("not a picture")
    with pytest.raises(CohortError, match="needs a cohort of two classes, but this one has 3"):
        prepared(root, tmp_path / "out", positive="ill")


def test_size_of_lesions_by_class(tmp_path: Path) -> None:
    sites = [{"name": "one", "spacing_mm": [4.0, 4.0]}]
    phantom = PhantomCT(
        n_patients=12, extent_mm=[256, 192], spatial_dims=2, sites=sites, lesion_mm={"benign": 20, "malignant": 60},
        lesion_spread=0.01,
    )  # fmt: skip
    settings = PrepareSettings(shape=[48, 64], window={"low": -1000, "high": 600}, folds=2)
    prepare(phantom, tmp_path / "out", settings=settings, seed=0, workers=1)
    profile = json.loads((tmp_path / "out/profile.json").read_text())
    sizes = {label: block["lesion_size"]["median"] for label, block in profile["classes"].items()}
    assert sizes["malignant"] > 4 * sizes["benign"]
    assert profile["size_alone"]["lesion_size"] == {"auroc": 1.0, "larger": "malignant"}
    assert profile["patients_known"] and (tmp_path / "out/figures/classes.png").is_file()
