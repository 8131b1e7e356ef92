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

With one of them alone, that is the paired t-test over that factor. The interval and the p-value come from the same t.

What it does not cover: the folds share most of their training cases, so the result holds for trainings on this
development set; another set of development cases would vary more (Nadeau, Bengio 2003, Mach Learn 52:239).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from synthtrial.errors import ConfigError


@dataclass(frozen=True)
class Crossed:
    """Result of the crossed test.

    Attributes:
        difference: mean of the differences.
        ci_low: lower end of the interval for it.
        ci_high: upper end.
        p: two-sided p-value of no difference; below alpha just when the interval leaves out zero.
        standard_error: square root of (2).
        df: degrees of freedom (3).
        variance: variance components `model`, `patient` and `residual`.
        n_models: fold models.
        n_patients: patients.
    """

    difference: float
    ci_low: float
    ci_high: float
    p: float
    standard_error: float
    df: float
    variance: dict[str, float]
    n_models: int
    n_patients: int


def crossed_test(differences: np.ndarray, alpha: float = 0.05) -> Crossed:
    """Test the mean of a full table of paired differences.

    Args:
        differences: arm minus reference, `(models, patients)`, no gaps.
        alpha: one minus the coverage of the interval.

    Raises:
        ConfigError: with fewer than two models or patients: there is no variance to judge by.
    """
    from scipy.stats import t

    n_models, n_patients = differences.shape
    if min(n_models, n_patients) < 2:
        raise ConfigError(
            f"the crossed test needs at least 2 fold models and 2 test patients, not {n_models} and {n_patients}; "
            "raise prepare's number of folds, or add patients"
        )
    mean = float(differences.mean())
    ms_model, ms_patient, ms_residual = mean_squares(differences)
    sum_of_squares, df = _sum_and_df(ms_model, ms_patient, ms_residual, n_models, n_patients)
    standard_error = float(np.sqrt(sum_of_squares / differences.size))
    margin = float(t.ppf(1 - alpha / 2, df)) * standard_error
    return Crossed(
        difference=mean,
        ci_low=mean - margin,
        ci_high=mean + margin,
        p=float(2 * t.sf(abs(mean) / standard_error, df)) if standard_error else float(mean == 0),
        standard_error=standard_error,
        df=df,
        variance={
            "model": max(0.0, (ms_model - ms_residual) / n_patients),
            "patient": max(0.0, (ms_patient - ms_residual) / n_models),
            "residual": ms_residual,
        },
        n_models=n_models,
        n_patients=n_patients,
    )


def mean_squares(table: np.ndarray) -> tuple[float, float, float]:
    """Mean squares of rows, columns and residual of a two-way table without replication."""
    n_rows, n_columns = table.shape
    rows = table.mean(1, keepdims=True) - table.mean()
    columns = table.mean(0, keepdims=True) - table.mean()
    residual = table - table.mean() - rows - columns
    return (
        float(n_columns * (rows**2).sum() / (n_rows - 1)),
        float(n_rows * (columns**2).sum() / (n_columns - 1)),
        float((residual**2).sum() / ((n_rows - 1) * (n_columns - 1))),
    )


def _sum_and_df(
    ms_model: float, ms_patient: float, ms_residual: float, n_models: int, n_patients: int
) -> tuple[float, float]:
    """The sum (2) and its degrees of freedom (3)."""
    terms = [(ms, nu) for ms, nu in ((ms_model, n_models - 1), (ms_patient, n_patients - 1)) if ms > ms_residual]
    if len(terms) == 1:
        ms, nu = terms[0]
        return ms, float(nu)
    residual_df = (n_models - 1) * (n_patients - 1)
    if not terms:
        return ms_residual, float(residual_df)
    terms.append((-ms_residual, residual_df))
    total = sum(ms for ms, _ in terms)
    return total, total**2 / sum(ms**2 / nu for ms, nu in terms)
