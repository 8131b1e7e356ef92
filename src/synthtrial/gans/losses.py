"""Textbook adversarial losses on logits; each returns named terms.

- `non_saturating`: Goodfellow et al. 2014 (arXiv 1406.2661), section 3, as binary cross-entropy.
- `hinge`: Lim and Ye 2017 (arXiv 1705.02894), equations 1 and 2.
- `least_squares`: Mao et al. 2016 (arXiv 1611.04076), equation 9, targets 0 and 1.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from synthtrial.errors import ConfigError

_DISCRIMINATOR: dict[str, tuple[Callable[[Tensor], Tensor], Callable[[Tensor], Tensor]]] = {
    "non_saturating": (lambda real: F.softplus(-real), lambda fake: F.softplus(fake)),
    "hinge": (lambda real: F.relu(1 - real), lambda fake: F.relu(1 + fake)),
    "least_squares": (lambda real: (real - 1) ** 2 / 2, lambda fake: fake**2 / 2),
}
_GENERATOR: dict[str, Callable[[Tensor], Tensor]] = {
    "non_saturating": lambda fake: F.softplus(-fake),
    "hinge": lambda fake: -fake,
    "least_squares": lambda fake: (fake - 1) ** 2 / 2,
}


def check_loss(name: str) -> str:
    """Return the name of a loss, or raise a ConfigError that says which exist."""
    if name not in _GENERATOR:
        raise ConfigError(f"unknown loss {name!r}; there are: {', '.join(_GENERATOR)}")
    return name


def discriminator_terms(loss: str, real: Tensor, fake: Tensor) -> dict[str, Tensor]:
    """Loss terms `real` and `fake` of a discriminator from its logits, of any shape."""
    on_real, on_fake = _DISCRIMINATOR[loss]
    return {"real": on_real(real).mean(), "fake": on_fake(fake).mean()}


def generator_terms(loss: str, fake: Tensor) -> dict[str, Tensor]:
    """Loss term `adversarial` of a generator from the discriminator's logits on its samples."""
    return {"adversarial": _GENERATOR[loss](fake).mean()}


@torch.no_grad()
def accuracy(loss: str, real: Tensor, fake: Tensor) -> Tensor:
    """Share of logits on the right side of the loss's boundary."""
    boundary = 0.5 if loss == "least_squares" else 0.0
    return torch.cat([(real > boundary).flatten(), (fake < boundary).flatten()]).float().mean()
