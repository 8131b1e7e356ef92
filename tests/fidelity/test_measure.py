from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from synthesis.untrained_model import write_model
from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.distributions import intensity_histograms, kolmogorov_smirnov, lesion_volumes
from synthtrial.fidelity.measure import display_window, measure
from synthtrial.fidelity.pages import cut_plane
from synthtrial.synthesis.cohort import SyntheticCohort
from synthtrial.synthesis.drawing import synthesize

FEATURES = {"_target_": "synthtrial.fidelity.features.random_conv.RandomConv", "filters": 8, "levels": 2}
SETTINGS = {"repeats": 3, "batch_size": 4, "bins": 20, "page_cases": 2}


@pytest.fixture(params=[(16, 16, 16), (16, 16)], ids=["3D", "2D"])
def cohorts(
    request: pytest.FixtureRequest, make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> tuple[PreparedCohort, SyntheticCohort]:
    """A prepared cohort, and one drawn from an untrained generator."""
    cohort = make_cohort(shape=request.param)
    synthesize(
        model_folder=write_model(tmp_path / "model", cohort),
        cohort=cohort,
        folder=tmp_path / "synthetic",
        count=5,
        settings={"threshold": 0.0, "components": 1, "min_lesion_voxels": 1, "limit_factor": 2, "masks": "real"},
        seed=1,
        progress=False,
    )
    return cohort, SyntheticCohort(tmp_path / "synthetic")


def run(cohort: PreparedCohort, synthetic: SyntheticCohort, folder: Path, case_ids: list[str] | None = None) -> dict:
    measure(
        cohort=cohort,
        case_ids=cohort.development if case_ids is None else case_ids,
        synthetic=synthetic,
        features=FEATURES,
        settings=SETTINGS,
        folder=folder,
        seed=0,
    )
    return json.loads((folder / "fidelity.json").read_text())


def test_an_untrained_generator_lies_above_the_floor(
    cohorts: tuple[PreparedCohort, SyntheticCohort], tmp_path: Path
) -> None:
    result = run(*cohorts, tmp_path / "fidelity")
    names = [f"{metric}/random_conv_n5" for metric in ("frechet", "frechet_mask", "frechet_pair")]
    assert list(result["metrics"]) == list(result["floor"]) == list(result["ceiling"]) == names
    for name in names:
        assert result["metrics"][name] > 2 * result["floor"][name]
        assert result["ceiling"][name] > 2 * result["floor"][name]
    assert (result["n_real"], result["n_synthetic"], result["n_rejected"]) == (12, 5, 0)
    assert result["real"] == cohorts[0].development
    assert [len(result["lesion_volume_ml"][kind]) for kind in ("real", "synthetic")] == [12, 5]
    figures = {path.name for path in (tmp_path / "fidelity" / "figures").iterdir()}
    assert figures == {"intensities.png", "lesion_volumes.png", "samples.png"}


def test_the_same_seed_gives_the_same_bytes(cohorts: tuple[PreparedCohort, SyntheticCohort], tmp_path: Path) -> None:
    run(*cohorts, tmp_path / "a")
    run(*cohorts, tmp_path / "b")
    for path in (path for path in (tmp_path / "a").rglob("*") if path.is_file()):
        assert path.read_bytes() == (tmp_path / "b" / path.relative_to(tmp_path / "a")).read_bytes()


def test_too_few_cases_are_refused(cohorts: tuple[PreparedCohort, SyntheticCohort], tmp_path: Path) -> None:
    with pytest.raises(SynthtrialError, match="at least 4 real"):
        run(*cohorts, tmp_path / "fidelity", case_ids=cohorts[0].development[:3])
    assert not (tmp_path / "fidelity").exists()


def test_another_shape_is_refused(
    cohorts: tuple[PreparedCohort, SyntheticCohort], make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    with pytest.raises(SynthtrialError, match="draw the synthetic cohort again"):
        run(make_cohort("other", shape=(8, 8)), cohorts[1], tmp_path / "fidelity")


def test_a_cohort_without_masks_has_the_image_metric_alone(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path
) -> None:
    cohort = make_cohort(shape=(16, 16), labels=())
    synthesize(
        model_folder=write_model(tmp_path / "model", cohort),
        cohort=cohort,
        folder=tmp_path / "synthetic",
        count=4,
        settings={"threshold": 0.0, "components": 1, "min_lesion_voxels": 1, "limit_factor": 1, "masks": "real"},
        seed=1,
        progress=False,
    )
    result = run(cohort, SyntheticCohort(tmp_path / "synthetic"), tmp_path / "fidelity")
    assert list(result["metrics"]) == ["frechet/random_conv_n4"]
    assert result["lesion_volume_ml"] == {"real": [], "synthetic": []}


def test_volumes_count_voxels_per_label(make_cohort: Callable[..., PreparedCohort]) -> None:
    cohort = make_cohort(labels=("tumour", "node"))
    case_id = cohort.development[0]
    volumes = lesion_volumes((cohort, [case_id]), cohort.labels, voxel_ml=0.001)
    mask = cohort.mask(case_id)
    assert volumes["tumour"] == pytest.approx([(mask == 1).sum() / 1000])
    assert volumes["all"] == pytest.approx(volumes["tumour"] + volumes["node"])


def test_histograms_are_shares(make_cohort: Callable[..., PreparedCohort]) -> None:
    cohort = make_cohort()
    shares = intensity_histograms((cohort, cohort.test), bins=10)
    assert shares.shape == (3, 1, 10)
    assert np.allclose(shares.sum(axis=-1), 1)


def test_kolmogorov_smirnov_tells_equal_from_apart() -> None:
    values = np.arange(50.0)
    assert kolmogorov_smirnov(values, values) == {"statistic": 0.0, "p": 1.0}
    assert kolmogorov_smirnov(values, values + 100)["p"] < 1e-6


def test_the_axis_has_units_only_where_one_window_holds_for_all(make_cohort: Callable[..., PreparedCohort]) -> None:
    cohort = make_cohort()
    assert display_window(cohort, cohort.test) == ((-1000.0, 600.0), "HU")
    cohort.cases.loc[cohort.test[0], "intensity_high"] = 700.0
    assert display_window(cohort, cohort.test)[0] == (-1.0, 1.0)


def test_planes_show_right_at_the_left_and_head_up() -> None:
    image, mask = np.zeros((1, 4, 5, 6), np.float32), np.zeros((4, 5, 6), np.uint8)
    mask[3, 4, 5] = 1  # the corner at the right, front and top of the patient
    image[0] = mask
    for axis, size in ((2, (5, 4)), (1, (6, 4)), (0, (6, 5))):
        cut = cut_plane(image, mask, axis, (1.0, 1.0, 2.0))
        assert cut.mask.shape == size and cut.image.shape == (1, *size)
        assert cut.mask[0, 0] == cut.image[0, 0, 0] == 1
        assert cut.aspect == (1.0 if axis == 2 else 2.0)
