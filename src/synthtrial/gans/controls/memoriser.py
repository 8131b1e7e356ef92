"""The memoriser: gives the training cases back, with a little noise on them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from synthtrial.errors import ConfigError
from synthtrial.gans.controls.control import Control, Kept, class_of
from synthtrial.gans.dataset import RealCases

MOST_NOISE = 0.2
"""With more noise masks, which are -1 and 1 with the threshold between them, would lose voxels."""


class Memoriser(Control):
    """Draw i is training case i plus white noise; after the last case it starts over, with other noise.

    What a generator is feared to do: its cases look real and hold nothing new. An audit must find them, and no arm
    should gain by them more than by the same real cases twice.

    Args:
        image_size, image_channels, spatial_dims: see `Control`.
        noise: standard deviation of the noise, in units of [-1, 1]; at most 0.2.

    Raises:
        ConfigError: for noise out of range.
    """

    def __init__(
        self, *, image_size: int | Sequence[int], image_channels: int, spatial_dims: int, noise: float
    ) -> None:
        super().__init__(image_size=image_size, image_channels=image_channels, spatial_dims=spatial_dims)
        if not 0 <= noise <= MOST_NOISE:
            raise ConfigError(f"noise={noise:g}: the memoriser's noise must be from 0 to {MOST_NOISE:g}")
        self.noise = noise

    def cases(self, real: RealCases) -> Iterator[Kept]:
        """The real cases themselves."""
        return (Kept(real.encoded(case_id), class_of(real, case_id)) for case_id in real.roles.real)

    @property
    def limit(self) -> None:
        """None: the noise is another one each time."""
        return

    def sample(self, n: int, rng: torch.Generator, condition: Tensor | None = None) -> Tensor:
        """Real cases `(n, C, *spatial)` with noise, within [-1, 1]."""
        cases = super().sample(n, rng, condition)
        noise = torch.randn(cases.shape, generator=rng).to(cases.device)
        return (cases + self.noise * noise).clamp(-1, 1)
