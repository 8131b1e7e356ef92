"""Maps of all real cases and those of every generator, by the features that the fidelity stage has kept."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from synthtrial.fidelity.metrics.two_sample import two_sample_accuracy
from synthtrial.fidelity.pictures.maps import METHODS, embed, map_features, map_figure
from synthtrial.report.results import Results
from synthtrial.report.synthesis import Synthesis

LEAST = 5
"""Cases that a map needs."""


def generator_maps(results: Results) -> dict[str, Figure]:
    """A figure per feature extractor, of the generators of the first split that have kept its features."""
    split = results.params["splits"][0]
    syntheses = [synthesis for synthesis in results.syntheses if synthesis.split == split]
    names = dict.fromkeys(name for synthesis in syntheses for name in synthesis.features)
    figures = {name: _map(results, [one for one in syntheses if name in one.features], name) for name in names}
    return {name: figure for name, figure in figures.items() if figure is not None}


def _map(results: Results, syntheses: Sequence[Synthesis], name: str) -> Figure | None:
    """One map; None where there are too few cases. Every generator may have its own real cases: each is shown once."""
    real: dict[str, np.ndarray] = {}
    for synthesis in syntheses:
        kept = synthesis.features[name]
        real |= dict(zip(map(str, kept["real_ids"]), kept["real"], strict=True))
    synthetic = [synthesis.features[name]["synthetic"] for synthesis in syntheses]
    counts = [len(features) for features in synthetic]
    if len(real) + sum(counts) < LEAST:
        return None
    features = map_features(np.stack(list(real.values())), np.concatenate(synthetic))
    points = {method: embed(features, method, np.random.default_rng(0)) for method in METHODS}
    sites = [str(site) for site in results.cohort.cases.loc[list(real), "site"]]
    generators = [one.draw for one, count in zip(syntheses, counts, strict=True) for _ in range(count)]
    return map_figure(
        points,
        kinds=["real"] * len(real) + ["synthetic"] * sum(counts),
        sites=[*sites, *[""] * sum(counts)],
        generators=[*[""] * len(real), *generators],
        accuracies={
            one.draw: two_sample_accuracy(one.features[name]["real"], one.features[name]["synthetic"])
            for one in syntheses
        },
    )
