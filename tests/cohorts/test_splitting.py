"""Splits: by patient, complete, alike in strata, the same for the same seed."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from synthtrial.cohorts.case import CaseRef
from synthtrial.cohorts.splitting import split_cases
from synthtrial.errors import CohortError


def make_cases(n_patients: int, seed: int = 0, sites: int = 1, classes: int = 1, most: int = 1) -> list[CaseRef]:
    rng = np.random.default_rng(seed)
    cases = []
    for patient in range(n_patients):
        site, label = f"s{rng.geometric(0.4) % sites}", f"c{rng.integers(classes)}"
        for k in range(rng.integers(1, most + 1)):
            cases.append(CaseRef(f"p{patient}_{k}", f"p{patient}", site, label, None, (), ""))
    return cases


@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("most", [1, 9])
def test_every_case_once_and_no_patient_in_two_parts(seed, most):
    cases = make_cases(6 + 3 * seed, seed, sites=5, classes=3, most=most)
    splits = split_cases(cases, test_fraction=0.2, folds=5, seed=seed)
    parts = [splits["test"], *splits["folds"]]
    assert sorted(sum(parts, [])) == sorted(case.case_id for case in cases)
    patients = [{case_id.split("_")[0] for case_id in part} for part in parts]
    assert sum(map(len, patients)) == len(set.union(*patients))
    assert all(parts)


@pytest.mark.parametrize(("n", "test"), [(18, 4), (60, 12), (200, 40), (524, 105)])
def test_sizes(n, test):
    splits = split_cases(make_cases(n), test_fraction=0.2, folds=5, seed=1)
    sizes = [len(fold) for fold in splits["folds"]]
    assert len(splits["test"]) == test and max(sizes) - min(sizes) <= 1


def test_strata_are_alike():
    cases = make_cases(300, sites=3, classes=2)
    splits = split_cases(cases, test_fraction=0.2, folds=5, seed=3)
    stratum = {case.case_id: (case.site, case.label) for case in cases}
    total = Counter(stratum.values())
    for part, share in [(splits["test"], 0.2), *[(fold, 0.16) for fold in splits["folds"]]]:
        found = Counter(stratum[case_id] for case_id in part)
        assert all(abs(found[name] - share * count) < 2 for name, count in total.items())


def test_singleton_strata_do_not_all_end_up_in_the_test_set():
    cases = [CaseRef(f"p{k}", f"p{k}", f"site{k}", "", None, (), "") for k in range(20)]
    splits = split_cases(cases, test_fraction=0.2, folds=5, seed=0)
    assert len(splits["test"]) == 4 and {len(fold) for fold in splits["folds"]} <= {3, 4}


def test_seed_decides():
    cases = make_cases(50)
    first, again, other = (split_cases(cases, test_fraction=0.2, folds=5, seed=seed) for seed in (1, 1, 2))
    assert first == again and first["test"] != other["test"]


def test_no_test_set():
    splits = split_cases(make_cases(5), test_fraction=0.0, folds=5, seed=0)
    assert splits["test"] == [] and all(len(fold) == 1 for fold in splits["folds"])


def test_fewer_patients_than_folds():
    cases = make_cases(5, most=9)
    with pytest.raises(CohortError, match="at least 6 are needed"):
        split_cases(cases, test_fraction=0.2, folds=5, seed=0)
