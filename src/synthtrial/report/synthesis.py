"""What one draw left behind, as one object."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrial.cohorts.synthetic import SyntheticCohort


@dataclass(frozen=True)
class Synthesis:
    """What one generator, trained on one split, left behind.

    Attributes:
        draw, split: its place in the study.
        generator: the generator that it was drawn from.
        model: content of `model.json`.
        losses: content of `losses.csv`: `images` and one column per loss term.
        smooth_losses: the same of `losses_smooth.csv`, moving averages.
        loss_summary: content of `losses_summary.csv`, one row per loss term.
        cohort: the cases drawn from it.
        fidelity: content of `fidelity.json`.
        fidelity_figures: PNGs and GIFs of the fidelity stage.
        features: what the fidelity stage kept of each extractor: `real`, `real_ids`, `synthetic`, `synthetic_ids`.
        lesions: content of `lesions.csv`: properties of the lesions, real against synthetic.
        amounts: content of `amounts.csv`: distances of parts of the synthetic cases.
        samples: grid of samples at the end of training.
        reconstructions: grid of real cases, encoded and generated again, of a family that can do so.
    """

    draw: str
    split: str
    generator: str
    model: dict[str, Any]
    losses: pd.DataFrame
    smooth_losses: pd.DataFrame
    loss_summary: pd.DataFrame
    cohort: SyntheticCohort
    fidelity: dict[str, Any]
    fidelity_figures: list[Path]
    features: dict[str, dict[str, np.ndarray]]
    lesions: pd.DataFrame
    amounts: pd.DataFrame
    samples: Path | None
    reconstructions: Path | None
