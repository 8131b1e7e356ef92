"""Distances of parts of a synthetic cohort: does drawing more bring it closer to the real one?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from synthtrial.fidelity.metrics.frechet import frechet_distance
from synthtrial.fidelity.metrics.kernel import kernel_distance
from synthtrial.fidelity.scale import FeatureSets

COLUMNS = ("method", "share", "n_synthetic", "n_real", "metric", "value")
METRICS = {"frechet": frechet_distance, "kernel": kernel_distance}


def amount_table(features: FeatureSets, shares: Sequence[float]) -> pd.DataFrame:
    """Distances to all real cases of synthetic sets of several sizes, made in two ways.

    `progressive`: each set holds the smaller ones, as it does when drawing goes on. `independent`: every set is drawn
    anew, so that none shares a case with another; this takes as many synthetic cases as all sets have together, and is
    left out where there are fewer.

    The Frechet distance falls with the size of a set by its bias alone; the kernel distance has no bias, so believe a
    trend only if both show it.

    Args:
        features: of the real and the synthetic cases, the latter in the order drawn.
        shares: sizes of the sets, as shares of the number of real cases.

    Returns:
        One row per method, share and metric: columns `method, share, n_synthetic, n_real, metric, value`.
    """
    n_real, n_synthetic = len(features.real["image"]), len(features.synthetic["image"])
    rows = [
        (method, share, len(part), n_real, f"{name}/{features.name}_n{len(part)}", metric(features.real["image"], part))
        for method, share, part in _parts(features.synthetic["image"], shares, n_real, n_synthetic)
        for name, metric in METRICS.items()
    ]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def _parts(
    drawn: np.ndarray, shares: Sequence[float], n_real: int, n_synthetic: int
) -> Iterator[tuple[str, float, np.ndarray]]:
    """The sets to measure, with method and share; those larger than what was drawn, or of one case, are left out."""
    sizes = [(share, round(share * n_real)) for share in shares]
    for share, size in sizes:
        if 2 <= size <= n_synthetic:
            yield "progressive", share, drawn[:size]
    ends = np.cumsum([size for _, size in sizes])
    if len(ends) and ends[-1] <= n_synthetic:
        for (share, size), end in zip(sizes, ends, strict=True):
            if size >= 2:
                yield "independent", share, drawn[end - size : end]
