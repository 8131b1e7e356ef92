"""Training x method x amount: draws from the snapshots of one training, measured and read back as one table."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gans.picture_cohort import IMAGE_ONLY, draw, learn, write_pictures
from gans.small_gans import read_config
from synthtrial.fidelity.grid import COLUMNS, read_grid
from synthtrial.fidelity.measure import measure

FEATURES = {"_target_": "synthtrial.fidelity.features.random_conv.RandomConv", "filters": 4, "levels": 1}
SETTINGS = {
    "repeats": 3,
    "batch_size": 4,
    "pairs": 20,
    "copy_rate": 0.05,
    "copy_limit": 0.5,
    "perceptual_weights": None,
    "amounts": [0.5, 1.0],
    "bins": 20,
    "page_cases": 2,
}


class Brightness:
    """A classifier of dark and bright images."""

    def __init__(self, *, spatial_dims: int) -> None:
        self.name, self.spatial_dims = "brightness", spatial_dims

    def __call__(self, images: np.ndarray) -> np.ndarray:
        return images.mean(axis=(2, 3)).astype(float)

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        bright = 1 / (1 + np.exp(-5 * images.mean(axis=(1, 2, 3), dtype=float)))
        return np.stack([1 - bright, bright], axis=1)


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A DCGAN of the 8 benign RGB pictures, drawn from after 16 and after all 32 images, and measured."""
    place = tmp_path_factory.mktemp("study")
    cohort = write_pictures(place / "prepared", channels=3)
    train = {"images": 32, "batch_size": 4, "checkpoint_every": 16, "snapshots": [16]}
    config = read_config("dcgan", latent=8, **{f"train__{key}": value for key, value in train.items()})
    learn(config | {"classes": ["benign"], "representation": IMAGE_ONLY}, cohort, place)
    for name, snapshot in (("late", None), ("early", 16)):
        measure(
            cohort=cohort,
            split=cohort.development,
            synthetic=draw(cohort, place, 12, name, snapshot=snapshot),
            model_folder=place / "model",
            settings=SETTINGS | {"features": {"a": FEATURES, "b": {"_target_": f"{__name__}.Brightness"}}},
            folder=place / "fidelity" / name / "development",
            cache=place / "cache",
            seed=0,
        )
    return place


def folders(study: Path) -> list[Path]:
    return [study / "fidelity" / name / "development" for name in ("late", "early")]


def test_one_row_per_draw_method_share_and_metric(study: Path) -> None:
    grid = read_grid(folders(study))
    assert tuple(grid.columns) == COLUMNS
    assert list(grid["draw"].unique()) == ["early", "late"], "the shorter training first"
    assert dict(zip(grid["images"], grid["epochs"], strict=True)) == {16: 2.0, 32: 4.0}
    assert set(grid["split"]) == {"development"} and set(grid["n_real"]) == {8}
    keys = grid.assign(metric=grid["metric"].str.partition("_n")[0])
    early = keys[keys["draw"] == "early"]
    metrics = {"frechet/random_conv", "kernel/random_conv", "frechet/brightness", "kernel/brightness"}
    assert set(early["metric"]) == metrics | {"inception_score/brightness"}
    assert len(early) == 5 * 4 and not early.duplicated(["method", "share", "metric"]).any()
    assert (grid.groupby("share")["n_synthetic"].unique().map(list)).to_dict() == {0.5: [4], 1.0: [8]}
    assert grid["value"].notna().all()


def test_the_score_of_a_set_is_that_of_its_cases(study: Path) -> None:
    grid = read_grid(folders(study)).query("draw == 'early' and metric == 'inception_score/brightness_n8'")
    values = grid.set_index("method")["value"]
    assert 1 <= values["progressive"] <= 2 and values["progressive"] != values["independent"]


def test_what_weights_were_measured_is_told(study: Path) -> None:
    facts = [json.loads((folder / "fidelity.json").read_text()) for folder in folders(study)]
    assert [fact["images_seen"] for fact in facts] == [32, 16]
    walks = [(folder / "figures" / "walk.png").read_bytes() for folder in folders(study)]
    assert walks[0] != walks[1], "each walks with its own weights"
    assert "inception_score/brightness_n4" in facts[0]["metrics"]


def test_without_amounts_there_are_columns_alone(study: Path, tmp_path: Path) -> None:
    folder = tmp_path / "draw" / "development"
    folder.mkdir(parents=True)
    (folder / "fidelity.json").write_text(json.dumps({"images_seen": 8, "n_real": 4}))
    pd.read_csv(folders(study)[0] / "amounts.csv")[:0].to_csv(folder / "amounts.csv", index=False)
    for none in (read_grid([folder]), read_grid([])):
        assert none.empty and tuple(none.columns) == COLUMNS
