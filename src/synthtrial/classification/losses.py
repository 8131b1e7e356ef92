"""Losses of one logit, and what a network reaches that gives every case the same answer."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor

from synthtrial.classification.samples import class_weights
from synthtrial.classification.settings import Balance

Criterion = Callable[[Tensor, Tensor], Tensor]
"""Loss `(n,)` of logits `(n,)` of the positive class and labels `(n,)` of 0 and 1."""

FOCAL_ALPHA = 0.25
"""Weight of the positive class in the focal loss, as its paper chose it; the negative one gets the rest."""


def criterion_for(balance: Balance, labels: Sequence[int], gamma: float) -> Criterion:
    """The loss of a training, by case.

    Args:
        balance: `none` is cross-entropy; so is `oversampling`, which the training set has done already.
            `class_weights` weighs each case by the inverse share of its class among `labels`, with a mean of 1.
            `focal` is the focal loss of Lin et al. 2017 (arXiv 1708.02002), equation 5, with alpha 0.25.
        labels: of the training set, 0 or 1; both are there.
        gamma: of the focal loss.
    """
    if balance == "focal":
        return partial(focal_loss, gamma=gamma)
    if balance == "class_weights":
        weights = torch.tensor(class_weights(labels), dtype=torch.float32)
        return partial(weighted_cross_entropy, weights=weights)
    return partial(F.binary_cross_entropy_with_logits, reduction="none")


def weighted_cross_entropy(logits: Tensor, labels: Tensor, weights: Tensor) -> Tensor:
    """Cross-entropy by case, times the weight `(2,)` of its class."""
    plain = F.binary_cross_entropy_with_logits(logits, labels, reduction="none")
    return plain * weights.to(logits.device)[labels.long()]


def focal_loss(logits: Tensor, labels: Tensor, gamma: float, alpha: float = FOCAL_ALPHA) -> Tensor:
    """Focal loss by case, `-a_t (1 - p_t)^gamma log(p_t)`: cases that are right already count less."""
    signs = 2 * labels - 1
    log_right = F.logsigmoid(signs * logits)
    weights = alpha * labels + (1 - alpha) * (1 - labels)
    return -weights * torch.sigmoid(-signs * logits) ** gamma * log_right


def constant_loss(criterion: Criterion, labels: Sequence[int]) -> float:
    """Mean loss of the best answer that is the same for all cases; for cross-entropy, the class share's entropy."""
    answers = torch.linspace(-12, 12, 2401, dtype=torch.float64)
    share = sum(labels) / len(labels)
    positive = criterion(answers, torch.ones_like(answers))
    negative = criterion(answers, torch.zeros_like(answers))
    return float((share * positive + (1 - share) * negative).min())
