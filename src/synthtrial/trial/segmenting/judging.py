"""Judging trained networks on the original grid."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
import pandas as pd

from synthtrial.trial.running.arm_plan import ArmPlan, Place
from synthtrial.trial.scores import ENSEMBLE
from synthtrial.trial.segmenting.fold_model import Networks

if TYPE_CHECKING:
    import torch

Row = dict[str, Any]


class Judged(NamedTuple):
    """A case to judge.

    Attributes:
        case_id: of the case.
        predictions: folder where the ensemble's label map goes, `<case_id>.npy`, uint8, on the prepared grid.
    """

    case_id: str
    predictions: Path

    def __str__(self) -> str:
        return f"case {self.case_id}"


class Reference(NamedTuple):
    """The mask that a case is judged by.

    Attributes:
        case_id: of the case.
        mask: label map on the original grid, uint8 `(*original_shape)`.
        affine: voxel-to-world matrix (4, 4) of that grid, mm.
    """

    case_id: str
    mask: np.ndarray
    affine: np.ndarray

    @property
    def spacing_mm(self) -> tuple[float, ...]:
        """Voxel size of the original grid, mm, per axis."""
        return tuple(np.linalg.norm(self.affine[:3, : self.mask.ndim], axis=0).tolist())


def judge_case(networks: Networks, judged: Judged, tolerance_mm: float) -> list[Row]:
    """Score a case by every model that may judge it, and by the mean of their probabilities.

    The probabilities of one model and their sum are in memory, however many models there are.

    Returns:
        Rows of `cases.csv`, in the order of fold and repeat, the ensemble last.
    """
    from synthtrial.segmentation.metrics import score_case

    plan, case_id = networks.plan, judged.case_id
    reference = Reference(case_id, *plan.cohort.reference(case_id))
    patient_id, site = plan.cohort.cases.loc[case_id, ["patient_id", "site"]]

    def row(probabilities: torch.Tensor, fold: int | str, repeat: int) -> Row:
        place = {"fold": fold, "repeat": repeat, "case_id": case_id, "patient_id": patient_id, "site": site}
        prediction = _on_original_grid(probabilities, plan, reference)
        spacing_mm, labels = reference.spacing_mm, plan.cohort.labels
        return place | score_case(prediction, reference.mask, labels, spacing_mm, tolerance_mm)

    total, rows = None, []
    places = plan.judges_of(case_id)
    for place in places:
        probabilities = _predict(networks[place], plan, case_id)
        rows.append(row(probabilities, *place))
        total = probabilities if total is None else total + probabilities
    assert total is not None
    mean = total / len(places)
    np.save(judged.predictions / f"{case_id}.npy", mean.argmax(0).byte().cpu().numpy())
    return [*rows, row(mean, ENSEMBLE, 0)]


def judge_validation(network: torch.nn.Module, plan: ArmPlan, place: Place) -> pd.DataFrame:
    """Dice of one model on each case that it left out: `case_id, patient_id, dice, dice/<label>...`."""
    from synthtrial.hardware import best_device
    from synthtrial.segmentation.metrics import dice_per_label, with_mean

    cohort = plan.cohort
    network.to(best_device(plan.trainer))
    rows = []
    for case_id in cohort.folds[place.fold]:
        reference = Reference(case_id, *cohort.reference(case_id))
        prediction = _on_original_grid(_predict(network, plan, case_id), plan, reference)
        dice = with_mean(dice_per_label(prediction, reference.mask, cohort.labels))
        rows.append({"case_id": case_id, "patient_id": cohort.cases.at[case_id, "patient_id"], **dice})
    return pd.DataFrame(rows)


def _predict(network: torch.nn.Module, plan: ArmPlan, case_id: str) -> torch.Tensor:
    """Probabilities `(1 + L, *S)` of one case."""
    import torch

    from synthtrial.segmentation.inference import predict_probabilities
    from synthtrial.segmentation.settings import train_settings

    settings = train_settings(plan.settings["train"])
    image = torch.from_numpy(plan.cohort.image(case_id))[None]
    return predict_probabilities(network, image, settings.patch_shape, settings.overlap, settings.flips)[0]


def _on_original_grid(probabilities: torch.Tensor, plan: ArmPlan, reference: Reference) -> np.ndarray:
    """The most probable labels, uint8 `(*original_shape)`."""
    from synthtrial.segmentation.inference import to_original_grid

    prepared_affine = plan.cohort.affine(reference.case_id)
    return to_original_grid(probabilities, prepared_affine, reference.affine, reference.mask.shape)
