"""Maps of cases in feature space."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.metrics.feature_sets import checked_features
from synthtrial.fidelity.pictures.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure

METHODS = ("tsne", "spectral")
PERPLEXITY, LEARNING_RATE = 10.0, 200.0
NEIGHBOURS = 15
"""Neighbours per case in the graph of the spectral map, UMAP's default."""

COMPONENTS = 50
"""Principal components that maps start from at most."""

SITE_COLOURS = (COLOURS["real"], "#7FB8DE", "#003A5C", "#4F9FD0", "#B5D8EE")
SITE_MARKERS = ("o", "s", "^")
"""Tones of blue, and shapes; both advance together, which makes 15 pairs."""

GENERATOR_COLOURS = (COLOURS["synthetic"], "#009E73", "#CC79A7", "#E69F00", "#4D4D4D")
GENERATOR_MARKERS = ("s", "D", "^", "v", "P", "X")
"""Colours that are not blue, in the order of the report's, and its shapes, drawn hollow; 30 pairs."""


def map_features(real: np.ndarray, synthetic: np.ndarray) -> np.ndarray:
    """What maps are made of: features standardised by the real cases, then their main principal components.

    Args:
        real: features `(n, d)`.
        synthetic: features `(m, d)`.

    Returns:
        `(n + m, k)`, the real cases first; k is 50, or less where there are fewer cases or features.

    Raises:
        SynthtrialError: for other shapes, or values that are not finite.
    """
    real, synthetic = checked_features(real, synthetic, "map")
    spread = real.std(axis=0)
    together = (np.concatenate([real, synthetic]) - real.mean(axis=0)) / np.where(spread > 0, spread, 1)
    centred = together - together.mean(axis=0)
    left, lengths, _ = np.linalg.svd(centred, full_matrices=False)
    return (left * lengths)[:, :COMPONENTS]


def embed(features: np.ndarray, method: str, rng: np.random.Generator) -> np.ndarray:
    """Lay cases out in a plane so that those with similar features are neighbours.

    `tsne` is t-SNE (van der Maaten & Hinton 2008, JMLR 9) with perplexity 10 and learning rate 200, started from the
    first two principal components; see `perplexity_of` for few cases. `spectral` are the Laplacian eigenmaps (Belkin &
    Niyogi 2003, doi 10.1162/089976603321780317) of the graph of nearest neighbours: what UMAP (McInnes et al. 2018,
    arXiv 1802.03426) starts from, without its further layout; see `neighbours_of`.

    Read no more from a map than who is whose neighbour. In t-SNE, distances between clusters, and the sizes and
    densities of clusters, mean little (Wattenberg et al. 2016, doi 10.23915/distill.00002); `two_sample_accuracy` is
    the number to trust.

    Args:
        features: `(n, d)`, as `map_features` makes them.
        method: `tsne` or `spectral`.
        rng: seeds it; the same seed gives the same map, whatever the number of threads.

    Returns:
        Points `(n, 2)`, in no unit.

    Raises:
        ConfigError: for another method.
        SynthtrialError: for fewer than 5 cases.
    """
    if method not in METHODS:
        raise ConfigError(f"unknown map {method!r}; there are: {', '.join(METHODS)}")
    if len(features) < 5:
        raise SynthtrialError(f"a map of {len(features)} cases shows nothing: at least 5 are needed")
    from threadpoolctl import threadpool_limits

    seed = int(rng.integers(2**31))
    # With several threads the order of sums differs from run to run, and t-SNE magnifies the last bits.
    with threadpool_limits(1):
        return _tsne(features, seed) if method == "tsne" else _spectral(features, seed)


