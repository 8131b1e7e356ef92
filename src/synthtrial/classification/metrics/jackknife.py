"""A classifier's score of each patient, though AUROC or F1 are no means over patients: jackknife pseudovalues.

With theta the score of all n patients and theta_(-i) that without patient i and all their cases, the pseudovalue is

    Y_i = n theta - (n - 1) theta_(-i),     normalised: Y_i + theta - mean(Y),                                      (1)

so that the mean over patients is the pooled score itself; Hillis, Berbaum, Metz 2008, Acad Radiol 15:647, "Recent
developments in the Dorfman-Berbaum-Metz procedure for multireader ROC study analysis". The pseudovalues of fold models
and patients make the table that `trial/crossed.py` tests, as those of readers and cases in Dorfman, Berbaum, Metz 1992,
Invest Radiol 27:723. For the accuracy of one case per patient, Y_i is 1 for a right call and 0 for a wrong one; for
AUROC, var(Y) / n is DeLong's variance but for a factor that goes to 1 (DeLong, DeLong, Clarke-Pearson 1988, Biometrics
44:837). The threshold was chosen on other cases, and stays as it is.

Nothing is scored n times: sums over cases lose one patient's share, AUROC loses the pairs that a patient is in, AUPRC
loses what a patient adds to the counts at each cut.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthtrial.classification.metrics.judged import Judged, read_judged
from synthtrial.classification.metrics.names import metric_of
from synthtrial.classification.metrics.ranking import at_or_above, wins
from synthtrial.classification.metrics.scoring import ADDITIVE, Additive, score_of, truths
from synthtrial.errors import ConfigError


def pseudovalues(cases: pd.DataFrame, metric: str) -> pd.Series:
    """Normalised pseudovalues (1) of one model's score; their mean is the score pooled over cases.

    Args:
        cases: rows of `cases.csv` of one model: one row per case, several per patient if need be.
        metric: one of `metric_names`.

    Returns:
        One value per patient, indexed by `patient_id` in its order; not confined to [0, 1].

    Raises:
        ConfigError: when a class that the metric is about has cases of fewer than two patients (for accuracy and the
            metrics of calibration: when there are fewer than two patients): without one, there would be no score.
        ValueError: when it is no metric, or a case comes twice.
    """
    judged = read_judged(cases)
    if metric_of(metric).about == "one":
        judged = judged.seen_from(metric.partition("/")[2])
    patient, names = pd.factorize(cases["patient_id"], sort=True)
    if (patient < 0).any():
        raise ConfigError(f"{judged.place}: a judged case has no patient_id; prepare the cohort again")
    _check_patients(judged, patient, metric)
    theta, n = score_of(judged, metric), len(names)
    raw = n * theta - (n - 1) * _without_each(judged, patient, metric)
    return pd.Series(raw + (theta - raw.mean()), index=pd.Index(names, name="patient_id"), name=metric)


def _check_patients(judged: Judged, patient: np.ndarray, metric: str) -> None:
    """Refuse what can't be judged without one patient."""
    everyone = [(np.ones(len(patient), bool), "any class")]
    for is_there, class_name in truths(judged, metric) or everyone:
        n_patients = len(np.unique(patient[is_there]))
        if n_patients < 2:
            raise ConfigError(
                f"{judged.place}: {metric} needs judged cases of {class_name or 'the negative class'} from at least 2 "
                f"patients, not {n_patients}: its error is told by leaving patients out; judge more patients, or "
                "take another metric"
            )


def _without_each(judged: Judged, patient: np.ndarray, metric: str) -> np.ndarray:
    """The score without each patient, `(patients,)`.

    Args:
        judged: the cases, seen from the class of the metric if it is about one.
        patient: number of each case's patient, from 0, `(n,)`.
        metric: one of `metric_names`.
    """
    name = metric.partition("/")[0]
    if name in ADDITIVE:
        return _without_share(ADDITIVE[name], judged, patient)
    return (_auroc_without_each if name == "auroc" else _auprc_without_each)(judged, patient)


def _without_share(metric: Additive, judged: Judged, patient: np.ndarray) -> np.ndarray:
    """A metric of sums over cases, without each patient's share of the sums, `(patients,)`."""
    terms = metric.terms(judged)
    shares = np.zeros((patient.max() + 1, terms.shape[1]))
    np.add.at(shares, patient, terms)
    return metric.value(terms.sum(0) - shares)


def _auroc_without_each(judged: Judged, patient: np.ndarray) -> np.ndarray:
    """AUROC without each patient, `(patients,)`: pairs won without theirs, over the pairs that are left."""
    truth, probability = judged.truth, judged.probability
    positive, negative = probability[truth], probability[~truth]
    won = np.empty(len(truth))
    won[truth] = wins(positive, negative)
    won[~truth] = len(positive) - wins(negative, positive)
    of_patient = np.bincount(patient, won)
    n_positive, n_negative = np.bincount(patient, truth), np.bincount(patient, ~truth)
    for i in np.flatnonzero((n_positive > 0) & (n_negative > 0)):
        # Pairs within a patient count with both of their cases.
        own, own_truth = probability[patient == i], truth[patient == i]
        of_patient[i] -= wins(own[own_truth], own[~own_truth]).sum()
    pairs = (len(positive) - n_positive) * (len(negative) - n_negative)
    return (won[truth].sum() - of_patient) / pairs


def _auprc_without_each(judged: Judged, patient: np.ndarray) -> np.ndarray:
    """AUPRC without each patient, `(patients,)`: their cases leave the counts at the cuts, and the cuts."""
    truth, probability = judged.truth, judged.probability
    cuts, cut_patient = probability[truth], patient[truth]
    true, every = at_or_above(cuts, cuts), at_or_above(probability, cuts)
    values = []
    for i, own in enumerate(np.split(np.argsort(patient, kind="stable"), np.cumsum(np.bincount(patient))[:-1])):
        left = cut_patient != i
        own_true = own[truth[own]]
        true_left = true[left] - at_or_above(probability[own_true], cuts[left])
        values.append((true_left / (every[left] - at_or_above(probability[own], cuts[left]))).mean())
    return np.array(values)
