"""The one training step that all generator families share."""

from __future__ import annotations

from itertools import product
from typing import Any, ClassVar

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from synthtrial.gans import ema
from synthtrial.gans.draws import seed_step
from synthtrial.gans.generator import Generator
from synthtrial.gans.history import LossHistory
from synthtrial.gans.parallel import average_gradients
from synthtrial.gans.phases import Batch, Loss, OptimizerFactory, Penalty, Phase, Terms, split_batch, train_only
from synthtrial.gans.precision import full_precision
from synthtrial.gans.schedule import Schedule


class GAN(Generator):
    """A generative adversarial network that trains by a schedule of phases.

    A family builds its networks, `generator`, `discriminator` and `generator_ema = ema.frozen_copy(generator)`, in
    `__init__`, and writes `fake`, `discriminator_loss`, `generator_loss` and `decode`, or, where it makes its samples
    from something else than noise alone, `sample`. Where it needs more than one update of each, it returns its own
    `phases`; what the phases of a step share, such as a crop position, it adds in `prepare_batch`.

    Everything random in a step follows from the seed and the number of images seen, so that training that was killed
    goes on exactly as it would have. Durations are in images, never in Lightning's `global_step`, which counts every
    optimizer's steps.

    Args:
        generator_optimizer: makes the generator's optimizer, see `phases.adam`.
        discriminator_optimizer: makes the discriminator's.

    Attributes:
        images_seen: real images learned from so far, over all processes.
        history: means of the loss terms per logging interval.
        fused: whether optimizers take their fused form.
    """

    generator: nn.Module
    generator_ema: nn.Module
    discriminator: nn.Module
    saved_networks: ClassVar[tuple[str, ...]] = ("generator_ema",)

    def __init__(self, generator_optimizer: OptimizerFactory, discriminator_optimizer: OptimizerFactory) -> None:
        super().__init__()
        self.automatic_optimization = False
        self.generator_optimizer = generator_optimizer
        self.discriminator_optimizer = discriminator_optimizer
        self.schedule = Schedule(images=1, batch_size=1)
        self.images_seen = 0
        self.history = LossHistory()
        self.fused = True

    # What a family writes

    def fake(self, batch: Batch) -> Any:
        """Make as many samples as the batch has images, for training; in the form that the losses take."""
        raise NotImplementedError

    def discriminator_loss(self, real: Tensor, fake: Any, batch: Batch) -> Terms:
        """Named terms that the discriminator minimises; `fake` is what `fake` made, without a graph."""
        raise NotImplementedError

    def generator_loss(self, fake: Any, batch: Batch) -> Terms:
        """Named terms that the generator minimises."""
        raise NotImplementedError

    # What a family may change

    def prepare_batch(self, batch: Batch) -> Batch:
        """Add to a batch what the phases of this step share."""
        return batch

    def penalties(self) -> list[Penalty]:
        """Terms that join a phase's loss every so many steps."""
        return []

    def learning_rate_factor(self, progress: float) -> float:
        """What every learning rate is multiplied by when a share `progress` of the images has been seen."""
        return 1.0

    def compilable(self) -> list[nn.Module]:
        """Networks that may be compiled: each sees few shapes, and no gradient of it is differentiated again."""
        return []

    def phases(self) -> list[Phase]:
        """The updates of a step, in order."""
        return [
            Phase("discriminator", [self.discriminator], self.discriminator_terms, self.discriminator_optimizer),
            Phase("generator", [self.generator], self.generator_terms, self.generator_optimizer),
        ]

    def discriminator_terms(self, batch: Batch) -> Terms:
        """The discriminator's loss on real images and on fakes that carry no graph of the generator."""
        with torch.no_grad():
            batch["fake"] = self.fake(batch)
        return self.discriminator_loss(batch["real"], batch["fake"], batch)

    def generator_terms(self, batch: Batch) -> Terms:
        """The generator's loss on fresh fakes."""
        return self.generator_loss(self.fake(batch), batch)

    # The training step

    def configure_optimizers(self) -> list[Optimizer]:  # type: ignore[override]
        """One optimizer per phase."""
        self._phases = self.phases()
        self._penalties = self.penalties()
        return [phase.optimizer(phase.parameters(), self.fused) for phase in self._phases]

    def training_step(self, batch: Batch, batch_index: int) -> None:
        """Run every phase that is due on one batch, then average the generator's weights."""
        seed_step(self.seed, self.images_seen)
        images = len(batch["real"]) * self.trainer.world_size
        step = self.images_seen // images
        pieces = [self.prepare_batch(piece) for piece in split_batch(batch, self.schedule.accumulate)]
        optimizers = self.optimizers()
        assert isinstance(optimizers, list)
        factor = self.learning_rate_factor(self.images_seen / self.schedule.images)
        for optimizer in optimizers:
            for group in optimizer.param_groups:
                group["lr"] = factor * group.setdefault("initial_lr", group["lr"])
        for phase, optimizer in zip(self._phases, optimizers, strict=True):
            if step % phase.interval == 0:
                self.run_phase(phase, optimizer, pieces, step)
        self.images_seen += images
        weight = ema.decay(images, self.images_seen, self.schedule.ema_half_life)
        ema.update(self.generator_ema, self.generator, weight)
        # The last step before a checkpoint always closes its row, so that no weights are kept after a loss went bad.
        if self.images_seen % self.schedule.log_every < images or self.trainer.is_last_batch:
            self.log_losses()

    def run_phase(self, phase: Phase, optimizer: Any, pieces: list[Batch], step: int) -> None:
        """Update a phase's networks by its loss and the penalties that are due."""
        train_only(self, phase)
        due = [p for p in self._penalties if p.phase == phase.name and step % p.interval == 0]
        joining = [penalty.terms for penalty in due if not penalty.own_update]
        self.update(phase, optimizer, pieces, phase.loss, *map(self.in_full_precision, joining))
        for penalty in due:
            if penalty.own_update:
                self.update(phase, optimizer, pieces, self.in_full_precision(penalty.terms))

    def update(self, phase: Phase, optimizer: Any, pieces: list[Batch], *losses: Loss) -> None:
        """Accumulate the gradients of losses, one after another, over the pieces of a batch; then step once."""
        for loss, piece in product(losses, pieces):
            terms = loss(piece)
            for name, value in terms.items():
                self.history.add(f"{phase.name}/{name}", value)
            self.manual_backward(torch.stack(list(terms.values())).sum() / len(pieces))
        average_gradients(phase.parameters())
        optimizer.step()
        optimizer.zero_grad()
        if phase.after:
            phase.after()

    def in_full_precision(self, loss: Loss) -> Loss:
        """The same loss, outside of autocast."""

        def in_full_precision(batch: Batch) -> Terms:
            with full_precision(self.device):
                return loss(batch)

        return in_full_precision

    def log_losses(self) -> None:
        """Close a row of the loss history and hand it to the loggers."""
        row = self.history.close_row(self.images_seen)
        for logger in self.loggers:
            logger.log_metrics({name: value for name, value in row.items() if name != "images"}, step=self.images_seen)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Keep what the weights and optimizers don't hold."""
        checkpoint["gan"] = {"images_seen": self.images_seen, "history": self.history.state_dict()}

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Go on where the checkpoint was written."""
        self.images_seen = checkpoint["gan"]["images_seen"]
        self.history.load_state_dict(checkpoint["gan"]["history"])

    def train(self, mode: bool = True) -> GAN:
        """Switch to training mode, but for the averaged generator."""
        super().train(mode)
        self.generator_ema.eval()
        return self
