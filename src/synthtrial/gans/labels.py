"""Classes of the cases in a batch, where -1 stands for a case whose class is not known."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from synthtrial.gans.phases import Batch

UNKNOWN = -1


def labels_of(batch: Batch) -> Tensor:
    """Class indices `(B,)` of the real cases; all unknown where the batch has none."""
    real = batch["real"]
    return batch["label"] if "label" in batch else torch.full((len(real),), UNKNOWN, device=real.device)


def with_class(noise: Tensor, labels: Tensor | None, n_classes: int) -> Tensor:
    """Noise `(B, latent)`, then the classes `(B,)` as one-hot, `(B, latent + n_classes)`; zeros where not known."""
    if labels is None:
        return F.pad(noise, (0, n_classes))
    return torch.cat([noise, one_hot(labels, n_classes)], dim=1)


def one_hot(labels: Tensor, n_classes: int) -> Tensor:
    """Classes `(B,)` as ones among zeros, `(B, n_classes)`; zeros alone for a class that is not known."""
    return (labels[:, None] == torch.arange(n_classes, device=labels.device)).float()


def cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of logits `(B, n_classes)` over the cases whose class is known; 0 when there are none."""
    total = F.cross_entropy(logits.float(), labels, ignore_index=UNKNOWN, reduction="sum")
    return total / (labels != UNKNOWN).sum().clamp(min=1)
