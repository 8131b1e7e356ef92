"""A history of generated images that a discriminator is shown again (Shrivastava et al. 2017, arXiv 1612.07828)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class ImagePool(nn.Module):
    """Hand on new images, or in their place older ones, so that a discriminator forgets no earlier fake.

    While the pool fills, it keeps every image and hands it on. Once it is full, every second image on average is
    exchanged for one from the pool, drawn at random, and stays in its place.

    The images are buffers: a checkpoint keeps them, 4 bytes per voxel and channel. All choices are made on the images'
    device, so that nothing waits for it.

    Args:
        capacity: images kept; 50 as in CycleGAN, 0 hands every image on.
        shape: `(C, *spatial)` of an image.
    """

    images: Tensor
    count: Tensor

    def __init__(self, capacity: int, shape: Sequence[int]) -> None:
        super().__init__()
        self.capacity = capacity
        self.register_buffer("images", torch.zeros(capacity, *shape))
        self.register_buffer("count", torch.zeros((), dtype=torch.int64))

    @torch.no_grad()
    def forward(self, new: Tensor) -> Tensor:
        """Exchange images `(B, C, *spatial)` one by one; what comes back has no graph."""
        new = new.detach().to(self.images.dtype)
        return torch.stack([self._exchange(image) for image in new]) if self.capacity else new

    def _exchange(self, new: Tensor) -> Tensor:
        filling = self.count < self.capacity
        place = torch.where(filling, self.count, torch.randint(self.capacity, (), device=new.device)).view(1)
        kept = self.images.index_select(0, place)[0]
        swap = torch.rand((), device=new.device) < 0.5
        self.images.index_copy_(0, place, torch.where(filling | swap, new, kept)[None])
        self.count += filling
        return torch.where(swap & ~filling, kept, new)
