from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from synthesis.untrained_model import write_model
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import MANIFEST_COLUMNS, SyntheticCohort
from synthtrial.errors import CohortError, SynthtrialError
from synthtrial.synthesis.drawing import synthesize
from synthtrial.synthesis.draws import Draw, Draws, case_rng

SETTINGS = {
    "threshold": 0.0,
    "components": 1,
    "min_lesion_voxels": 1,
    "limit_factor": 4,
    "masks": "real",
    "copy_rate": 0.01,
    "copy_limit": 0.5,
    "distance_gate": None,
}


@pytest.fixture(params=[(16, 16, 16), (16, 16)], ids=["3D", "2D"])
def cohort(request: pytest.FixtureRequest, make_cohort: Callable[..., PreparedCohort]) -> PreparedCohort:
    return make_cohort(shape=request.param, labels=("tumour", "node"))


@pytest.fixture
def drawn(cohort: PreparedCohort, tmp_path: Path) -> Callable[..., SyntheticCohort]:
    """Return a function that draws from an untrained generator for the cohort."""
    model = write_model(tmp_path / "model", cohort)

    def draw(name: str, count: int = 3, seed: int = 5, **settings) -> SyntheticCohort:
        folder = tmp_path / name
        synthesize(
            name="dcgan",
            model_folder=model,
            cohort=cohort,
            folder=folder,
            count=count,
            settings=SETTINGS | settings,
            seed=seed,
            cache=tmp_path / "cache",
            progress=False,
        )
        return SyntheticCohort(folder)

    return draw


