"""Every study's generators can be built as its file changes them: compose itself does without torch, and can't tell."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from synthtrial.composing import compose, study_names
from synthtrial.gans.model import build

CONF = Path(__file__).resolve().parents[2] / "conf"


@pytest.mark.parametrize("study", study_names(CONF))
def test_generators_of_a_study_can_be_built(study: str) -> None:
    params, _ = compose([f"study={study}"], CONF)
    for config in (params.get("generators") or {}).values():
        with torch.device("meta"):  # shapes without memory
            build(config)
