"""A classifier in training: the loss of its arm's balance on one logit."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from synthtrial.classification.losses import Criterion
from synthtrial.classification.train_settings import TrainSettings
from synthtrial.supervised.curve import Log
from synthtrial.supervised.curve_module import CurveModule

Batch = dict[str, torch.Tensor]


class ClassificationModule(CurveModule):
    """Train a network over one phase of a training.

    Args:
        network: images `(B, C, *S)`, or features `(B, F)` of a frozen body, to logits `(B, 1)`.
        settings: optimisation.
        criterion: the training loss by case. `validation_loss` is the plain cross-entropy, whatever the criterion, so
            that arms that balance their classes by the loss can be compared with the others.
        steps: optimizer steps of this phase.
        first_step: steps done in the phases before.
        log: called with what was measured and the step, at each point of the curve.
    """

    task = "classifier"
    measure = "validation_loss"

    def __init__(
        self,
        network: torch.nn.Module,
        settings: TrainSettings,
        criterion: Criterion,
        *,
        steps: int,
        first_step: int = 0,
        log: Log | None = None,
    ) -> None:
        super().__init__(network, settings, steps=steps, first_step=first_step, log=log)
        self.criterion = criterion

    def loss_of(self, batch: Batch) -> torch.Tensor:
        """Mean loss of one batch."""
        return self.criterion(*self._answers(batch)).mean()

    def validate_batch(self, batch: Batch) -> list[float]:
        """Cross-entropy of each case of one batch."""
        return F.binary_cross_entropy_with_logits(*self._answers(batch), reduction="none").tolist()

    def _answers(self, batch: Batch) -> tuple[torch.Tensor, torch.Tensor]:
        """Logits and labels `(B,)`, both float."""
        logits = self.network(batch["image"])[:, 0].float()
        return logits, batch["label"].to(logits.dtype)
