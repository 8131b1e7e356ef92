"""Distances rise step by step as real images are made worse, for every extractor that is offered as a default."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from scipy import ndimage

from fidelity.degradations import Degradation, blurred, noisy, of_few_kinds
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.features.extractor import FeatureExtractor
from synthtrial.fidelity.features.random_conv import RandomConv
from synthtrial.fidelity.features.study_encoder import StudyEncoder
from synthtrial.fidelity.metrics.frechet import frechet_distance
from synthtrial.fidelity.metrics.kernel import kernel_distance

KINDS, EACH = 4, 32
REPEATS = 4
METRICS = {"frechet": frechet_distance, "kernel": kernel_distance}


class Balls:
    """Balls in a noisy, textured background, as cases: of four kinds in turn, ever larger and brighter."""

    labels = ("lesion",)
    unit = "HU"

    def __init__(self, spatial_dims: int) -> None:
        rng = np.random.default_rng(spatial_dims)
        self.shape = (16,) * 3 if spatial_dims == 3 else (32,) * 2
        self.spacing_mm = (1.0,) * spatial_dims
        self.kinds = np.arange(KINDS * EACH) % KINDS
        self.balls = [self.ball(rng, kind) for kind in self.kinds]

    def ball(self, rng: np.random.Generator, kind: int) -> tuple[np.ndarray, np.ndarray]:
        size = self.shape[0]
        centre = rng.uniform(0.35 * size, 0.65 * size, len(self.shape)).reshape(-1, *[1] * len(self.shape))
        radius = size * (0.1 + 0.06 * kind + rng.uniform(-0.02, 0.02))
        mask = ((np.indices(self.shape) - centre) ** 2).sum(axis=0) < radius**2
        texture = ndimage.gaussian_filter(rng.standard_normal(self.shape), 1)
        image = -0.5 + (0.3 + 0.2 * kind) * mask + 0.2 * texture + 0.02 * rng.standard_normal(self.shape)
        return image.clip(-1, 1).astype(np.float32)[None], mask.astype(np.uint8)

    def window(self, _: str) -> tuple[float, float]:
        return -1000.0, 600.0

    def image(self, case_id: str) -> np.ndarray:
        return self.balls[int(case_id)][0]

    def mask(self, case_id: str) -> np.ndarray:
        return self.balls[int(case_id)][1]


@pytest.fixture(scope="module", params=[2, 3], ids=["2D", "3D"])
def balls(request: pytest.FixtureRequest) -> Balls:
    return Balls(request.param)


@pytest.fixture(scope="module", params=["random_conv", "study_encoder"])
def extractor(
    request: pytest.FixtureRequest, balls: Balls, tmp_path_factory: pytest.TempPathFactory
) -> FeatureExtractor:
    if request.param == "random_conv":
        return RandomConv(spatial_dims=len(balls.shape))
    encoder = StudyEncoder(spatial_dims=len(balls.shape), steps=40)
    encoder.learn(cases_of(balls), Path(tmp_path_factory.mktemp("cache")))
    return encoder


def cases_of(balls: Balls) -> Cases:
    return Cases(balls, tuple(map(str, range(len(balls.balls)))))  # type: ignore[arg-type]


def halves() -> list[tuple[np.ndarray, np.ndarray]]:
    """Random halves with equally many cases of each kind; each is the reference once: what it happens to have above
    the other cancels in the mean.
    """
    pairs = []
    for seed in range(REPEATS):
        blocks = np.arange(KINDS * EACH).reshape(EACH, KINDS)
        orders = np.random.default_rng(seed).permuted(blocks, axis=0)
        first, second = orders[: EACH // 2].ravel(), orders[EACH // 2 :].ravel()
        pairs += [(first, second), (second, first)]
    return pairs


def assert_rises(reference: np.ndarray, steps: list[list[tuple[np.ndarray, np.ndarray]]]) -> None:
    """Each metric is larger at each step, where a step is pairs of a reference half and features to compare it with."""
    for name, metric in METRICS.items():
        values = [np.mean([metric(reference[half], features) for half, features in pairs]) for pairs in steps]
        assert (np.diff(values) > 0).all(), (name, values)


@pytest.mark.parametrize(
    ("change", "amounts"),
    [(blurred, (0, 0.5, 1, 2, 4)), (noisy, (0, 0.02, 0.05, 0.1, 0.2, 0.5))],
    ids=["blur", "noise"],
)
def test_each_step_away_from_real_raises_the_distance(
    balls: Balls, extractor: FeatureExtractor, change: Degradation, amounts: tuple[float, ...]
) -> None:
    images = np.stack(list(cases_of(balls).images()))
    worse = [extractor(change(images, amount)) for amount in amounts]
    assert_rises(worse[0], [[(a, features[b]) for a, b in halves()] for features in worse])


def test_each_kind_of_case_that_is_missing_raises_the_distance(balls: Balls, extractor: FeatureExtractor) -> None:
    features = extractor(np.stack(list(cases_of(balls).images())))
    rng, n = np.random.default_rng(0), EACH // 2
    steps = [
        [(a, features[b[of_few_kinds(balls.kinds[b], share, n, rng)]]) for a, b in halves()]
        for share in (1, 0.75, 0.5, 0.25)
    ]
    assert_rises(features, steps)
