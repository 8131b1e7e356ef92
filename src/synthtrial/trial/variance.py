"""Where the variance of an arm's difference comes from: seeds, folds, patients, and the rest.

With R repeats, the differences of a full trial follow

    d[f, r, p] = mu + fold[f] + seed[f, r] + patient[p] + (fold x patient)[f, p] + (seed x patient)[f, r, p].

All components are moment estimates from the analysis of variance (Searle, Casella, McCulloch 1992, ch. 4), those below
zero set to zero. With one repeat, seed and fold are the same thing and stand together under `fold`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from synthtrial.trial.crossed import MeanSquares, error_of_mean, mean_squares

Parts = dict[str, float | None]
"""By source `seed, fold, patient, residual`; None where it can't be told from another source."""


@dataclass(frozen=True)
class CrossedVariance:
    """Variance components of a trial in which every model judges every patient.

    Attributes:
        seed: between repeats of a fold; None with one repeat: then `fold` has it.
        fold: between folds.
        patient: between patients (of a stratum).
        fold_patient: what a fold's models share in one patient; with one repeat all of the residual.
        seed_patient: what is left.
        squares: degrees of freedom of the table, and its mean squares.
        shape: folds, repeats, patients.
    """

    seed: float | None
    fold: float
    patient: float
    fold_patient: float
    seed_patient: float
    squares: MeanSquares
    shape: tuple[int, int, int]

    def single(self) -> Parts:
        """Variance of the difference of one pair of models in one patient."""
        residual = self.fold_patient + self.seed_patient
        return {"seed": self.seed, "fold": self.fold, "patient": self.patient, "residual": residual}

    def of_mean(self) -> Parts:
        """Parts of the squared standard error of the mean difference."""
        folds, repeats, patients = self.shape
        return {
            "seed": None if self.seed is None else self.seed / (folds * repeats),
            "fold": self.fold / folds,
            "patient": self.patient / patients,
            "residual": (self.fold_patient + self.seed_patient / repeats) / (folds * patients),
        }

    def error(self, repeats: float) -> tuple[float, float]:
        """Standard error and degrees of freedom of the mean difference that this many repeats would have."""
        folds, _, patients = self.shape
        residual = self.fold_patient + self.seed_patient / repeats
        squares = self.squares._replace(
            model=patients * (self.fold + (self.seed or 0.0) / repeats) + residual,
            patient=folds * self.patient + residual,
            residual=residual,
        )
        return error_of_mean(squares, folds * patients)

    def all_seed(self) -> CrossedVariance:
        """The most that repeats could do, when one repeat leaves open what is seed: all that may be, is."""
        residual = self.fold_patient + self.seed_patient
        seed = self.fold + (self.seed or 0.0)
        return CrossedVariance(seed, 0.0, self.patient, 0.0, residual, self.squares, self.shape)


def crossed_variance(differences: np.ndarray, strata: np.ndarray | None = None) -> CrossedVariance:
    """Components of a full table.

    Args:
        differences: arm minus reference, `(folds, repeats, patients)`.
        strata: stratum of each patient, or None.
    """
    folds, repeats, patients = differences.shape
    squares = mean_squares(differences.mean(1), strata)
    seed, seed_patient = seed_variance(list(differences))
    of_models = max(0.0, (squares.model - squares.residual) / patients)
    return CrossedVariance(
        seed=seed,
        fold=max(0.0, of_models - (seed or 0.0) / repeats),
        patient=max(0.0, (squares.patient - squares.residual) / folds),
        fold_patient=max(0.0, squares.residual - seed_patient / repeats),
        seed_patient=seed_patient,
        squares=squares,
        shape=(folds, repeats, patients),
    )


@dataclass(frozen=True)
class SiteVariance:
    """Variance components of protocol `site_out`, where each model judges its own site's patients.

    A patient is judged by the models of one site only, so what is the patient's and what the model makes of the patient
    stand together under `patient`.

    Attributes:
        seed: between repeats of a site's model; None with one repeat: then `fold` has it.
        fold: between sites with their models.
        patient: between patients of a site, of the mean over repeats, less what seeds explain.
        residual: repeats in a patient; None with one repeat: then `patient` has it.
        per_site: mean over sites of one over the number of patients.
        n_sites: sites.
        repeats: trainings per site.
    """

    seed: float | None
    fold: float
    patient: float
    residual: float | None
    per_site: float
    n_sites: int
    repeats: int

    def single(self) -> Parts:
        """Variance of the difference of one pair of models in one patient."""
        return {"seed": self.seed, "fold": self.fold, "patient": self.patient, "residual": self.residual}

    def of_mean(self) -> Parts:
        """Parts of the squared standard error of the mean over sites."""
        share = self.per_site / self.n_sites
        return {
            "seed": None if self.seed is None else self.seed / (self.n_sites * self.repeats),
            "fold": self.fold / self.n_sites,
            "patient": self.patient * share,
            "residual": None if self.residual is None else self.residual * share / self.repeats,
        }

    def error(self, repeats: float) -> tuple[float, float]:
        """Standard error and degrees of freedom of the mean over sites that this many repeats would have."""
        of_site = self.fold + (self.seed or 0.0) / repeats
        of_patients = (self.patient + (self.residual or 0.0) / repeats) * self.per_site
        return float(np.sqrt((of_site + of_patients) / self.n_sites)), self.n_sites - 1.0

    def all_seed(self) -> SiteVariance:
        """The most that repeats could do, when one repeat leaves open what is seed: all that may be, is."""
        seed, residual = self.fold + (self.seed or 0.0), self.patient + (self.residual or 0.0)
        return SiteVariance(seed, 0.0, 0.0, residual, self.per_site, self.n_sites, self.repeats)


def site_variance(blocks: Sequence[np.ndarray]) -> SiteVariance:
    """Components of a trial in blocks.

    Args:
        blocks: one array of differences per site, `(repeats, patients)`.
    """
    repeats = blocks[0].shape[0]
    seed, seed_patient = seed_variance(blocks)
    means = np.array([block.mean() for block in blocks])
    deviations = [block.mean(0) - block.mean() for block in blocks]
    freedom = sum(len(deviation) - 1 for deviation in deviations)
    within = float(sum((deviation**2).sum() for deviation in deviations) / freedom) if freedom else 0.0
    per_site = float(np.mean([1 / block.shape[1] for block in blocks]))
    return SiteVariance(
        seed=seed,
        fold=max(0.0, float(means.var(ddof=1)) - within * per_site - (seed or 0.0) / repeats),
        patient=max(0.0, within - seed_patient / repeats),
        residual=None if seed is None else seed_patient,
        per_site=per_site,
        n_sites=len(blocks),
        repeats=repeats,
    )


def seed_variance(blocks: Sequence[np.ndarray]) -> tuple[float | None, float]:
    """Variance between the repeats of a fold, and of repeats within a patient.

    Args:
        blocks: one array per fold, `(repeats, patients)`.

    Returns:
        The two components; None and 0 with one repeat, or with one patient in every fold.
    """
    repeats = blocks[0].shape[0]
    patients = np.array([block.shape[1] for block in blocks])
    freedom = (repeats - 1) * int((patients - 1).sum())
    if not freedom:
        return None, 0.0
    of_repeats, left = 0.0, 0.0
    for block in blocks:
        rows = block.mean(1, keepdims=True) - block.mean()
        of_repeats += float((rows**2).sum())
        left += float(((block - block.mean(0) - rows) ** 2).sum())
    seed_patient = left / freedom
    between = of_repeats / (len(blocks) * (repeats - 1))
    return max(0.0, between - seed_patient * float((1 / patients).mean())), seed_patient
