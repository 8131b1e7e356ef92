"""A network in training by AdamW, with a curve: what every downstream training does beside its own loss."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch

from synthtrial.errors import TrainingError
from synthtrial.processes import averaged, in_turns
from synthtrial.supervised.budget import Budget
from synthtrial.supervised.curve import CurveRow, Log
from synthtrial.supervised.schedule import adamw

CURVE_POINTS = 50
"""Points of the loss curve over a whole phase of a training."""


class CurveModule(pl.LightningModule):
    """One phase of a training. A task writes `loss_of` and `validate_batch`, and says what that measures.

    Args:
        network: the network to train.
        settings: budget and optimisation.
        steps: optimizer steps of this phase; the learning rate rises and falls once within them.
        first_step: steps done in the phases before; the curve goes on counting.
        log: called with what was measured and the step, at each point of the curve.

    Attributes:
        task: what is trained, for messages, such as `segmenter`.
        measure: what `validate_batch` measures: a column of the curve, and its name in the log.
        curve: rows `step, loss, <measure>`; `loss` is the mean since the row before, `<measure>` (None between
            validations) the mean over the validation cases.
        fused: form of the optimizer, see `adamw`.
    """

    task: str
    measure: str

    def __init__(
        self,
        network: torch.nn.Module,
        settings: Budget,
        *,
        steps: int,
        first_step: int = 0,
        log: Log | None = None,
    ) -> None:
        super().__init__()
        self.network, self.settings = network, settings
        self._tell: Log = log or (lambda metrics, step: None)
        self.steps, self.first_step = steps, first_step
        self.curve: list[CurveRow] = []
        self.fused: bool | None = None
        self._losses: list[torch.Tensor] = []
        self._validation: list[float] = []

    def loss_of(self, batch: dict[str, torch.Tensor]) -> torch.Tensor:
        """Loss of one batch of training cases."""
        raise NotImplementedError

    def validate_batch(self, batch: dict[str, torch.Tensor]) -> list[float]:
        """The measure of each case of one batch of validation cases."""
        raise NotImplementedError

    def training_step(self, batch: dict[str, torch.Tensor], batch_index: int) -> torch.Tensor:
        """Loss of one batch, kept for the curve."""
        loss = self.loss_of(batch)
        self._losses.append(loss.detach())
        return loss

    def on_train_start(self) -> None:
        """Give the further processes random numbers of their own, by which their dropout goes."""
        if self.global_rank:
            torch.manual_seed(torch.initial_seed() + self.global_rank)

    def on_train_batch_end(self, *_: Any) -> None:
        """Add a point to the curve, now and then: reading a loss waits for the device."""
        intervals = (max(1, self.steps // CURVE_POINTS), self.settings.validate_every, self.steps)
        if all(self.global_step % interval for interval in intervals):
            return
        step = self.first_step + self.global_step
        loss = float(averaged(torch.stack(self._losses).mean()))
        self._losses.clear()
        if not math.isfinite(loss):
            raise TrainingError(
                f"the {self.task}'s loss is not finite at step {step}: lower train.lr or check the images"
            )
        self.curve.append({"step": step, "loss": loss, self.measure: None})
        self._tell({"loss": loss}, step)

    def validation_step(self, batch: dict[str, torch.Tensor], batch_index: int) -> None:
        """Measure one batch of validation cases."""
        self._validation += self.validate_batch(batch)

    def on_validation_epoch_end(self) -> None:
        """Write the measure beside the loss of the same step."""
        found = torch.tensor(self._validation, dtype=torch.float64, device=self.device)
        value = float(np.mean(in_turns(found, self._n_validation()).tolist()))
        self._validation.clear()
        self.curve[-1][self.measure] = value
        self._tell({self.measure: value}, self.first_step + self.global_step)

    def _n_validation(self) -> int:
        """Number of validation cases, over all processes."""
        loader = self.trainer.val_dataloaders
        assert loader is not None
        return len(loader.dataset)

    def configure_optimizers(self) -> Any:
        """AdamW with the learning rate set at every step."""
        settings = self.settings
        return adamw(
            self.network,
            lr=settings.lr,
            weight_decay=settings.weight_decay,
            warmup=settings.warmup,
            steps=self.steps,
            fused=self.fused,
        )
