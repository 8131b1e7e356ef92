"""Distances between real and synthetic cases, with the floor and the ceiling that give them a scale."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from synthtrial.fidelity.distributions import Cases
from synthtrial.fidelity.features.extractor import FeatureExtractor, Views, extract_features, views_of_case
from synthtrial.fidelity.frechet import frechet_distance

METRIC_OF_VIEW = {"image": "frechet", "mask": "frechet_mask", "pair": "frechet_pair"}


def distances(
    real: Cases, synthetic: Cases, extractor: FeatureExtractor, repeats: int, batch_size: int, rng: np.random.Generator
) -> dict[str, dict[str, float]]:
    """Frechet distances of image, mask and pair, each beside a floor and a ceiling at the same number of cases.

    The floor is what two halves of the real cases give, the ceiling what noise gives against real. A distance depends
    on how many cases it compares, so all three compare n with n: half of the real cases, or all synthetic ones if these
    are fewer. Each is a mean over random halves.

    Args:
        real: the real cases, at least 4.
        synthetic: the synthetic ones, at least 2.
        extractor: makes the features.
        repeats: number of random halves.
        batch_size: images in memory at a time.
        rng: draws the halves and the noise.

    Returns:
        `metrics` (the distances), `floor`, `ceiling`, and `spread` (the standard deviation of the distance over
        the halves), each by metric name.
    """
    labels = len(real[0].labels)
    real_features = extract_features(extractor, _views(real, labels), batch_size)
    synthetic_features = extract_features(extractor, _views(synthetic, labels), batch_size)
    n_real, n_synthetic = len(real[1]), len(synthetic[1])
    n = min(n_real // 2, n_synthetic)
    noise_features = extract_features(extractor, _noise_views(real, labels, n, rng), batch_size)
    orders = [(rng.permutation(n_real), rng.permutation(n_synthetic)[:n]) for _ in range(repeats)]
    result: dict[str, dict[str, float]] = {"metrics": {}, "floor": {}, "ceiling": {}, "spread": {}}
    for view in real_features:
        rows = []
        for order, chosen in orders:
            half, other_half = real_features[view][order[:n]], real_features[view][order[n : 2 * n]]
            others = (synthetic_features[view][chosen], other_half, noise_features[view])
            rows.append([frechet_distance(half, other) for other in others])
        name = f"{METRIC_OF_VIEW[view]}/{extractor.name}_n{n}"
        for part, mean in zip(("metrics", "floor", "ceiling"), np.mean(rows, axis=0), strict=True):
            result[part][name] = float(mean)
        result["spread"][name] = float(np.std(rows, axis=0)[0])
    return result


def _views(cases: Cases, labels: int) -> Iterator[Views]:
    cohort, case_ids = cases
    return (views_of_case(cohort.image(case_id), cohort.mask(case_id), labels) for case_id in case_ids)


def _noise_views(real: Cases, labels: int, n: int, rng: np.random.Generator) -> Iterator[Views]:
    """Cases without any structure: normal noise of standard deviation 0.5 as image, a random label in every voxel."""
    cohort, case_ids = real
    shape = cohort.image(case_ids[0]).shape
    for _ in range(n):
        image = np.clip(rng.normal(0, 0.5, shape), -1, 1)
        yield views_of_case(image, rng.integers(0, labels + 1, shape[1:]), labels)
