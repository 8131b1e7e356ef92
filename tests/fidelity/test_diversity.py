from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.metrics.diversity import diversity, ms_ssim_of_pairs, random_pairs, standard_error_of_pairs
from synthtrial.fidelity.metrics.structural import ms_ssim

MakeCohort = Callable[..., PreparedCohort]


def of_cohort(cohort: PreparedCohort, patients: tuple[str, ...] = ()) -> Cases:
    return Cases(cohort, tuple(cohort.development), patients)


def test_pairs_are_different_and_of_different_patients() -> None:
    cases = Cases(None, tuple("abcdefgh"), tuple("11223344"))  # type: ignore[arg-type]
    everything = random_pairs(cases, 1000, np.random.default_rng(0))
    assert len(everything) == 8 * 7 // 2 - 4
    for pairs in (everything, random_pairs(cases, 20, np.random.default_rng(1))):
        assert len({tuple(pair) for pair in pairs}) == len(pairs)
        assert all(first < second and first // 2 != second // 2 for first, second in pairs)
    assert len(random_pairs(cases, 20, np.random.default_rng(1))) == 20


def test_all_pairs_of_a_cohort(make_cohort: MakeCohort) -> None:
    cohort = make_cohort(n_cases=6)
    values = ms_ssim_of_pairs(of_cohort(cohort), 100, np.random.default_rng(0))
    images = [cohort.image(case_id) for case_id in cohort.development]
    expected = [ms_ssim(images[0], images[1]), ms_ssim(images[0], images[2]), ms_ssim(images[1], images[2])]
    assert values == pytest.approx(expected)


@pytest.mark.parametrize("shape", [(16, 16), (16, 16, 16)])
def test_a_set_of_copies_is_far_above_the_floor(make_cohort: MakeCohort, shape: tuple[int, ...]) -> None:
    cohort = make_cohort(shape=shape)
    real = of_cohort(cohort)
    copies = Cases(cohort, (cohort.development[0],) * 6, tuple("abcdef"))
    alike = diversity(real, copies, 40, np.random.default_rng(0))
    assert alike.value == alike.low == alike.high == pytest.approx(1)
    assert alike.floor is not None and alike.floor < 0.9
    assert alike.better == "like real" and alike.ceiling is None
    itself = diversity(real, real, 1000, np.random.default_rng(0))
    assert itself.value == pytest.approx(itself.floor)
    assert 0 < itself.low < itself.value < itself.high < 1


@pytest.mark.parametrize(("pairs", "most"), [(10_000, 1.2), (30, 1.4), (6, 1.8)])
def test_standard_error_is_the_spread_of_repeats_or_a_little_more(pairs: int, most: float) -> None:
    rng = np.random.default_rng(2)
    cases = Cases(None, tuple(map(str, range(16))))  # type: ignore[arg-type]
    means, errors = [], []
    for _ in range(400):
        places = rng.standard_normal(16)
        chosen = random_pairs(cases, pairs, rng)
        values = np.exp(-abs(places[chosen[:, 0]] - places[chosen[:, 1]]))
        means.append(values.mean())
        errors.append(standard_error_of_pairs(values, chosen)[0])
    assert 0.9 < np.sqrt(np.square(errors).mean()) / np.std(means) < most


def test_cases_of_one_patient_do_not_make_the_interval_smaller() -> None:
    cases = [Cases(None, tuple(map(str, range(n))), tuple(f"p{k // copies}" for k in range(n)))  # type: ignore[arg-type]
             for n, copies in ((8, 1), (24, 3))]  # fmt: skip
    places = np.random.default_rng(3).standard_normal(8)
    errors = []
    for set_of_cases in cases:
        pairs = random_pairs(set_of_cases, 10_000, np.random.default_rng(0))
        patients = np.asarray(set_of_cases.patients)[pairs]
        values = np.array([abs(places[int(a[1:])] - places[int(b[1:])]) for a, b in patients])
        errors.append(standard_error_of_pairs(values, patients))
    assert errors[0] == pytest.approx(errors[1])


def test_too_few_cases(make_cohort: MakeCohort) -> None:
    cohort = make_cohort(n_cases=6)
    two = Cases(cohort, tuple(cohort.development[:2]))
    with pytest.raises(SynthtrialError, match="at least 3 cases"):
        diversity(of_cohort(cohort), two, 10, np.random.default_rng(0))
    one_patient = Cases(cohort, two.case_ids, ("p", "p"))
    with pytest.raises(SynthtrialError, match="at least 2 patients"):
        ms_ssim_of_pairs(one_patient, 10, np.random.default_rng(0))
