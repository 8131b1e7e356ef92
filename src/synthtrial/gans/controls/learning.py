"""The stage `train_gan` for a control: it looks at the cases of its split once."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from synthtrial.atomic import atomic_folder, write_json
from synthtrial.cohorts.representations.building import build_representation
from synthtrial.errors import ConfigError
from synthtrial.gans.conditions import Conditions, FixedSamples
from synthtrial.gans.controls.control import Control
from synthtrial.gans.dataset import RealCases
from synthtrial.gans.history import LossHistory
from synthtrial.gans.lesson import Lesson
from synthtrial.gans.model import save_generator
from synthtrial.gans.sample_page import SHOWN, write_sample_page


def learn(control: Control, lesson: Lesson, folder: Path) -> dict[str, Any]:
    """Let a control learn, and write `models/<generator>/<split>/`; its tables of losses have no rows.

    Raises:
        ConfigError: when the configuration has keys that a control can't follow, or doesn't fit the cohort.
    """
    for key in ("train", "domains", "start_from"):
        if lesson.config.get(key) is not None:
            raise ConfigError(f"generators.{lesson.name}.{key} must be null: a control is not trained")
    control.seed, control.split_size = lesson.seed, len(lesson.case_ids)
    representation = build_representation(lesson.representation())
    cases = RealCases(lesson.cohort, lesson.roles(control.uses_unlabelled), representation, lesson.seed)
    control.learn(cases)
    shown = torch.stack([cases.encoded(case_id) for case_id in cases.roles.real[:SHOWN]])
    samples = FixedSamples(Conditions(control.conditions_on, cases), len(shown), lesson.seed)
    with atomic_folder(folder) as partial:
        weights_sha256 = save_generator(control, partial / "generator.safetensors")
        LossHistory().write(partial)
        write_sample_page(partial / "samples.png", {"real": shown, "synthetic": samples(control)}, representation)
        facts = lesson.facts(control, cases.roles, weights_sha256) | {"kept_classes": list(control.kept_classes)}
        write_json(partial / "model.json", facts)
    return facts
