"""Shares of the variance of a study's scores: how much is the arm, the fold, the seed, the patient?"""

from __future__ import annotations

from itertools import combinations

import numpy as np

from synthtrial.trial.variance import seed_variance


def study_shares(scores: np.ndarray) -> dict[str, float | None]:
    """Shares of the variance of a single score, by the analysis of variance of all arms together.

    Args:
        scores: a score per arm, fold, repeat and patient, `(arms, folds, repeats, patients)`, at least 2 of all but
            the repeats.

    Returns:
        Shares that sum to 1: `arm`; `fold`, with what a fold does for one arm; `seed`, None with one repeat: then
        `fold` has it; `patient`; `arm_patient`, what an arm does for one patient; `residual`.
    """
    arms, folds, repeats, patients = scores.shape
    seed, seed_patient = seed_variance(list(scores.reshape(arms * folds, repeats, patients)))
    parts = components(scores.mean(2), ("arm", "fold", "patient"))
    of_arms_folds = max(0.0, parts["arm", "fold"] - (seed or 0.0) / repeats)
    of_cells = max(0.0, parts["arm", "fold", "patient"] - seed_patient / repeats)
    variances: dict[str, float | None] = {
        "arm": max(0.0, parts["arm",]),
        "fold": max(0.0, parts["fold",]) + of_arms_folds,
        "seed": seed,
        "patient": max(0.0, parts["patient",]),
        "arm_patient": max(0.0, parts["arm", "patient"]),
        "residual": max(0.0, parts["fold", "patient"]) + of_cells + seed_patient,
    }
    total = sum(value or 0.0 for value in variances.values()) or 1.0
    return {source: None if value is None else value / total for source, value in variances.items()}


def components(table: np.ndarray, factors: tuple[str, ...]) -> dict[tuple[str, ...], float]:
    """Moment estimates of all variance components of a full factorial table without replication.

    With every factor random, the mean square of a set S of factors has the expectation

        E[MS_S] = sum over T that contain S of s_T^2 times the levels of the factors outside T,

    which Moebius inversion solves: s_S^2 = sum over T that contain S of (-1)^(|T| - |S|) MS_T, over the levels
    outside S.

    Args:
        table: one value per combination of levels; one axis per factor, at least two levels each.
        factors: names of the axes.

    Returns:
        The component of every set of factors, in the order of `factors`; an estimate may be below zero.
    """
    axes = range(table.ndim)
    sets = [chosen for size in range(1, table.ndim + 1) for chosen in combinations(axes, size)]
    squares = {chosen: _mean_square(table, chosen) for chosen in sets}
    found = {}
    for chosen in sets:
        outside = np.prod([table.shape[axis] for axis in axes if axis not in chosen])
        signed = [(-1) ** (len(s) - len(chosen)) * squares[s] for s in sets if set(chosen) <= set(s)]
        found[tuple(factors[axis] for axis in chosen)] = float(sum(signed) / outside)
    return found


def _mean_square(table: np.ndarray, chosen: tuple[int, ...]) -> float:
    """Mean square of the effect of some axes: what their means are beyond the effects of fewer of them."""
    effect = table.mean(tuple(axis for axis in range(table.ndim) if axis not in chosen), keepdims=True)
    for axis in chosen:
        effect = effect - effect.mean(axis, keepdims=True)
    freedom = np.prod([table.shape[axis] - 1 for axis in chosen])
    return float((effect**2).sum() * table.size / effect.size / freedom)
