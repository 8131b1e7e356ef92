"""How alike the cases of one set are to each other: MS-SSIM over random pairs."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.measured import Measured
from synthtrial.fidelity.metrics.structural import ms_ssim


def diversity(real: Cases, synthetic: Cases, pairs: int, rng: np.random.Generator) -> Measured:
    """Mean MS-SSIM of pairs of synthetic cases, beside that of pairs of real ones (as in Odena et al. 2017, section 4).

    A generator that makes the same image again and again has a value near 1; noise has one near 0. Neither is good:
    the value should be that of real pairs, the floor. There is no ceiling, as both ends are bad. Cohorts that are
    aligned well have a high floor, which is why MS-SSIM alone says nothing.

    The interval is for another draw of as many cases (patients) from the same generator. Pairs share cases, so
    it does not come from the spread of pairs, but from leaving out each patient in turn; see `standard_error_of_pairs`.
    It does not hold the uncertainty of the floor.

    Args:
        real: real cases, at least 2 patients.
        synthetic: synthetic cases, at least 3.
        pairs: pairs of each kind; all there are, if these are fewer.
        rng: draws the pairs.

    Raises:
        SynthtrialError: for fewer cases, or images that MS-SSIM can't be had of.
    """
    from scipy import stats

    drawn = random_pairs(synthetic, pairs, rng)
    values = _of_pairs(synthetic, drawn)
    error, patients = standard_error_of_pairs(values, np.asarray(synthetic.patients)[drawn])
    half_width = float(stats.t.ppf(0.975, patients - 1)) * error
    value = float(values.mean())
    floor = float(ms_ssim_of_pairs(real, pairs, rng).mean())
    return Measured(value, value - half_width, value + half_width, floor=floor, ceiling=None, better="like real")


def ms_ssim_of_pairs(cases: Cases, pairs: int, rng: np.random.Generator) -> np.ndarray:
    """MS-SSIM of random pairs of cases of different patients; two images in memory at a time.

    Args:
        cases: cases of at least 2 patients.
        pairs: number of pairs; all there are, if these are fewer.
        rng: draws the pairs.

    Returns:
        Values `(pairs,)` in [0, 1].

    Raises:
        SynthtrialError: for cases of one patient, or images that MS-SSIM can't be had of.
    """
    return _of_pairs(cases, random_pairs(cases, pairs, rng))


def random_pairs(cases: Cases, pairs: int, rng: np.random.Generator) -> np.ndarray:
    """Different pairs of cases of different patients, as positions `(pairs, 2)`; all, if these are fewer.

    Raises:
        SynthtrialError: for less than one pair asked for, or cases of one patient.
    """
    patients, counts = np.unique(cases.patients, return_counts=True)
    if len(patients) < 2 or pairs < 1:
        raise SynthtrialError(
            f"pairs of different patients need at least 2 patients and 1 pair, not {len(patients)} and {pairs}"
        )
    n = len(cases)
    if pairs >= (n**2 - (counts**2).sum()) // 2:
        everything = combinations(range(n), 2)
        return np.array([pair for pair in everything if cases.patients[pair[0]] != cases.patients[pair[1]]])
    chosen: set[tuple[int, int]] = set()
    while len(chosen) < pairs:
        first, second = sorted(rng.integers(n, size=2).tolist())
        if cases.patients[first] != cases.patients[second]:
            chosen.add((first, second))
    return np.array(sorted(chosen))


def standard_error_of_pairs(values: np.ndarray, patients: np.ndarray) -> tuple[float, int]:
    """Standard error of the mean over pairs that share patients, by leaving out each patient with all its pairs.

    This is the jackknife of a U-statistic (Arvesen 1969, "Jackknifing U-statistics"). Over all pairs it is right; over
    random pairs it is on the safe side, at most 1.4 times too large, where no two pairs share a patient.

    Args:
        values: of each pair, `(pairs,)`.
        patients: the two patients of each pair, which differ, `(pairs, 2)`.

    Returns:
        The standard error, and the number of patients.

    Raises:
        SynthtrialError: where a patient is in every pair, so that nothing is left without it.
    """
    names, of_pair = np.unique(patients, return_inverse=True)
    sums = np.bincount(of_pair.ravel(), np.repeat(values, 2))
    counts = np.bincount(of_pair.ravel())
    if (counts == len(values)).any():
        raise SynthtrialError(
            f"an interval for {len(values)} pair(s) of {len(names)} cases or patients can't be had: one of them is in "
            "every pair; at least 3 cases of different patients and more pairs are needed"
        )
    without = (values.sum() - sums) / (len(values) - counts)
    return float(np.sqrt((len(names) - 1) * without.var())), len(names)


def _of_pairs(cases: Cases, pairs: np.ndarray) -> np.ndarray:
    image, ids = cases.source.image, cases.case_ids
    return np.array([ms_ssim(image(ids[first]), image(ids[second])) for first, second in pairs])
