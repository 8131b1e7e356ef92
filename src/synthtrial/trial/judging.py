"""Judging trained networks on the original grid."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from rich.progress import track

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.segmentation.inference import predict_probabilities, to_original_grid
from synthtrial.segmentation.metrics import dice_per_label, with_mean
from synthtrial.segmentation.settings import TrainSettings
from synthtrial.trial.scores import ENSEMBLE


def judge_test(
    networks: Sequence[torch.nn.Module], cohort: PreparedCohort, settings: TrainSettings, predictions: Path
) -> pd.DataFrame:
    """Score every test case by every fold model, and by the mean of their probabilities.

    Goes case by case with all models at once, so that the probabilities of one case only are in memory.

    Args:
        networks: one per fold, on their device.
        cohort: the real cases.
        settings: patch and overlap of the inference.
        predictions: folder to make; the ensemble's label maps on the prepared grid go there, `<case_id>.npy`, uint8.

    Returns:
        One row per model and case, the fold models first: `fold, case_id, patient_id, site, dice, dice/<label>...`.
    """
    predictions.mkdir()
    rows = []
    for case_id in track(cohort.test, description="judging the test cases"):
        probabilities = torch.cat([_predict(network, cohort, case_id, settings) for network in networks])
        mean = probabilities.mean(0)
        np.save(predictions / f"{case_id}.npy", mean.argmax(0).to(torch.uint8).cpu().numpy())
        rows.append(
            [
                *(_score(p, cohort, case_id, fold) for fold, p in enumerate(probabilities)),
                _score(mean, cohort, case_id, ENSEMBLE),
            ]
        )
    return pd.DataFrame([row for model_rows in zip(*rows, strict=True) for row in model_rows])


def judge_validation(
    networks: Sequence[torch.nn.Module], cohort: PreparedCohort, settings: TrainSettings
) -> pd.DataFrame:
    """Score every fold's validation cases by that fold's model; rows as those of `judge_test`."""
    return pd.DataFrame(
        [
            _score(_predict(network, cohort, case_id, settings)[0], cohort, case_id, fold)
            for fold, network in enumerate(networks)
            for case_id in cohort.folds[fold]
        ]
    )


def _predict(network: torch.nn.Module, cohort: PreparedCohort, case_id: str, settings: TrainSettings) -> torch.Tensor:
    """Probabilities `(1, 1 + L, *S)` of one case."""
    image = torch.from_numpy(cohort.image(case_id))[None]
    return predict_probabilities(network, image, settings.patch_shape, settings.overlap)


def _score(probabilities: torch.Tensor, cohort: PreparedCohort, case_id: str, fold: int | str) -> dict[str, Any]:
    """One row: Dice of the prediction `(1 + L, *S)` against the reference mask on the original grid."""
    reference, affine = cohort.reference(case_id)
    prediction = to_original_grid(probabilities, cohort.affine(case_id), affine, reference.shape)
    patient_id, site = cohort.cases.loc[case_id, ["patient_id", "site"]]
    return {
        "fold": fold,
        "case_id": case_id,
        "patient_id": patient_id,
        "site": site,
        **with_mean(dice_per_label(prediction, reference, cohort.labels)),
    }
