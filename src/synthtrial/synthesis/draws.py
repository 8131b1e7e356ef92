"""The cases that a trained generator gives, one after the other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.errors import ConfigError
from synthtrial.synthesis.decoding import Decoder, SyntheticCase

if TYPE_CHECKING:
    import torch

    from synthtrial.gans.conditions import Condition, Conditions
    from synthtrial.gans.dataset import RealCases
    from synthtrial.gans.generator import Generator


@dataclass(frozen=True)
class Draw:
    """One draw.

    Attributes:
        case: image and label map, decoded and post-processed.
        label: its class; empty where there is none.
        source_case: the real case that it was made from; empty where there is none.
    """

    case: SyntheticCase
    label: str
    source_case: str


class Draws:
    """Draw i of a trained generator; its noise follows from the seed and i alone.

    Args:
        model_folder: `models/<generator>/<split>/` of the study.
        cohort: the prepared cohort that the generator was trained on.
        settings: `threshold`, `components`, `min_lesion_voxels`, `masks` and, where the weights are to be those that
            the training had after so many images, `snapshot` of the `synthesis` part of params.yaml.
        seed: seed of the noise.
        device: where the generator runs.

    Attributes:
        model: content of `model.json`.
        weights_sha256: hash of the weights that draw.
        learned: ids of the real cases that the generator has learned to make; not those that it translates.
        translates: each draw is the translation of one real case.
        limit: how many different draws there are; None for as many as one likes. A translation is the same each time,
            so that no draw can be made from one source twice; a control has as many as it keeps.
    """

    def __init__(
        self, model_folder: Path, cohort: PreparedCohort, settings: dict[str, Any], seed: int, device: str
    ) -> None:
        from synthtrial.gans.dataset import cases_of_model
        from synthtrial.gans.kept_weights import weights_of
        from synthtrial.gans.model import load_generator

        self.cohort = cohort
        self.seed = seed
        snapshot = settings.get("snapshot")
        self.generator = load_generator(model_folder, snapshot).to(device)
        self.model: dict[str, Any] = json.loads((model_folder / "model.json").read_text(encoding="utf-8"))
        self.weights_sha256 = weights_of(self.model, snapshot)
        cases = cases_of_model(self.model, cohort, self.generator.uses_unlabelled)
        self.learned = cases.roles.real
        self.conditions = conditions_of(self.generator, cases, settings["masks"], seed)
        self.decode = Decoder(
            representation=cases.representation,
            threshold=settings["threshold"],
            components=settings["components"],
            min_lesion_voxels=settings["min_lesion_voxels"],
        )
        self.translates = self.generator.conditions_on == "source"
        self.limit = len(cases.roles.source) if self.translates else self.generator.limit

    def __call__(self, index: int) -> Draw:
        """Draw number `index`."""
        import torch

        from synthtrial.gans.conditions import draw

        condition = self.conditions(index)
        with torch.inference_mode():
            drawn = draw(self.generator, case_rng(self.seed, index), condition)
        label = label_of(index, condition, self.model, self.cohort)
        return Draw(self.decode(drawn[0].numpy()), label, condition.source_case)


def conditions_of(generator: Generator, cases: RealCases, masks: str, seed: int) -> Conditions:
    """What each sample is told: its class, the case to translate, or its mask.

    Args:
        generator: the trained generator.
        cases: the real cases that it has seen.
        masks: `real` or `deformed` masks of these cases, `generator` for its own, or a folder of label maps.
        seed: of the masks.

    Raises:
        ConfigError: when the generator has no masks of its own to make.
    """
    from synthtrial.gans.conditions import Conditions

    if generator.conditions_on != "mask":
        return Conditions(generator.conditions_on, cases)
    if masks == "generator":
        if not generator.makes_masks:
            raise ConfigError(
                "synthesis.masks=generator, but this generator makes none: choose real, deformed or a folder"
            )
        return Conditions("", cases)
    from synthtrial.synthesis.masks import MaskSource

    source = MaskSource(masks, cases.cohort, cases.roles.real)
    return Conditions("mask", cases, lambda index: source(np.random.default_rng([seed, index])))


def label_of(index: int, condition: Condition, model: dict[str, Any], cohort: PreparedCohort) -> str:
    """The class of draw number `index`; empty where it can't be told.

    It is the one asked for, the only one learned, that of the case kept, the one translated into, or, from site to
    site, the source's. `gans.roles.makes_classes` says beforehand whether a generator's draws have one.
    """
    config = model["config"]
    domains, classes = config.get("domains"), config.get("classes") or []
    if domains and domains["column"] == "label":
        return str(domains["target"])
    if domains:
        return str(cohort.cases.at[condition.source_case, "label"])
    if kept := model.get("kept_classes"):
        return str(kept[index % len(kept)])
    return condition.label or (str(classes[0]) if len(classes) == 1 else "")


def case_rng(seed: int, index: int) -> torch.Generator:
    """The random numbers of one case.

    PyTorch's CPU generator uses 32 bits of its seed only, where hashing (seed, index) would make two of 10,000 cases
    equal with a chance of 1 %. An odd multiplier keeps every index below 2^32 apart.
    """
    import torch

    start = int(np.random.SeedSequence(seed).generate_state(1)[0])
    return torch.Generator().manual_seed((start + index * 0x9E3779B1) % 2**32)
