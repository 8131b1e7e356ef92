"""A segmenter in training: DiceCE loss with deep supervision."""

from __future__ import annotations

import torch
from monai.losses import DeepSupervisionLoss, DiceCELoss

from synthtrial.segmentation.inference import predict_probabilities
from synthtrial.segmentation.metrics import dice_per_label, with_mean
from synthtrial.segmentation.settings import TrainSettings
from synthtrial.supervised.curve import Log
from synthtrial.supervised.curve_module import CurveModule

Batch = dict[str, torch.Tensor]


class SegmentationModule(CurveModule):
    """Train a network with the sum of Dice loss and cross-entropy, over one phase of a training.

    `validation_dice` of the curve is measured on the prepared grid, without augmentation and without `flips`.

    Args:
        network: `(B, C, *S) -> logits (B, 1 + L, *S)`, or in training a list of those and of coarser ones.
        settings: optimisation.
        labels: names of the labels.
        steps: optimizer steps of this phase.
        first_step: steps done in the phases before.
        log: called with what was measured and the step, at each point of the curve.
    """

    task = "segmenter"
    measure = "validation_dice"
    settings: TrainSettings

    def __init__(
        self,
        network: torch.nn.Module,
        settings: TrainSettings,
        labels: list[str],
        *,
        steps: int,
        first_step: int = 0,
        log: Log | None = None,
    ) -> None:
        super().__init__(network, settings, steps=steps, first_step=first_step, log=log)
        self.labels = labels
        self.criterion = DeepSupervisionLoss(DiceCELoss(to_onehot_y=True, softmax=True), weight_mode="exp")

    def loss_of(self, batch: Batch) -> torch.Tensor:
        """Loss of one batch; with deep supervision the mean over the levels, each weighing half of the finer one."""
        logits = self.network(batch["image"])
        loss = self.criterion(logits, batch["mask"])
        return loss / sum(self.criterion.get_weights(len(logits))) if isinstance(logits, list) else loss

    def validate_batch(self, batch: Batch) -> list[float]:
        """Dice of each case of one batch."""
        settings = self.settings
        probabilities = predict_probabilities(self.network, batch["image"], settings.patch_shape, settings.overlap)
        predictions = probabilities.argmax(1).to(torch.uint8).cpu().numpy()
        references = batch["mask"][:, 0].cpu().numpy()
        return [
            with_mean(dice_per_label(prediction, reference, self.labels))["dice"]
            for prediction, reference in zip(predictions, references, strict=True)
        ]