def hashes(folder: Path) -> dict[str, str]:
    """SHA-256 of every file of a folder."""
    files = (path for path in sorted(folder.rglob("*")) if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes(drawn: Callable[..., SyntheticCohort]) -> None:
    first, again, other = drawn("a"), drawn("b"), drawn("c", seed=6)
    assert hashes(first.folder) == hashes(again.folder)
    assert set(first.manifest["image_sha256"]).isdisjoint(other.manifest["image_sha256"])


def test_drawing_more_keeps_the_first_cases(drawn: Callable[..., SyntheticCohort]) -> None:
    few, many = drawn("few", count=2), drawn("many", count=5)
    assert few.manifest.equals(many.manifest[:2])
    assert hashes(few.folder / "images").items() <= hashes(many.folder / "images").items()


def test_every_case_differs(drawn: Callable[..., SyntheticCohort]) -> None:
    assert drawn("a", count=6).manifest["image_sha256"].is_unique


def test_cases_have_the_form_of_real_ones(drawn: Callable[..., SyntheticCohort], cohort: PreparedCohort) -> None:
    synthetic = drawn("a")
    real_id = cohort.development[0]
    assert synthetic.accepted == [f"dcgan-development-{index:05d}" for index in range(3)]
    for case_id in synthetic.accepted:
        image, mask = synthetic.image(case_id), synthetic.mask(case_id)
        assert image.shape == cohort.image(real_id).shape and image.dtype == np.float32
        assert mask.shape == cohort.mask(real_id).shape and mask.dtype == np.uint8
        assert np.abs(image).max() <= 1 and mask.max() <= 2
        assert np.count_nonzero(mask) == synthetic.manifest.at[case_id, "lesion_voxels"]


def test_the_manifest_tells_where_each_case_comes_from(
    drawn: Callable[..., SyntheticCohort], cohort: PreparedCohort
) -> None:
    synthetic = drawn("a")
    assert tuple(synthetic.manifest.columns) == MANIFEST_COLUMNS
    for row in synthetic.manifest.itertuples():
        assert row.nearest_case in cohort.development
        assert hashlib.sha256((synthetic.folder / row.image).read_bytes()).hexdigest() == row.image_sha256
        assert hashlib.sha256((synthetic.folder / row.mask).read_bytes()).hexdigest() == row.mask_sha256
    assert synthetic.facts["seen_cases"] == cohort.development
    assert synthetic.labels == cohort.labels and synthetic.shape == cohort.shape


def test_rejected_cases_are_listed_but_not_written(drawn: Callable[..., SyntheticCohort]) -> None:
    voxels = drawn("all", count=6).manifest["lesion_voxels"]
    synthetic = drawn("some", count=4, min_lesion_voxels=int(voxels.median()) + 1, limit_factor=10)
    rejected = synthetic.manifest[~synthetic.manifest["accepted"]]
    assert len(synthetic.accepted) == 4 and len(rejected) > 0
    assert rejected["reason"].str.contains("lesion of").all()
    assert len(list((synthetic.folder / "images").iterdir())) == 4
    with pytest.raises(CohortError, match="was rejected"):
        synthetic.image(rejected.index[0])


def test_no_accepted_case_is_an_error_and_leaves_nothing(drawn: Callable[..., SyntheticCohort], tmp_path: Path) -> None:
    with pytest.raises(SynthtrialError, match="none of 12 cases"):
        drawn("a", min_lesion_voxels=10**6)
    assert not (tmp_path / "a").exists() and not list(tmp_path.glob(".*partial*"))


def test_a_shortfall_is_kept_in_the_facts(drawn: Callable[..., SyntheticCohort]) -> None:
    voxels = drawn("all", count=4).manifest["lesion_voxels"]
    synthetic = drawn("short", count=4, min_lesion_voxels=int(voxels.max()), limit_factor=1)
    assert (synthetic.facts["requested"], synthetic.facts["drawn"]) == (4, 4)
    assert synthetic.facts["accepted"] == len(synthetic.accepted) < 4


def test_a_broken_folder_is_named(drawn: Callable[..., SyntheticCohort], tmp_path: Path) -> None:
    with pytest.raises(CohortError, match="synthetic.json|manifest.csv"):
        SyntheticCohort(tmp_path)
    folder = drawn("a").folder
    next((folder / "images").iterdir()).unlink()
    with pytest.raises(CohortError, match="does not exist"):
        SyntheticCohort(folder)


def test_noise_of_a_case_follows_from_seed_and_index() -> None:
    first = case_rng(3, 7).initial_seed()
    assert first == case_rng(3, 7).initial_seed()
    assert len({case_rng(seed, index).initial_seed() for seed in range(3) for index in range(1000)}) == 3000


def test_copies_of_seen_cases_are_rejected_and_named(
    drawn: Callable[..., SyntheticCohort], cohort: PreparedCohort, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A generator that has learned three cases by heart: the draws are such cases with a little noise on them."""
    honest = Draws.__call__
    seen = cohort.development[:3]

    def memorised(self: Draws, index: int) -> Draw:
        draw = honest(self, index)
        if index % 2:
            return draw
        image = cohort.image(seen[index % 3])
        noisy = np.clip(image + np.random.default_rng(index).normal(0, 0.01, image.shape), -1, 1)
        return replace(draw, case=replace(draw.case, image=noisy.astype(np.float32)))

    monkeypatch.setattr(Draws, "__call__", memorised)
    synthetic = drawn("a", count=4)
    rejected = synthetic.manifest[~synthetic.manifest["accepted"]]
    assert set(rejected["index"] % 2) == {0} and len(rejected) >= 3
    for row in rejected.itertuples():
        assert row.reason.startswith(f"copy of {row.nearest_case}")
        assert row.nearest_case == seen[synthetic.manifest.at[row.case_id, "index"] % 3]
        assert row.nearest_distance < 0.02
    assert synthetic.facts["copies"]["found"] == len(rejected)
    kept = drawn("kept", count=4, copy_rate=None)
    assert kept.manifest["accepted"].all() and kept.manifest["nearest_case"].eq("").all()


def test_facts_are_plain_json(drawn: Callable[..., SyntheticCohort]) -> None:
    facts = json.loads((drawn("a").folder / "synthetic.json").read_text())
    assert facts["intensity_window"] == [-1000.0, 600.0] and facts["seed"] == 5