def _tsne(features: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.manifold import TSNE

    perplexity = perplexity_of(len(features))
    tsne = TSNE(perplexity=perplexity, learning_rate=LEARNING_RATE, init="pca", random_state=seed)
    return tsne.fit_transform(features).astype(np.float64)


def _spectral(features: np.ndarray, seed: int) -> np.ndarray:
    from sklearn.manifold import SpectralEmbedding

    return SpectralEmbedding(
        affinity="nearest_neighbors", n_neighbors=neighbours_of(features), random_state=seed
    ).fit_transform(features)


def perplexity_of(n: int) -> float:
    """t-SNE's perplexity for n cases: 10, or a third of the other cases where they are fewer than 30."""
    return min(PERPLEXITY, (n - 1) / 3)


def neighbours_of(features: np.ndarray) -> int:
    """How many neighbours per case, itself included, connect the graph.

    These are 15, or a third of the cases where they are fewer than 45, and a quarter more as often as it takes. A graph
    in pieces has no spectral map: each piece would shrink to a point. So real and synthetic cases that have no
    neighbours in common take more.
    """
    from scipy.sparse.csgraph import connected_components
    from sklearn.neighbors import kneighbors_graph

    most = len(features)
    count = min(NEIGHBOURS, max(most // 3, 2))
    while connected_components(kneighbors_graph(features, count, include_self=True), directed=False)[0] > 1:
        count = min(count + count // 4 + 1, most)
    return count


def map_figure(
    points_by_method: Mapping[str, np.ndarray],
    kinds: Sequence[str],
    sites: Sequence[str],
    generators: Sequence[str],
    accuracies: Mapping[str, float] | None = None,
) -> Figure:
    """Maps side by side: real cases by site in blue, filled; synthetic ones by generator in other colours, hollow.

    Args:
        points_by_method: what `embed` made of the n cases, `(n, 2)`, by method.
        kinds: `real` or `synthetic`, for each case.
        sites: site of each real case, empty where there are none; what it holds for synthetic cases is not looked at.
        generators: generator of each synthetic case, likewise.
        accuracies: `two_sample_accuracy` of some generators, for the legend.
    """
    from matplotlib.figure import Figure

    groups = _groups(kinds, sites, generators)
    height = max(4.4, 0.2 * len(groups) + 1)
    figure = Figure(figsize=(4.3 * len(points_by_method) + 2.6, height), layout="constrained")
    panels = figure.subplots(1, len(points_by_method), squeeze=False)[0]
    for axes, (method, points) in zip(panels, points_by_method.items(), strict=True):
        for group in groups:
            where = points[group.rows].T
            axes.scatter(*where, s=_marker_size(len(points)), label=group.label(accuracies or {}), **group.look)
        axes.set(xticks=[], yticks=[])
        axes.set_title(_title(method, len(points)), fontsize="medium")
        axes.spines[:].set_color("0.7")
    handles, labels = panels[0].get_legend_handles_labels()
    legend = figure.legend(handles, labels, loc="outside right upper", frameon=False, fontsize="small", markerscale=1.2)
    if accuracies:
        legend.set_title(
            "1-NN: how often the nearest\nneighbour tells real from synthetic;\n0.5 is a guess, 1 is always"
        )
        legend.get_title().set_fontsize("x-small")
        legend.set_alignment("left")
    return figure


@dataclass(frozen=True)
class _Group:
    """Cases that look alike on a map."""

    kind: str
    name: str
    rows: np.ndarray
    look: dict[str, Any]

    def label(self, accuracies: Mapping[str, float]) -> str:
        kind = f"{self.kind}, {self.name}" if self.kind == "real" and self.name else self.name or self.kind
        told = f", 1-NN {accuracies[self.name]:.2f}" if self.kind == "synthetic" and self.name in accuracies else ""
        return f"{kind} (n = {len(self.rows)}){told}"


def _groups(kinds: Sequence[str], sites: Sequence[str], generators: Sequence[str]) -> list[_Group]:
    """Real cases by site, in order of their names, then synthetic ones by generator, in the order they come in."""
    groups = []
    for kind, names, look in (("real", sites, _site_look), ("synthetic", generators, _generator_look)):
        rows_by_name: dict[str, list[int]] = {}
        for row, (its_kind, name) in enumerate(zip(kinds, names, strict=True)):
            if its_kind == kind:
                rows_by_name.setdefault(name, []).append(row)
        order = sorted(rows_by_name) if kind == "real" else rows_by_name
        groups += [_Group(kind, name, np.array(rows_by_name[name]), look(k)) for k, name in enumerate(order)]
    return groups


def _site_look(index: int) -> dict[str, Any]:
    colour, marker = SITE_COLOURS[index % len(SITE_COLOURS)], SITE_MARKERS[index % len(SITE_MARKERS)]
    return {"facecolors": colour, "marker": marker, "edgecolors": "white", "linewidths": 0.4, "zorder": 2}


def _generator_look(index: int) -> dict[str, Any]:
    colour = GENERATOR_COLOURS[index % len(GENERATOR_COLOURS)]
    marker = GENERATOR_MARKERS[index % len(GENERATOR_MARKERS)]
    return {"facecolors": "none", "marker": marker, "edgecolors": colour, "linewidths": 1.1, "zorder": 3}


def _marker_size(n: int) -> float:
    """Area of a marker, squared points: smaller where there are many cases."""
    return float(np.clip(6000 / n, 9, 40))


def _title(method: str, n: int) -> str:
    if method == "spectral":
        return "spectral map of nearest neighbours"
    lowered = perplexity_of(n) < PERPLEXITY
    return f"t-SNE, perplexity {perplexity_of(n):.3g}" + (f": lowered for {n} cases" if lowered else "")
