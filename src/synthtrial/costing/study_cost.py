"""Every training of a study, with what it costs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, prod
from typing import TYPE_CHECKING, Any

from synthtrial.costing.amounts import CohortSize, arm_cases
from synthtrial.trial.arm import read_arms

if TYPE_CHECKING:
    from synthtrial.costing.step_cost import StepCost


@dataclass(frozen=True)
class Training:
    """All trainings of one generator, or of one downstream model over all arms.

    Attributes:
        name: of the generator, segmenter or classifier.
        kind: generator or model.
        models: number of trainings.
        steps: of all of them together.
        batch: images per step.
        step: cost of learning from one image; None where nothing is trained step by step.
    """

    name: str
    kind: str
    models: int
    steps: int
    batch: int
    step: StepCost | None

    @property
    def images(self) -> int:
        """Images that all trainings together learn from."""
        return self.steps * self.batch

    @property
    def flops(self) -> float:
        """Operations of all trainings together."""
        return self.images * self.step.flops if self.step else 0.0

    @property
    def memory_gib(self) -> float:
        """Weights and activations of one training at its batch size, in full precision, GiB."""
        return (self.step.weight_bytes + self.step.activation_bytes * self.batch) / 2**30 if self.step else 0.0


def generator_trainings(params: Mapping[str, Any]) -> list[Training]:
    """One row per generator that learns by steps."""
    from synthtrial.costing.step_cost import generator_cost
    from synthtrial.gans.schedule import Schedule

    rows, splits = [], len(params["splits"])
    for name, config in (params.get("generators") or {}).items():
        if config["train"] is None:
            continue
        schedule = Schedule.from_config(config["train"])
        steps = splits * schedule.checkpoints * schedule.batches_per_checkpoint
        rows.append(Training(name, "generator", splits, steps, schedule.batch_size, generator_cost(config)))
    return rows


def model_trainings(params: Mapping[str, Any], size: CohortSize, channels: int, labels: int) -> list[Training]:
    """One row per segmenter or classifier, over all arms, folds and repeats."""
    from synthtrial.segmentation.settings import train_settings

    arms, rows = {arm.name: arm for arm in read_arms(params["arms"])}, []
    per_arm, shape = size.folds * params["protocol"]["repeats"], tuple(params["prepare"]["shape"])
    for name, settings in (params.get("segmenters") or {}).items():
        train = train_settings(settings["train"])
        steps = per_arm * sum(train.steps_for(round(sum(arm_cases(arm, size)))) for arm in arms.values())
        cost = segmenter_cost(settings, channels, labels, train.patch_shape or shape)
        rows.append(Training(name, "model", per_arm * len(arms), steps, train.batch_size, cost))
    for name, settings in (params.get("classifiers") or {}).items():
        of = [arms[place["arm"]] for place in params["classify_places"].values() if place["classifier"] == name]
        rows.append(
            classifier_training(
                name, settings, [round(sum(arm_cases(arm, size))) for arm in of], per_arm, channels, shape
            )
        )
    return rows


def segmenter_cost(settings: Mapping[str, Any], channels: int, labels: int, shape: tuple[int, ...]) -> StepCost:
    """Cost of a segmenter's step."""
    from synthtrial.costing.step_cost import model_cost
    from synthtrial.segmentation.network import build_network

    network = build_network(settings["network"], spatial_dims=len(shape), channels=channels, n_labels=labels, seed=0)
    return model_cost(network, channels, shape)


def classifier_training(
    name: str, settings: Mapping[str, Any], cases: list[int], per_arm: int, channels: int, shape: tuple[int, ...]
) -> Training:
    """Row of one classifier; a classic model learns at once and has no steps."""
    from dataclasses import replace

    import torch

    from synthtrial.classification.network import build_network
    from synthtrial.classification.settings import NetworkSettings, read_classifier
    from synthtrial.costing.step_cost import model_cost

    classifier = read_classifier(settings, f"classifiers.{name}")
    models = per_arm * len(cases)
    if not isinstance(classifier, NetworkSettings):
        return Training(name, "model", models, 0, 1, None)
    bare = replace(classifier, pretrained=None)  # weights of the same shapes, and no download
    with torch.device("meta"):
        network = build_network(bare, spatial_dims=len(shape), channels=channels, shape=shape, seed=0)
    steps = per_arm * sum(classifier.train.steps_for(count) for count in cases)
    return Training(name, "model", models, steps, classifier.train.batch_size, model_cost(network, channels, shape))


def disk_gb(params: Mapping[str, Any], size: CohortSize, channels: int, trainings: list[Training]) -> dict[str, float]:
    """Disk of the largest things a study writes, GB; 2D synthetic cases are PNG and smaller than this."""
    bytes_per_case = prod(params["prepare"]["shape"]) * (2 * channels + 1)  # int16 image, uint8 mask
    seen, splits = size.in_split(params["protocol"]["name"]), len(params["splits"])
    drawn = sum(ceil(draw["per_real"] * seen) for draw in params["draws"].values()) * splits
    weights = sum(row.models * row.step.parameters * 4 for row in trainings if row.step)
    resuming = max((row.step.parameters * 16 for row in trainings if row.step and row.kind == "generator"), default=0)
    return {
        "prepared": size.cases * bytes_per_case / 1e9,
        "synthetic": drawn * bytes_per_case / 1e9,
        "weights": weights / 1e9,
        "a generator's checkpoint": resuming / 1e9,
    }
