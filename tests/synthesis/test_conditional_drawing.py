"""Drawing from generators that are told something: a class, a case to translate, a mask."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from gans.small_gans import read_config, tiny_hagan
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import ConfigError
from synthtrial.gans.fitting import fitted
from synthtrial.gans.training import train
from synthtrial.synthesis.drawing import synthesize

SETTINGS = {
    "threshold": -1.0,
    "components": None,
    "min_lesion_voxels": 0,
    "limit_factor": 4,
    "masks": "real",
    "copy_rate": 0.01,
    "copy_limit": 0.5,
    "distance_gate": None,
}
SHORT = {"train__images": 4, "train__batch_size": 2, "train__checkpoint_every": 4}
DOMAINS = {"column": "label", "source": "benign", "target": "malignant"}


def drawn(config: dict[str, Any], cohort: PreparedCohort, place: Path, count: int, **settings: Any) -> SyntheticCohort:
    """Train a little, and draw."""
    train(
        fitted(config, cohort.labels, 1, cohort.shape, "tiny"),
        name="tiny",
        cohort=cohort,
        split="development",
        case_ids=cohort.development,
        folder=place / "model",
        checkpoints=place / "checkpoints",
        trainer={"accelerator": "cpu", "devices": 1, "precision": "32-true", "threads": 1},
        seed=0,
    )
    names = {"model_folder": place / "model", "folder": place / "synthetic", "cohort": cohort, "count": count}
    synthesize(name="gan", **names, settings=SETTINGS | settings, seed=1, cache=place, progress=False)  # type: ignore[arg-type]
    return SyntheticCohort(place / "synthetic")


@pytest.fixture
def cohort(make_cohort: Callable[..., PreparedCohort]) -> PreparedCohort:
    return make_cohort(shape=(16, 16), classes=("benign", "malignant"))


def small_cyclegan(**domains: str) -> dict[str, Any]:
    config = read_config("cyclegan", generator__width=4, generator__blocks=1, discriminator__width=4, **SHORT)
    return config | {"domains": DOMAINS | domains}


def test_every_source_is_translated_once_at_most(cohort: PreparedCohort, tmp_path: Path) -> None:
    """The translation of a case is the same each time: another one would be a copy, not another case."""
    synthetic = drawn(small_cyclegan(), cohort, tmp_path, count=12)
    sources = synthetic.manifest["source_case"]
    assert len(synthetic.accepted) == 6
    assert sources.is_unique
    assert set(cohort.cases.loc[sources, "label"]) == {"benign"}
    assert set(synthetic.manifest["label"]) == {"malignant"}
    assert set(synthetic.facts["seen_cases"]) == set(cohort.development)


def test_from_site_to_site_a_case_keeps_its_class(cohort: PreparedCohort, tmp_path: Path) -> None:
    synthetic = drawn(small_cyclegan(column="site", source="A", target="B"), cohort, tmp_path, count=3)
    rows = synthetic.manifest
    assert list(rows["label"]) == list(cohort.cases.loc[rows["source_case"], "label"])


def test_a_gate_compares_translations_with_what_they_are_to_become(cohort: PreparedCohort, tmp_path: Path) -> None:
    features = {"_target_": "synthtrial.fidelity.features.random_conv.RandomConv", "filters": 4, "levels": 1}
    gate = {"features": features, "threshold": 1e6, "batch": 3}
    synthetic = drawn(small_cyclegan(), cohort, tmp_path, count=3, distance_gate=gate)
    malignant = cohort.cases.loc[cohort.development, "label"].eq("malignant").sum()
    assert synthetic.facts["distance_gate"]["n_real"] == malignant < len(cohort.development)


def small_pix2pix() -> dict[str, Any]:
    return read_config("pix2pix", generator__width=4, discriminator__width=4, mask_generator=None, **SHORT)


def test_the_mask_asked_for_is_the_mask_of_the_case(cohort: PreparedCohort, tmp_path: Path) -> None:
    synthetic = drawn(small_pix2pix(), cohort, tmp_path, count=3, threshold=0.0)
    for row in synthetic.manifest.itertuples():
        assert np.array_equal(synthetic.mask(row.case_id), cohort.mask(row.source_case))
        assert row.source_case in cohort.development


def test_masks_of_its_own_are_refused_where_there_are_none(cohort: PreparedCohort, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="synthesis.masks=generator, but this generator makes none"):
        drawn(small_pix2pix(), cohort, tmp_path, count=3, masks="generator")


def test_classes_come_as_often_as_among_real_cases(make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    cohort = make_cohort(classes=("benign", "malignant"))
    config = tiny_hagan(classes=["benign", "malignant"], **SHORT)
    synthetic = drawn(config, cohort, tmp_path, count=4)
    assert sorted(synthetic.manifest["label"]) == ["benign", "benign", "malignant", "malignant"]
    assert (tmp_path / "model" / "reconstructions.png").is_file()


def test_a_copy_of_an_augmented_case_is_near_its_original(make_cohort: Callable[..., PreparedCohort]) -> None:
    """A generator that has learned an augmented copy by heart has copied a patient, too."""
    import pandas as pd

    from synthtrial.gans.dataset import seen_with_copies

    cohort = make_cohort()
    source = cohort.development[0]
    row = {"case_id": f"{source}-affine1", "source_case": source, "kind": "affine", "copy": 1, "image_sha256": ""}
    row |= {key: cohort.cases.at[source, key] for key in ("patient_id", "image", "mask", "label", "site")}
    pd.DataFrame([row]).to_csv(cohort.folder / "augmented.csv", index=False)
    cohort = PreparedCohort(cohort.folder)
    model: dict[str, Any] = {"seen_cases": [source], "config": {"train": {"copies": True}}}
    assert seen_with_copies(model, cohort) == [source, f"{source}-affine1"]
    model["config"]["train"]["copies"] = False
    assert seen_with_copies(model, cohort) == [source]
