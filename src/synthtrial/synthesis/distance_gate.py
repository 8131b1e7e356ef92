"""Let drawn cases pass by the batch: only when they are close enough to the real ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from synthtrial import params
from synthtrial.errors import ConfigError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.features.extractor import FeatureExtractor, LearnedExtractor, extract_features
from synthtrial.fidelity.metrics.frechet import frechet_distance
from synthtrial.fidelity.scale import shuffled

LEAST = 2
"""Cases that a Frechet distance needs."""


@dataclass(frozen=True, kw_only=True)
class GateSettings:
    """How batches are judged.

    Args:
        features: `_target_` and settings of the feature extractor.
        threshold: the Frechet distance to the real cases must be at most this; squared units of the features.
        batch: cases drawn at a time.
        of: `batch` keeps a batch or rejects it whole by its own distance; `cohort` keeps all batches and draws until
            the distance of all kept cases together has fallen to the threshold.
        repeats: random parts of the real cases whose mean distance to the others is told as the floor.
    """

    features: dict[str, Any]
    threshold: float
    batch: int
    of: Literal["batch", "cohort"] = "batch"
    repeats: int = 20

    def __post_init__(self) -> None:
        if self.threshold <= 0 or self.batch < LEAST or self.repeats < 1:
            raise ConfigError(
                f"synthesis.distance_gate takes a threshold above 0, batches of at least {LEAST} cases and at least 1 "
                f"repeat, not {self.threshold}, {self.batch} and {self.repeats}"
            )


@dataclass(frozen=True)
class JudgedBatch:
    """What became of one batch.

    Attributes:
        batch: its number, from 0.
        cases: cases of it that were whole by themselves.
        compared: synthetic cases that the distance was measured on.
        distance: to the real cases; None where there were too few to measure one.
        passed: at or below the threshold.
    """

    batch: int
    cases: int
    compared: int
    distance: float | None
    passed: bool


class DistanceGate:
    """Judge batches of drawn cases by their Frechet distance to the real ones.

    Only real cases that the generator has seen are looked at, never test cases. Features are kept, images are not.

    Args:
        settings: how to judge.
        real: the real cases that the generator has learned to make.
        cache: folder in which an extractor that learns keeps what it has learned.
        seed: of the parts behind the floor.

    Attributes:
        metric: name of the metric, without the number of cases.
        floor: mean distance of a random part of the real cases to the others: what real cases would reach. The part is
            as large as a batch, since the distance grows by its bias alone as cases get fewer; or half of the cases,
            where they are fewer than two batches or the cohort is judged as a whole. None for fewer than 4 cases.
        judged: every batch so far.

    Raises:
        ConfigError: when the features are not of single images, such as radiomics.
    """

    def __init__(self, settings: GateSettings, real: Cases, cache: Path, seed: int) -> None:
        self.settings = settings
        extractor = image_extractor(settings.features, len(real.source.shape))
        if isinstance(extractor, LearnedExtractor):
            extractor.learn(real, cache)
        self.extractor = extractor
        self.metric = f"frechet/{extractor.name}"
        self.real = extract_features(extractor, real, batch_size=8)["image"]
        self.floor = self._floor(real.patients, np.random.default_rng(seed))
        self.kept: list[np.ndarray] = []
        self.judged: list[JudgedBatch] = []

    def features(self, image: np.ndarray) -> np.ndarray:
        """Features `(1, d)` of an image `(C, *spatial)`."""
        return self.extractor(image[None])

    def judge(self, batch: Sequence[np.ndarray]) -> str:
        """Judge the features `(1, d)` of a batch's cases; return why it is rejected, or nothing when it is kept."""
        whole_cohort = self.settings.of == "cohort"
        compared = [*self.kept, *batch] if whole_cohort else list(batch)
        distance = frechet_distance(self.real, np.concatenate(compared)) if len(compared) >= LEAST else None
        passed = distance is not None and distance <= self.settings.threshold
        self.judged.append(JudgedBatch(len(self.judged), len(batch), len(compared), distance, passed))
        if passed or whole_cohort:
            self.kept += batch
            return ""
        if distance is None:
            return f"batch of {len(batch)} whole cases, too few for a distance"
        name = f"{self.metric}_n{len(compared)}"
        return f"batch at {name} = {distance:.4g}, above the threshold of {self.settings.threshold:g}"

    @property
    def satisfied(self) -> bool:
        """Nothing more has to be drawn for the distance's sake."""
        return self.settings.of == "batch" or (bool(self.judged) and self.judged[-1].passed)

    def as_json(self) -> dict[str, Any]:
        """What `synthetic.json` says of the gate."""
        return {
            "metric": self.metric,
            "threshold": self.settings.threshold,
            "of": self.settings.of,
            "floor": self.floor,
            "n_real": len(self.real),
            "batches": [asdict(batch) for batch in self.judged],
        }

    def remark(self) -> str:
        """What has become of all batches, and what real cases would have reached."""
        metric, threshold = self.metric, f"{self.settings.threshold:g}"
        if self.settings.of == "batch":
            passed = sum(batch.passed for batch in self.judged)
            text = f"{passed} of {len(self.judged)} batches were within {metric} = {threshold}"
        else:
            last = self.judged[-1]
            reached = "no distance can be had" if last.distance is None else f"{metric} = {last.distance:.4g}"
            verdict = "within" if last.passed else "NOT within"
            text = f"{last.compared} cases together: {reached}, {verdict} the threshold of {threshold}"
        return text if self.floor is None else f"{text}; real against real {self.floor:.4g}"

    def _floor(self, patients: Sequence[str], rng: np.random.Generator) -> float | None:
        half = len(self.real) // 2
        if half < LEAST:
            return None
        part = min(self.settings.batch, half) if self.settings.of == "batch" else half
        orders = [shuffled(patients, rng) for _ in range(self.settings.repeats)]
        distances = [frechet_distance(self.real[order[part:]], self.real[order[:part]]) for order in orders]
        return float(np.mean(distances))


def image_extractor(features: dict[str, Any], spatial_dims: int) -> FeatureExtractor:
    """Build the extractor that a gate judges by; its network is not read yet.

    Raises:
        ConfigError: for features that are not of single images, such as radiomics.
    """
    extractor = params.build(features, spatial_dims=spatial_dims)
    if not isinstance(extractor, FeatureExtractor):
        raise ConfigError(
            f"synthesis.distance_gate.features: {extractor.name} needs whole cases; choose features of images, "
            "such as random_conv"
        )
    return extractor
