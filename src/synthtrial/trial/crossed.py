"""The crossed random-effects test: is an arm better than the reference, for other trainings and other patients?

Each fold model f of the arm is paired with the fold model of the reference that had the same training fold, and both
judge every patient p. With two random factors, the differences follow

    d[f, p] = mu + a[f] + b[p] + e[f, p],     var(a) = s_a^2,  var(b) = s_b^2,  var(e) = s_e^2

and their mean over F models and P patients has the variance

    var(mean) = s_a^2 / F + s_b^2 / P + s_e^2 / (F P).                                                          (1)

A two-way analysis of variance without replication has the expected mean squares (Searle, Casella, McCulloch 1992,
"Variance Components")

    E[MS_a] = P s_a^2 + s_e^2,     E[MS_b] = F s_b^2 + s_e^2,     E[MS_e] = s_e^2

so that (1) is estimated by (MS_a + MS_b - MS_e) / (F P). This is the analysis of many readers who read many cases,
with fold models as the readers (Dorfman, Berbaum, Metz 1992, Invest Radiol 27:723; Hillis 2007, Stat Med 26:596). A
component whose estimate is negative is set to zero: its mean square leaves the sum together with MS_e, which leaves

    both above MS_e: MS_a + MS_b - MS_e,     one of them: that one alone,     neither: MS_e                      (2)

over F P, never less than the largest of the three. The degrees of freedom are Satterthwaite's (1946, Biometrics Bull
2:110) for the mean squares MS_i with nu_i degrees of freedom that are in the sum,

    df = (sum_i c_i MS_i)^2 / sum_i (c_i MS_i)^2 / nu_i,     c_i = +1 or -1.                                     (3)

With one of them alone, that is the paired t-test over that factor. A handful of folds gives a poor MS_a: where it is
small by chance, (2) is too small and (3) too large at once, and with 5 folds a null arm is called different in up to
5.8 % of trials. So (3) is also taken with MS_a, and with MS_b, at the upper end of its one-sided 75 % interval,
MS nu / chi2(0.25; nu), and the smallest of the three counts. Simulated over a grid of variances, that rejects 5.1 % at
most with 3 and 5 folds and 5.5 % with 2; it costs up to 3 points of power, or 8 where nothing but the residual varies.

**Repeats.** Trainings of one fold with other seeds share their training cases: they are no more folds. So they are
averaged first, d[f, p] = mean_r d[f, r, p], and the fold stays the unit: s_a^2 is then s_fold^2 + s_seed^2 / R, and
more repeats only sharpen it. Taking all F R models for independent ones would be wrong as soon as folds differ.

**Strata.** Where patients come from several sites and the split is stratified by site, the sites are fixed: other
test patients would come from the same sites. Then MS_b and MS_e are taken within sites, with P - H and (F - 1)(P - H)
degrees of freedom for H sites, and what sites differ by leaves the error. MS_a stays that of the models' means over
all patients, so that a model that suits one site by luck still counts as luck.

What it does not cover: the folds share most of their training cases, so the result holds for trainings on this
development set; another set of development cases would vary more (Nadeau, Bengio 2003, Mach Learn 52:239).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from synthtrial.errors import ConfigError
from synthtrial.trial.effect import Effect, t_effect

POOR_MEAN_SQUARE = 0.25
"""One minus the coverage of the upper bound at which a mean square enters the degrees of freedom."""


class MeanSquares(NamedTuple):
    """Mean squares of a table of models and patients, and their degrees of freedom."""

    model: float
    patient: float
    residual: float
    df_model: int
    df_patient: int
    df_residual: int


def crossed_test(differences: np.ndarray, alpha: float = 0.05, strata: np.ndarray | None = None) -> Effect:
    """Test the mean of a full table of paired differences.

    Args:
        differences: arm minus reference, `(models, patients)`, no gaps; repeats of a fold are averaged.
        alpha: one minus the coverage of the interval.
        strata: stratum of each patient, `(patients,)`, at least one with two patients; None for one stratum.

    Raises:
        ConfigError: with fewer than two models or patients: there is no variance to judge by.
    """
    n_models, n_patients = differences.shape
    if min(n_models, n_patients) < 2:
        raise ConfigError(
            f"the crossed test needs at least 2 fold models and 2 test patients, not {n_models} and {n_patients}; "
            "raise prepare's number of folds, or add patients"
        )
    standard_error, df = error_of_mean(mean_squares(differences, strata), differences.size)
    return t_effect(float(differences.mean()), standard_error, df, alpha)


def mean_squares(table: np.ndarray, strata: np.ndarray | None = None) -> MeanSquares:
    """Mean squares of a two-way table `(models, patients)` without replication, of patients within strata.

    Args:
        table: one value per model and patient.
        strata: stratum of each patient, `(patients,)`; None for one stratum.
    """
    n_models, n_patients = table.shape
    codes = np.zeros(n_patients, int) if strata is None else np.unique(strata, return_inverse=True)[1]
    membership = np.eye(codes.max() + 1)[codes]
    of_stratum = (table @ membership / membership.sum(0))[:, codes]
    within = table - of_stratum
    patients = within.mean(0)
    df_model, df_patient = n_models - 1, n_patients - membership.shape[1]
    return MeanSquares(
        model=float(n_patients * table.mean(1).var(ddof=1)),
        patient=float(n_models * (patients**2).sum() / df_patient),
        residual=float(((within - patients) ** 2).sum() / (df_model * df_patient)),
        df_model=df_model,
        df_patient=df_patient,
        df_residual=df_model * df_patient,
    )


def error_of_mean(squares: MeanSquares, cells: int) -> tuple[float, float]:
    """Standard error of the table's mean, the root of (2), and its degrees of freedom (3) with the bounds.

    Args:
        squares: the table's mean squares.
        cells: models times patients.
    """
    total, df = _sum_and_df(squares)
    poor = (
        squares._replace(model=_upper_bound(squares.model, squares.df_model)),
        squares._replace(patient=_upper_bound(squares.patient, squares.df_patient)),
    )
    return float(np.sqrt(total / cells)), min(df, *(_sum_and_df(bound)[1] for bound in poor))


def _upper_bound(mean_square: float, df: int) -> float:
    from scipy.special import chdtri

    return float(mean_square * df / chdtri(df, 1 - POOR_MEAN_SQUARE))


def _sum_and_df(squares: MeanSquares) -> tuple[float, float]:
    """The sum (2) and its degrees of freedom (3)."""
    terms = [(squares.model, squares.df_model), (squares.patient, squares.df_patient)]
    terms = [(ms, nu) for ms, nu in terms if ms > squares.residual]
    if len(terms) == 1:
        ms, nu = terms[0]
        return ms, float(nu)
    if not terms:
        return squares.residual, float(squares.df_residual)
    terms.append((-squares.residual, squares.df_residual))
    total = sum(ms for ms, _ in terms)
    return total, total**2 / sum(ms**2 / nu for ms, nu in terms)
