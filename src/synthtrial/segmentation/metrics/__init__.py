"""How good a predicted label map is: overlap, surfaces, lesions, one concept per file; `scoring.py` joins them."""

from synthtrial.segmentation.metrics.names import in_words, larger_is_better, metric_names
from synthtrial.segmentation.metrics.overlap import dice_per_label, with_mean
from synthtrial.segmentation.metrics.scoring import TOLERANCE_MM, score_case

__all__ = [
    "TOLERANCE_MM",
    "dice_per_label",
    "in_words",
    "larger_is_better",
    "metric_names",
    "score_case",
    "with_mean",
]
