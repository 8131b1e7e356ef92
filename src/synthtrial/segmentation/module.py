"""A network in training: DiceCE loss, deep supervision, AdamW, linear warm-up and cosine decay by step."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from monai.losses import DeepSupervisionLoss, DiceCELoss

from synthtrial.errors import TrainingError
from synthtrial.segmentation.inference import predict_probabilities
from synthtrial.segmentation.metrics import dice_per_label, with_mean
from synthtrial.segmentation.settings import TrainSettings
from synthtrial.supervised.schedule import adamw

CURVE_POINTS = 50
"""Points of the loss curve over a whole phase of a training."""

Batch = dict[str, torch.Tensor]
CurveRow = dict[str, float | None]


class SegmentationModule(pl.LightningModule):
    """Train a network with the sum of Dice loss and cross-entropy, over one phase of a training.

    Args:
        network: `(B, C, *S) -> logits (B, 1 + L, *S)`, or in training a list of those and of coarser ones.
        settings: optimisation.
        labels: names of the labels.
        steps: optimizer steps of this phase; the learning rate rises and falls once within them.
        first_step: steps done in the phases before; the curve goes on counting.
        on_step: called with (step, mean loss since the last call) at each point of the curve.

    Attributes:
        curve: rows `step, loss, validation_dice`; `loss` is the mean since the row before, `validation_dice` (NaN
            between validations) is measured on the prepared grid, without augmentation and without `flips`.
    """

    def __init__(
        self,
        network: torch.nn.Module,
        settings: TrainSettings,
        labels: list[str],
        *,
        steps: int,
        first_step: int = 0,
        on_step: Callable[[int, float], None] | None = None,
    ) -> None:
        super().__init__()
        self.network, self.settings, self.labels, self.on_step = network, settings, labels, on_step
        self.steps, self.first_step = steps, first_step
        self.criterion = DeepSupervisionLoss(DiceCELoss(to_onehot_y=True, softmax=True), weight_mode="exp")
        self.curve: list[CurveRow] = []
        self._losses: list[torch.Tensor] = []
        self._validation: list[float] = []

    def training_step(self, batch: Batch, batch_index: int) -> torch.Tensor:
        """Loss of one batch; with deep supervision the mean over the levels, each weighing half of the finer one."""
        logits = self.network(batch["image"])
        loss = self.criterion(logits, batch["mask"])
        if isinstance(logits, list):
            loss = loss / sum(self.criterion.get_weights(len(logits)))
        self._losses.append(loss.detach())
        return loss

    def on_train_batch_end(self, *_: Any) -> None:
        """Add a point to the curve, now and then: reading a loss waits for the device."""
        intervals = (max(1, self.steps // CURVE_POINTS), self.settings.validate_every, self.steps)
        if all(self.global_step % interval for interval in intervals):
            return
        step = self.first_step + self.global_step
        loss = float(torch.stack(self._losses).mean())
        self._losses.clear()
        if not math.isfinite(loss):
            raise TrainingError(
                f"the segmenter's loss is not finite at step {step}: lower train.lr or check the images"
            )
        self.curve.append({"step": step, "loss": loss, "validation_dice": None})
        if self.logger is not None:
            self.logger.log_metrics({"loss": loss}, step=step)
        if self.on_step is not None:
            self.on_step(step, loss)

    def validation_step(self, batch: Batch, batch_index: int) -> None:
        """Dice of each case of one batch."""
        probabilities = predict_probabilities(
            self.network, batch["image"], self.settings.patch_shape, self.settings.overlap
        )
        predictions = probabilities.argmax(1).to(torch.uint8).cpu().numpy()
        for prediction, reference in zip(predictions, batch["mask"][:, 0].cpu().numpy(), strict=True):
            self._validation.append(with_mean(dice_per_label(prediction, reference, self.labels))["dice"])

    def on_validation_epoch_end(self) -> None:
        """Write the validation Dice beside the loss of the same step."""
        dice = float(np.mean(self._validation))
        self._validation.clear()
        self.curve[-1]["validation_dice"] = dice
        if self.logger is not None:
            self.logger.log_metrics({"validation_dice": dice}, step=self.first_step + self.global_step)

    def configure_optimizers(self) -> Any:
        """AdamW with the learning rate set at every step."""
        settings = self.settings
        return adamw(
            self.network, lr=settings.lr, weight_decay=settings.weight_decay, warmup=settings.warmup, steps=self.steps
        )
