from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.metrics.pairs import bootstrap_means, paired_similarity

MakeCohort = Callable[..., PreparedCohort]


class Reconstructed:
    """The cases of a cohort with noise of some deviation added: a source of synthetic cases."""

    def __init__(self, cohort: PreparedCohort, deviation: float) -> None:
        self.cohort, self.deviation = cohort, deviation
        self.labels, self.shape = cohort.labels, cohort.shape
        self.spacing_mm, self.unit = cohort.spacing_mm, cohort.unit

    def window(self, case_id: str) -> tuple[float, float]:
        return self.cohort.window(case_id)

    def image(self, case_id: str) -> np.ndarray:
        image = self.cohort.image(case_id)
        noise = np.random.default_rng([ord(letter) for letter in case_id]).normal(0, 1, image.shape)
        return (image + self.deviation * noise).astype(np.float32)

    def mask(self, case_id: str) -> np.ndarray:
        return self.cohort.mask(case_id)


def measured(cohort: PreparedCohort, deviation: float, seed: int = 0):
    real = Cases(cohort, tuple(cohort.development))
    synthetic = Cases(Reconstructed(cohort, deviation), real.case_ids)
    return paired_similarity(real, synthetic, np.random.default_rng(seed))


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 16)])
def test_better_reconstructions_score_higher(make_cohort: MakeCohort, shape: tuple[int, ...]) -> None:
    cohort = make_cohort(shape=shape)
    perfect, good, poor = (measured(cohort, deviation) for deviation in (0, 0.02, 0.1))
    assert list(perfect) == ["psnr_paired/pixels_n12", "ssim_paired/pixels_n12", "ms_ssim_paired/pixels_n12"]
    for name, best in zip(perfect, (100, 1, 1), strict=True):
        assert perfect[name].value == perfect[name].low == perfect[name].high == pytest.approx(best)
        assert best > good[name].value > poor[name].value
        assert good[name].low < good[name].value < good[name].high
        floor = good[name].floor
        assert floor is not None and floor < good[name].value
        assert floor == perfect[name].floor
        assert good[name].better == "higher" and good[name].ceiling is None
    assert good["psnr_paired/pixels_n12"].value == pytest.approx(20 * np.log10(2 / 0.02), abs=0.2)


def test_swapped_pairs_score_no_better_than_strangers(make_cohort: MakeCohort) -> None:
    cohort = make_cohort()
    ids = tuple(cohort.development)
    swapped = paired_similarity(Cases(cohort, ids), Cases(cohort, ids[1:] + ids[:1]), np.random.default_rng(0))
    for one in swapped.values():
        assert one.floor is not None
        assert abs(one.value - one.floor) < one.high - one.low


def test_the_same_seed_gives_the_same_numbers(make_cohort: MakeCohort) -> None:
    cohort = make_cohort()
    assert measured(cohort, 0.05) == measured(cohort, 0.05)
    assert measured(cohort, 0.05, seed=1) != measured(cohort, 0.05)


def test_bootstrap_draws_patients_not_cases() -> None:
    rng = np.random.default_rng(0)
    by_case = rng.standard_normal((30, 1))
    thrice = np.repeat(by_case, 3, axis=0)
    patients = [f"p{k // 3}" for k in range(90)]
    apart = bootstrap_means(by_case, patients[::3], rng).std()
    assert apart == pytest.approx(by_case.std() / np.sqrt(30), rel=0.1)
    assert bootstrap_means(thrice, patients, rng).std() == pytest.approx(apart, rel=0.1)


def test_sets_that_do_not_belong_together(make_cohort: MakeCohort) -> None:
    cohort = make_cohort()
    ids = tuple(cohort.development)
    with pytest.raises(SynthtrialError, match="not 4 and 12"):
        paired_similarity(Cases(cohort, ids), Cases(cohort, ids[:4]), np.random.default_rng(0))
    with pytest.raises(SynthtrialError, match="at least 2, not 1"):
        one_patient = Cases(cohort, ids[:3], ("p",) * 3)
        paired_similarity(one_patient, one_patient, np.random.default_rng(0))
    other = make_cohort("other", shape=(16, 16, 12))
    with pytest.raises(SynthtrialError, match="one shape"):
        paired_similarity(Cases(cohort, ids), Cases(other, tuple(other.development)), np.random.default_rng(0))
