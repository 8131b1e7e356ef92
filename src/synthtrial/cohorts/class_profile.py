"""What the cohort report says of classes: how many, and whether size alone tells them apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np

from synthtrial.cohorts.preparing_case import PreparedCase
from synthtrial.cohorts.spread import spread


def class_profile(cases: Sequence[PreparedCase], with_masks: bool) -> dict[str, Any]:
    """Counts and sizes by class.

    Args:
        cases: those that were kept.
        with_masks: whether the cohort has masks.

    Returns:
        `{"classes": {class: {"cases", "patients", "picture_size" (voxels of the raw image), "lesion_size" (ml, or cm2
        in 2D; with masks)}}, "patients_of_several_classes": int, "size_alone": {quantity: {"auroc", "larger"}}}`;
        `size_alone` tells, with two classes, how well a size by itself separates them, 0.5 to 1. A classifier that is
        no better may have learned nothing else.
    """
    by_class: dict[str, list[PreparedCase]] = {}
    for case in cases:
        if case.ref.label:
            by_class.setdefault(case.ref.label, []).append(case)
    sizes = {
        label: {
            "picture_size": [float(np.prod(case.original_shape)) for case in by_class[label]],
            **({"lesion_size": [sum(case.lesion_ml.values()) for case in by_class[label]]} if with_masks else {}),
        }
        for label in sorted(by_class)
    }
    patients = {label: {case.ref.patient_id for case in by_class[label]} for label in sizes}
    quantities = list(next(iter(sizes.values()))) if len(sizes) == 2 else []
    return {
        "classes": {
            label: {
                "cases": len(by_class[label]),
                "patients": len(patients[label]),
                **{quantity: spread(values) for quantity, values in of_class.items()},
            }
            for label, of_class in sizes.items()
        },
        "patients_of_several_classes": sum(count > 1 for count in Counter(chain(*patients.values())).values()),
        "size_alone": {
            quantity: separation({label: of_class[quantity] for label, of_class in sizes.items()})
            for quantity in quantities
        },
    }


def separation(values: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """How well one number separates two classes.

    Args:
        values: class -> the number of each of its cases; two classes.

    Returns:
        `{"auroc": 0.5..1, "larger": the class with the larger numbers}`. The area under the ROC curve is the
        probability that a case of this class has the larger number, ties counted half.
    """
    from scipy.stats import rankdata

    (first, of_first), (second, of_second) = values.items()
    ranks = rankdata([*of_first, *of_second])
    n, m = len(of_first), len(of_second)
    auroc = float((ranks[n:].sum() - m * (m + 1) / 2) / (n * m))
    return {"auroc": round(max(auroc, 1 - auroc), 4), "larger": second if auroc >= 0.5 else first}
