"""Membership attack: can the synthetic cases tell who was in the training set?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.audit.coarse import CoarseCases
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.measured import Measured

RESAMPLES = 2000
"""Bootstrap samples of the patients."""


def membership_auc(
    training: np.ndarray,
    held_out: np.ndarray,
    training_patients: Sequence[str],
    held_out_patients: Sequence[str],
    rng: np.random.Generator,
) -> Measured:
    r"""How well distances to the synthetic cases tell training cases from held-out ones.

    The attacker has the synthetic cases only, and takes a real case for a training case the more, the nearer the
    nearest synthetic one is (the full black-box attack of Chen et al. 2020, "GAN-Leaks", arXiv 1909.03935, without
    its calibration).

    .. math:: \mathrm{AUC} = P(d_{training} < d_{held\ out}) + \tfrac{1}{2} P(d_{training} = d_{held\ out})

    over pairs of one training and one held-out case. 0.5 says that this attacker learns nothing, 1 that he knows.
    A better attacker may still learn something. The interval is the 95 % percentile interval of 2,000 bootstrap samples
    of the patients of each group, with all their cases; with fewer than about 10 held-out patients it is too narrow.

    Args:
        training: distances of the training cases to their nearest synthetic case `(n,)`.
        held_out: the same of real cases that the generator has not seen `(m,)`.
        training_patients: patients of the training cases.
        held_out_patients: patients of the held-out cases.
        rng: draws the patients.

    Raises:
        SynthtrialError: without training or held-out cases, or for distances that are not finite.
    """
    if not (len(training) and len(held_out)) or not (np.isfinite(training).all() and np.isfinite(held_out).all()):
        raise SynthtrialError(
            f"a membership attack needs finite distances of at least 1 training and 1 held-out case, "
            f"and has {len(training)} and {len(held_out)}"
        )
    members, others = _numbers(training_patients), _numbers(held_out_patients)
    order = np.argsort(training, kind="stable")
    nearer, not_farther = (np.searchsorted(training[order], held_out, side) for side in ("left", "right"))

    def auc(of_members: np.ndarray, of_others: np.ndarray) -> float:
        """The AUC with each case as often as told. All sums are halves of whole numbers, and exact."""
        up_to = np.concatenate([[0], np.cumsum(of_members[order], dtype=np.int64)])
        wins = (up_to[nearer] + up_to[not_farther]) / 2
        return float(wins @ of_others / (up_to[-1] * of_others.sum()))

    value = auc(np.ones(len(training), int), np.ones(len(held_out), int))
    drawn_members, drawn_others = (_draws(group.max() + 1, rng) for group in (members, others))
    samples = [auc(first[members], second[others]) for first, second in zip(drawn_members, drawn_others, strict=True)]
    low, high = np.quantile(samples, [0.025, 0.975])
    return Measured(value, float(low), float(high), floor=0.5, ceiling=None, better="lower")


def pixel_distances(real: Cases, synthetic: Cases) -> np.ndarray:
    """Distance of each real case to its nearest synthetic one `(n,)`, on a coarse grid, over mirroring and shifts."""
    coarse = CoarseCases(synthetic.images(), synthetic.source.shape)
    return np.array([coarse(image).min() for image in real.images()])


def feature_distances(real: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    """Distance of each real case `(n, d)` to its nearest synthetic one `(m, d)`, standardised by the synthetic ones.

    Features that are the same for all synthetic cases are dropped; if all are, the generator draws one picture only,
    and features are compared as they are.
    """
    deviations = synthetic.std(axis=0)
    used = deviations > 1e-9 * np.abs(synthetic).max(axis=0)
    if not used.any():
        used, deviations = ~used, np.ones_like(deviations)
    scaled = [features[:, used] / deviations[used] for features in (real, synthetic)]
    return np.array([np.sqrt(np.square(scaled[1] - one).mean(axis=1)).min() for one in scaled[0]])


def _numbers(patients: Sequence[str]) -> np.ndarray:
    """Number of each case's patient `(n,)`, from 0, in the order of their names."""
    return np.unique(list(patients), return_inverse=True)[1]


def _draws(patients: int, rng: np.random.Generator) -> np.ndarray:
    """How often each patient is drawn in each bootstrap sample `(RESAMPLES, patients)`: 4 KiB per patient."""
    drawn = np.empty((RESAMPLES, patients), np.uint16)
    for row in drawn:
        row[:] = rng.multinomial(patients, np.full(patients, 1 / patients))
    return drawn
