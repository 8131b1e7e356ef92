"""How good a classifier's probabilities and its calls are: names, counts, ranking, calibration, curves, jackknife."""

from synthtrial.classification.metrics.counts import confusion
from synthtrial.classification.metrics.curves import precision_recall_curve, reliability, roc_curve
from synthtrial.classification.metrics.jackknife import pseudovalues
from synthtrial.classification.metrics.names import in_words, is_metric, larger_is_better, metric_names
from synthtrial.classification.metrics.scoring import score, scores

__all__ = [
    "confusion",
    "in_words",
    "is_metric",
    "larger_is_better",
    "metric_names",
    "precision_recall_curve",
    "pseudovalues",
    "reliability",
    "roc_curve",
    "score",
    "scores",
]
