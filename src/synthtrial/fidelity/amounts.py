"""Distances and scores of parts of a synthetic cohort: does drawing more bring it closer to the real one?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from synthtrial.fidelity.metrics.frechet import frechet_distance
from synthtrial.fidelity.metrics.inception_score import inception_score
from synthtrial.fidelity.metrics.kernel import kernel_distance
from synthtrial.fidelity.scale import FeatureSets

COLUMNS = ("method", "share", "n_synthetic", "n_real", "metric", "value")
METRICS = {"frechet": frechet_distance, "kernel": kernel_distance}


def amount_table(
    features: FeatureSets, shares: Sequence[float], probabilities: np.ndarray | None = None
) -> pd.DataFrame:
    """Distances to all real cases of synthetic sets of several sizes, made in two ways, and their Inception Scores.

    `progressive`: each set holds the smaller ones, as it does when drawing goes on. `independent`: every set is drawn
    anew, so that none shares a case with another; this takes as many synthetic cases as all sets have together, and is
    left out where there are fewer.

    The Frechet distance falls with the size of a set by its bias alone; the kernel distance has no bias, so believe a
    trend only if both show it. The Inception Score is biased, too: that of few images is too low.

    Args:
        features: of the real and the synthetic cases, the latter in the order drawn.
        shares: sizes of the sets, as shares of the number of real cases.
        probabilities: of classes, of the synthetic cases in the order drawn, `(cases, classes)`; None where the
            extractor is no classifier: there is no Inception Score then.

    Returns:
        One row per method, share and metric: columns `method, share, n_synthetic, n_real, metric, value`.
    """
    real, drawn = features.real["image"], features.synthetic["image"]
    rows = []
    for method, share, part in _parts(shares, len(real), len(drawn)):
        values = {name: metric(real, drawn[part]) for name, metric in METRICS.items()}
        if probabilities is not None:
            values["inception_score"] = inception_score(probabilities[part])[0]
        n = part.stop - part.start
        rows += [(method, share, n, len(real), f"{name}/{features.name}_n{n}", values[name]) for name in values]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _parts(shares: Sequence[float], n_real: int, n_synthetic: int) -> Iterator[tuple[str, float, slice]]:
    """The sets to measure, with method and share; those larger than what was drawn, or of one case, are left out."""
    sizes = [(share, round(share * n_real)) for share in shares]
    for share, size in sizes:
        if 2 <= size <= n_synthetic:
            yield "progressive", share, slice(0, size)
    ends = np.cumsum([size for _, size in sizes]).tolist()
    if ends and ends[-1] <= n_synthetic:
        for (share, size), end in zip(sizes, ends, strict=True):
            if size >= 2:
                yield "independent", share, slice(end - size, end)
