"""Dealing: a positive minority is spread, and all else is as without one."""

from __future__ import annotations

import numpy as np
import pytest
from class_cases import cases_of, lesions

from synthtrial.cohorts.dealing import deal


def dealt(cases, positive: str, seed: int, parts: int = 5) -> tuple[list[int], list[int]]:
    """Cases of each part, and cases of the class `m`."""
    by_patient: dict[str, list] = {}
    for case in cases:
        by_patient.setdefault(case.patient_id, []).append(case)
    part_of = deal(by_patient, [1 / parts] * parts, np.random.default_rng(seed), positive)
    assert set(part_of) == set(by_patient)
    counts = np.zeros((2, parts), int)
    for case in cases:
        counts[:, part_of[case.patient_id]] += (1, case.label == "m")
    return counts[0].tolist(), counts[1].tolist()


@pytest.mark.parametrize("seed", range(5))
def test_the_minority_is_spread_though_its_patients_have_more_of_the_other_class(seed: int) -> None:
    sizes, positives = dealt(lesions(seed), "m", seed)
    assert max(positives) - min(positives) <= 2
    assert max(sizes) - min(sizes) <= 0.02 * sum(sizes)
    _, unaware = dealt(lesions(seed), "", seed)
    assert np.ptp(unaware) > np.ptp(positives)


def test_where_each_patient_has_one_class_every_part_gets_its_share_of_both() -> None:
    cases = cases_of({f"p{k}": "m" if k < 20 else "b" for k in range(100)})
    for positive in ("m", ""):
        assert dealt(cases, positive, 0) == ([20] * 5, [4] * 5)


def test_as_many_patients_as_parts() -> None:
    assert dealt(cases_of({"p1": "bbbbbbb", "p2": "m", "p3": "bm"}), "m", 0, parts=3)[0].count(0) == 0
