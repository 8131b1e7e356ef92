"""Metrics of feature sets, each on a scale from real against real to noise against real."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass

import numpy as np

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.features.extractor import ALL_VIEWS, AnyExtractor, Features, extract_features
from synthtrial.fidelity.measured import Better, Measured
from synthtrial.fidelity.metrics.frechet import frechet_distance
from synthtrial.fidelity.metrics.kernel import kernel_distance, kernel_distance_with_error
from synthtrial.fidelity.metrics.mmd import gaussian_mmd
from synthtrial.fidelity.metrics.neighbours import coverage, density, precision, recall
from synthtrial.fidelity.metrics.two_sample import two_sample_accuracy
from synthtrial.fidelity.noise import noise_like

SUFFIX = {"image": "", "mask": "_mask", "pair": "_pair"}
"""What a metric's name says of the view that it was measured on."""


@dataclass(frozen=True)
class SetMetric:
    """A number that compares two sets of features.

    Attributes:
        name: first word of the metric's name.
        function: of real `(n, d)` and synthetic features `(n, d)`.
        better: which values are good.
        least: cases of each kind that it needs.
        with_error: the metric of all cases and its standard error, where there is a formula for that.
    """

    name: str
    function: Callable[[np.ndarray, np.ndarray], float]
    better: Better
    least: int
    with_error: Callable[[np.ndarray, np.ndarray], tuple[float, float]] | None = None


SET_METRICS = (
    SetMetric("frechet", frechet_distance, "lower", 2),
    SetMetric("kernel", kernel_distance, "lower", 2, kernel_distance_with_error),
    SetMetric("mmd", gaussian_mmd, "lower", 2),
    SetMetric("precision", precision, "higher", 4),
    SetMetric("recall", recall, "higher", 4),
    SetMetric("density", density, "higher", 6),
    SetMetric("coverage", coverage, "higher", 6),
    SetMetric("two_sample", two_sample_accuracy, "lower", 2),
)


@dataclass(frozen=True)
class FeatureSets:
    """Features of one extractor, by view.

    Attributes:
        name: of the extractor.
        patients: of each real case.
        real, synthetic, noise: features `(cases, d)` by view; of noise there are half as many as of the smaller set.
    """

    name: str
    patients: tuple[str, ...]
    real: Features
    synthetic: Features
    noise: Features

    @property
    def half(self) -> int:
        """Cases of each kind in one comparison: half of the smaller set."""
        return min(self.counts) // 2

    @property
    def counts(self) -> tuple[int, int]:
        """Real cases and synthetic ones."""
        view = next(iter(self.real))
        return len(self.real[view]), len(self.synthetic[view])


def extract_sets(
    real: Cases,
    synthetic: Cases,
    extractor: AnyExtractor,
    batch_size: int,
    rng: np.random.Generator,
    wanted: Collection[str] = ALL_VIEWS,
) -> FeatureSets:
    """Features of the real and the synthetic cases, and of noise in their shape, by view; images are streamed."""
    noise = noise_like(real, max(min(len(real), len(synthetic)) // 2, 1), rng)
    of_all = [extract_features(extractor, cases, batch_size, wanted) for cases in (real, synthetic, noise)]
    features = FeatureSets(extractor.name, real.patients, *of_all)
    check_features(features)
    return features


def measure_sets(
    features: FeatureSets,
    *,
    repeats: int,
    rng: np.random.Generator,
    metrics: Sequence[SetMetric] = SET_METRICS,
) -> tuple[dict[str, Measured], dict[str, str]]:
    """Every metric on every view, with its floor, its ceiling and its interval.

    Most metrics depend on how many cases they compare, so all comparisons are n with n, where n is half of the smaller
    set: a random half of the real cases against one of the synthetic (the value), against the other half of the real
    (the floor), and against noise (the ceiling). Each is a mean over many random halves.

    The interval holds 95 % of the values of these halves. A bootstrap that draws cases with replacement would repeat
    cases, which makes any distance too large and nearest neighbours meaningless; halves repeat none, and for a mean the
    spread over halves is the standard error of the whole set (the delete-half jackknife, Shao & Wu 1989, doi
    10.1214/aos/1176347263). Where one set has more than twice as many cases as n, the interval is wider than need be.

    Args:
        features: of real cases, synthetic ones and noise.
        repeats: number of random halves.
        rng: draws the halves.
        metrics: which metrics.

    Returns:
        Metrics by name, and for those that can't be had their names and the reason.
    """
    n = features.half
    n_real, n_synthetic = features.counts
    left_out = {
        f"{metric.name}{SUFFIX[view]}/{features.name}": f"needs {2 * metric.least} real and {2 * metric.least} "
        f"synthetic cases, here are {n_real} and {n_synthetic}"
        for view in features.real
        for metric in metrics
        if n < metric.least
    }
    halves = [(shuffled(features.patients, rng), rng.permutation(n_synthetic)[:n]) for _ in range(repeats)]
    measured = {}
    for view in features.real:
        for metric in metrics:
            name = f"{metric.name}{SUFFIX[view]}/{features.name}"
            if n >= metric.least:
                try:
                    measured[f"{name}_n{n}"] = _measure(metric, features, view, halves)
                except SynthtrialError as error:
                    left_out[name] = str(error)
    return measured, left_out


def shuffled(patients: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    """A random order of the cases with those of one patient together, so that halves hardly share patients."""
    _, of_case = np.unique(patients, return_inverse=True)
    place = rng.permutation(of_case.max() + 1)[of_case]
    return np.lexsort((rng.random(len(of_case)), place))


def _measure(
    metric: SetMetric, features: FeatureSets, view: str, halves: Sequence[tuple[np.ndarray, np.ndarray]]
) -> Measured:
    """One metric on one view: the mean over halves of value, floor and ceiling."""
    real, synthetic, n = features.real[view], features.synthetic[view], features.half
    rows = []
    for order, chosen in halves:
        half, other_half = real[order[:n]], real[order[-n:]]
        others = (synthetic[chosen], other_half, features.noise[view][:n])
        rows.append([metric.function(half, other) for other in others])
    value, floor, ceiling = np.mean(rows, axis=0)
    low, high = np.quantile([row[0] for row in rows], [0.025, 0.975])
    error = metric.with_error(real, synthetic)[1] if metric.with_error else None
    return Measured(float(value), float(low), float(high), float(floor), float(ceiling), metric.better, error)


def check_features(features: FeatureSets) -> None:
    """Refuse features that no metric can use.

    Raises:
        SynthtrialError: for NaN or infinite values, which come from such values in the images.
    """
    for kind in ("real", "synthetic"):
        for view, values in getattr(features, kind).items():
            if not np.isfinite(values).all():
                rows = np.flatnonzero(~np.isfinite(values).all(axis=1))
                raise SynthtrialError(
                    f"{features.name} gives NaN or infinite features for {len(rows)} {kind} case(s), the first of them "
                    f"number {rows[0] + 1} ({view}): look at these images"
                )
