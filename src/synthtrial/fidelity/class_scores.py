"""The Inception Score of synthetic cases, beside that of real ones and of noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np

from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.measured import Measured
from synthtrial.fidelity.metrics.inception_score import inception_score
from synthtrial.fidelity.noise import noise_like


@runtime_checkable
class Classifier(Protocol):
    """An extractor that also says which class an image belongs to.

    Attributes:
        name: how metrics are named after it.
    """

    name: str

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Probabilities `(n, classes)` of images `(n, C, *spatial)` in [-1, 1]."""
        ...


@dataclass(frozen=True)
class Probabilities:
    """What a classifier says of cases, in their order.

    Attributes:
        name: of the classifier.
        real, synthetic, noise: probabilities `(cases, classes)`; of noise there are half as many as of the smaller set.
    """

    name: str
    real: np.ndarray
    synthetic: np.ndarray
    noise: np.ndarray


def class_probabilities(
    real: Cases, synthetic: Cases, classifier: Classifier, rng: np.random.Generator
) -> Probabilities:
    """Class probabilities of the real and the synthetic cases, at least 4 each, and of noise; images are streamed."""
    n = min(len(real), len(synthetic)) // 2
    of_all = (
        np.concatenate([classifier.probabilities(image[None]) for image in cases.images()])
        for cases in (real, synthetic, noise_like(real, n, rng))
    )
    return Probabilities(classifier.name, *of_all)


def class_score(of: Probabilities, repeats: int, rng: np.random.Generator) -> dict[str, Measured]:
    """The Inception Score of random halves of the synthetic cases; it may be no larger than the number of cases.

    The floor is the score of as many real cases: more is no better than that, whatever the score's name says. The
    ceiling is the score of noise. The interval is the spread over halves, as in `scale.measure_sets`.

    Args:
        of: the probabilities.
        repeats: number of random halves.
        rng: draws the halves.

    Returns:
        One measurement, named `inception_score/<classifier>_n<count>`.
    """
    n = len(of.noise)

    def halves(probabilities: np.ndarray) -> list[float]:
        return [inception_score(probabilities[rng.permutation(len(probabilities))[:n]])[0] for _ in range(repeats)]

    scores = halves(of.synthetic)
    low, high = np.quantile(scores, [0.025, 0.975])
    measured = Measured(
        float(np.mean(scores)),
        float(low),
        float(high),
        floor=float(np.mean(halves(of.real))),
        ceiling=inception_score(of.noise)[0],
        better="like real",
    )
    return {f"inception_score/{of.name}_n{n}": measured}
