"""All that the fidelity stage measures on features: metrics of all cases, and of parts of the synthetic ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from synthtrial.fidelity.amounts import amount_table
from synthtrial.fidelity.class_scores import Classifier, class_probabilities, class_score
from synthtrial.fidelity.compared import Compared
from synthtrial.fidelity.features.extractor import AnyExtractor
from synthtrial.fidelity.measured import Measured
from synthtrial.fidelity.scale import FeatureSets, extract_sets, measure_sets


@dataclass(frozen=True)
class OfFeatures:
    """What was measured on features.

    Attributes:
        sets: the features, one set per extractor.
        measured: metrics by name.
        amounts: content of `amounts.csv`: distances and scores of parts of the synthetic cases.
    """

    sets: list[FeatureSets]
    measured: dict[str, Measured]
    amounts: pd.DataFrame


def measure_features(
    compared: Compared, extractors: list[AnyExtractor], settings: dict[str, Any], seed: int, left_out: dict[str, str]
) -> OfFeatures:
    """All metrics of all extractors.

    Every extractor sees the same halves, so that no number depends on which others there are.

    Args:
        compared: the cases.
        extractors: what turns them into features; one that is a classifier, too, gives the Inception Score.
        settings: the `fidelity` part of params.yaml.
        seed: of halves and noise.
        left_out: takes up what could not be measured, and why.
    """
    sets: list[FeatureSets] = []
    measured: dict[str, Measured] = {}
    amounts: list[pd.DataFrame] = []
    for extractor in extractors:
        rng = np.random.default_rng(seed)
        features = extract_sets(compared.real, compared.synthetic, extractor, settings["batch_size"], rng)
        values, reasons = measure_sets(features, repeats=settings["repeats"], rng=rng)
        sets.append(features)
        measured.update(values)
        left_out.update(reasons)
        probabilities = None
        if isinstance(extractor, Classifier):
            of_all = class_probabilities(compared.real, compared.synthetic, extractor, rng)
            measured |= class_score(of_all, settings["repeats"], rng)
            probabilities = of_all.synthetic
        amounts.append(amount_table(features, settings["amounts"], probabilities))
    return OfFeatures(sets, measured, pd.concat(amounts))
