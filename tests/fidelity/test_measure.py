"""The fidelity stage as a whole."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from synthesis.untrained_model import write_model
from synthtrial.atomic import write_json
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.cases import common_window, real_cases
from synthtrial.fidelity.chosen import measure_chosen
from synthtrial.fidelity.compared import compared_cases
from synthtrial.fidelity.measure import measure
from synthtrial.fidelity.measured import Measured, as_json, from_json
from synthtrial.fidelity.metric_names import bare
from synthtrial.fidelity.pictures.pages import cut_plane
from synthtrial.gans.dataset import cases_of_model
from synthtrial.synthesis.drawing import synthesize

FEATURES = {"_target_": "synthtrial.fidelity.features.random_conv.RandomConv", "filters": 8, "levels": 2}
SETTINGS = {
    "features": {"random_conv": FEATURES},
    "repeats": 3,
    "batch_size": 4,
    "pairs": 20,
    "copy_rate": 0.05,
    "copy_limit": 0.5,
    "perceptual_weights": None,
    "amounts": [0.25, 0.5],
    "bins": 20,
    "page_cases": 2,
}
DRAWING = {
    "threshold": 0.0,
    "components": 1,
    "min_lesion_voxels": 1,
    "limit_factor": 2,
    "masks": "real",
    "copy_rate": 0.05,
    "copy_limit": 0.5,
    "distance_gate": None,
}
FIGURES = {"intensities.png", "lesions.png", "samples.png", "closest_pairs.png", "nearest_distances.png"}
FIGURES |= {"spectra.png", "walk.png"}


def draw(cohort: PreparedCohort, place: Path, count: int = 8, masks: bool = True) -> SyntheticCohort:
    """Cases of an untrained generator."""
    synthesize(
        name="dcgan",
        model_folder=write_model(place / "model", cohort, masks),
        cohort=cohort,
        folder=place / "synthetic",
        count=count,
        settings=DRAWING,
        seed=1,
        cache=place / "cache",
        progress=False,
    )
    return SyntheticCohort(place / "synthetic")


@pytest.fixture(params=[(16, 16, 16), (16, 16)], ids=["3D", "2D"])
def cohorts(
    request: pytest.FixtureRequest, make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> tuple[PreparedCohort, SyntheticCohort]:
    """A prepared cohort, and one drawn from an untrained generator."""
    cohort = make_cohort(shape=request.param)
    return cohort, draw(cohort, tmp_path)


def run(cohort: PreparedCohort, synthetic: SyntheticCohort, folder: Path, **settings) -> dict:
    measure(
        cohort=cohort,
        split=cohort.development,
        synthetic=synthetic,
        model_folder=synthetic.folder.parent / "model",
        settings=SETTINGS | settings,
        folder=folder,
        cache=folder.parent / "cache",
        seed=0,
    )
    return json.loads((folder / "fidelity.json").read_text())


def test_an_untrained_generator_lies_between_real_and_noise(
    cohorts: tuple[PreparedCohort, SyntheticCohort], tmp_path: Path
) -> None:
    cohort, synthetic = cohorts
    result = run(cohort, synthetic, tmp_path / "fidelity")
    for name in ("frechet/random_conv_n4", "frechet_mask/random_conv_n4", "frechet_pair/random_conv_n4"):
        low, high = result["interval"][name]
        assert 2 * result["floor"][name] < low <= result["metrics"][name] <= high
        assert result["ceiling"][name] > 2 * result["floor"][name]
    assert {"ms_ssim/pixels_n8", "copies/pixels_n8", "membership_auc/random_conv_n8"} <= set(result["metrics"])
    assert "coverage/random_conv" in result["left_out"]  # needs 12 of each
    assert (result["n_real"], result["n_synthetic"], result["n_rejected"]) == (12, 8, 0)
    assert result["real"] == cohort.development and set(result["held_out"]) == set(cohort.test)
    gif = {"slices.gif"} if len(cohort.shape) == 3 else set()
    assert {path.name for path in (tmp_path / "fidelity" / "figures").iterdir()} == FIGURES | gif


def test_tables_and_features_are_kept(cohorts: tuple[PreparedCohort, SyntheticCohort], tmp_path: Path) -> None:
    cohort, synthetic = cohorts
    run(cohort, synthetic, tmp_path / "fidelity")
    kept = np.load(tmp_path / "fidelity" / "features" / "random_conv.npz", allow_pickle=False)
    assert list(kept["real_ids"]) == cohort.development and list(kept["synthetic_ids"]) == synthetic.accepted
    assert kept["real"].shape == (12, 32) and kept["synthetic"].shape == (8, 32)
    assert set(pd.read_csv(tmp_path / "fidelity" / "lesions.csv")["label"]) == {"lesion"}
    assert len(pd.read_csv(tmp_path / "fidelity" / "lesion_cases.csv")) == 20
    assert set(pd.read_csv(tmp_path / "fidelity" / "amounts.csv")["n_synthetic"]) == {3, 6}


def test_the_same_seed_gives_the_same_bytes(cohorts: tuple[PreparedCohort, SyntheticCohort], tmp_path: Path) -> None:
    run(*cohorts, tmp_path / "a")
    run(*cohorts, tmp_path / "b")
    for path in (path for path in (tmp_path / "a").rglob("*") if path.is_file()):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes(), path.name


def test_altered_copies_count_as_training_cases_and_are_named(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort(shape=(16, 16))
    synthetic = draw(cohort, tmp_path)
    source = cohort.development[0]
    row = cohort.cases.loc[source].to_dict() | {"case_id": f"{source}-affine1", "source_case": source, "kind": "affine"}
    pd.DataFrame([row]).to_csv(cohort.folder / "augmented.csv", index=False)
    cohort = PreparedCohort(cohort.folder)
    model = json.loads((tmp_path / "model" / "model.json").read_text())
    compared = compared_cases(cohort, synthetic, model, cases_of_model(model, cohort, uses_unlabelled=False))
    assert compared.training.case_ids == (*cohort.development, f"{source}-affine1")
    assert compared.altered == (f"{source}-affine1",)
    assert compared.real.case_ids == tuple(cohort.development)


def test_test_cases_change_nothing_but_the_membership_attack(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort(shape=(16, 16))
    synthetic = draw(cohort, tmp_path)
    encoder = {"_target_": "synthtrial.fidelity.features.study_encoder.StudyEncoder", "steps": 2, "patches": 16}
    both = {"features": {"random_conv": FEATURES, "study_encoder": encoder}}
    before = run(cohort, synthetic, tmp_path / "before", **both)
    for case_id in cohort.test:
        path = cohort.folder / "images" / f"{case_id}.npy"
        np.save(path, np.flip(-np.load(path), 1))
        np.save(cohort.folder / "masks" / f"{case_id}.npy", np.ones(cohort.shape, np.uint8))
    after = run(cohort, synthetic, tmp_path / "after", **both)
    changed = {name for name, value in before["metrics"].items() if after["metrics"][name] != value}
    assert changed and all(name.startswith("membership_auc") for name in changed)
    for space, found in before["audit"]["spaces"].items():
        assert after["audit"]["spaces"][space]["threshold"] == found["threshold"]
    for name in ("features/study_encoder.npz", "lesions.csv", "amounts.csv", "figures/samples.png"):
        assert (tmp_path / "before" / name).read_bytes() == (tmp_path / "after" / name).read_bytes(), name


def write_facts(synthetic: SyntheticCohort, **facts) -> SyntheticCohort:
    write_json(synthetic.folder / "synthetic.json", synthetic.facts | facts)
    return SyntheticCohort(synthetic.folder)


def test_cases_of_a_class_that_was_not_trained_on_are_no_non_members(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    """They differ from what the generator draws for their class alone: the attack would seem to succeed."""
    cohort = make_cohort(shape=(16, 16), classes=("benign", "malignant"))
    synthetic = draw(cohort, tmp_path)
    model = json.loads((tmp_path / "model" / "model.json").read_text())
    malignant = [case_id for case_id in cohort.development if cohort.cases.at[case_id, "label"] == "malignant"]
    synthetic = write_facts(synthetic, seen_patients=sorted(cohort.patients(malignant)))
    one_class = model | {"config": model["config"] | {"classes": ["malignant"]}, "seen_cases": malignant}
    compared = compared_cases(cohort, synthetic, one_class, cases_of_model(one_class, cohort, uses_unlabelled=False))
    assert compared.held_out is not None
    assert compared.held_out.case_ids == ("case01",)  # the one malignant test case

    domains = {"column": "site", "source": "A", "target": "B"}
    translator = model | {"config": model["config"] | {"domains": domains}}
    synthetic = write_facts(synthetic, seen_patients=model["seen_patients"])
    compared = compared_cases(cohort, synthetic, translator, cases_of_model(translator, cohort, uses_unlabelled=False))
    assert compared.held_out is not None and set(compared.held_out.case_ids) == set(cohort.test)


def test_a_generator_without_masks_is_compared_by_images_alone(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    """Empty masks that it never made would be measured as bad ones, and its lesions as lacking."""
    cohort = make_cohort(shape=(16, 16))
    result = run(cohort, draw(cohort, tmp_path, masks=False), tmp_path / "fidelity")
    assert "frechet/random_conv_n4" in result["metrics"]
    assert not any("_mask" in name or "_pair" in name for name in [*result["metrics"], *result["left_out"]])
    assert "without masks" in result["left_out"]["masks, pairs and lesions"]
    assert pd.read_csv(tmp_path / "fidelity" / "lesions.csv").empty


def test_too_few_cases_are_refused(make_cohort: Callable[..., PreparedCohort], tmp_path: Path) -> None:
    cohort = make_cohort(shape=(16, 16))
    with pytest.raises(SynthtrialError, match="at least 4 real and 4 accepted"):
        run(cohort, draw(cohort, tmp_path, count=3), tmp_path / "fidelity")
    assert not (tmp_path / "fidelity").exists()


def test_a_cohort_without_masks_has_no_lesions_and_the_image_metrics_alone(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort(shape=(16, 16), labels=())
    result = run(cohort, draw(cohort, tmp_path), tmp_path / "fidelity")
    assert "frechet/random_conv_n4" in result["metrics"]
    assert not any("_mask" in name or "_pair" in name for name in result["metrics"])
    assert pd.read_csv(tmp_path / "fidelity" / "lesions.csv").empty


def test_the_axis_has_units_only_where_one_window_holds_for_all(make_cohort: Callable[..., PreparedCohort]) -> None:
    cohort = make_cohort()
    assert common_window(real_cases(cohort, cohort.test)) == ((-1000.0, 600.0), "HU")
    cohort.cases.loc[cohort.test[0], "intensity_high"] = 700.0
    assert common_window(real_cases(cohort, cohort.test))[0] == (-1.0, 1.0)


def test_measurements_survive_json(cohorts: tuple[PreparedCohort, SyntheticCohort], tmp_path: Path) -> None:
    result = run(*cohorts, tmp_path / "fidelity")
    again = as_json(from_json(result))
    assert {key: result[key] for key in again} == again


def test_planes_show_right_at_the_left_and_head_up() -> None:
    image, mask = np.zeros((1, 4, 5, 6), np.float32), np.zeros((4, 5, 6), np.uint8)
    mask[3, 4, 5] = 1  # the corner at the right, front and top of the patient
    image[0] = mask
    for axis, size in ((2, (5, 4)), (1, (6, 4)), (0, (6, 5))):
        cut = cut_plane(image, mask, axis, (1.0, 1.0, 2.0))
        assert cut.mask.shape == size and cut.image.shape == (1, *size)
        assert cut.mask[0, 0] == cut.image[0, 0, 0] == 1
        assert cut.aspect == (1.0 if axis == 2 else 2.0)


def test_an_extractor_that_has_too_few_cases_to_learn_from_is_left_out_with_the_reason(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort(shape=(16, 16), n_cases=8)
    encoder = {"_target_": "synthtrial.fidelity.features.study_encoder.StudyEncoder"}
    result = run(cohort, draw(cohort, tmp_path), tmp_path / "a", features={"random": FEATURES, "encoder": encoder})
    assert "at least 8" in result["left_out"]["all of study_encoder"] and result["features"] == ["random_conv"]
    with pytest.raises(SynthtrialError, match="at least 8"):
        run(cohort, SyntheticCohort(tmp_path / "synthetic"), tmp_path / "b", features={"encoder": encoder})


def test_single_metrics_are_those_of_the_whole_stage(
    cohorts: tuple[PreparedCohort, SyntheticCohort], tmp_path: Path
) -> None:
    cohort, synthetic = cohorts
    whole = run(cohort, synthetic, tmp_path / "fidelity")
    names = ["frechet_mask/random_conv", "kernel/random_conv_n4", "ms_ssim/pixels"]
    measured = single(names, cohort, synthetic, tmp_path)
    assert {bare(name) for name in measured} == {bare(name) for name in names}
    assert {name: one.value for name, one in measured.items()} == {name: whole["metrics"][name] for name in measured}


def test_an_unknown_metric_is_refused_with_those_there_are(
    cohorts: tuple[PreparedCohort, SyntheticCohort], tmp_path: Path
) -> None:
    with pytest.raises(ConfigError, match="'frechett/random_conv'.*frechet_mask.*ms_ssim, each with /pixels"):
        single(["frechett/random_conv"], *cohorts, tmp_path)


def test_a_metric_that_these_cases_do_not_allow_says_why(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort()
    with pytest.raises(SynthtrialError, match="density/random_conv: needs 12 real"):
        single(["density/random_conv"], cohort, draw(cohort, tmp_path), tmp_path)


def single(names: list[str], cohort: PreparedCohort, synthetic: SyntheticCohort, place: Path) -> dict[str, Measured]:
    return measure_chosen(
        names,
        cohort=cohort,
        split=cohort.development,
        synthetic=synthetic,
        model_folder=place / "model",
        settings=SETTINGS,
        cache=place / "cache",
        seed=0,
    )
