"""How different two images look to a VGG network: a distance like LPIPS, without its learned weights."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from synthtrial.errors import ConfigError

if TYPE_CHECKING:
    import torch
    from torch import nn

LAYERS = ("relu1_2", "relu2_2", "relu3_3", "relu4_3", "relu5_3")
"""Those that LPIPS compares in VGG16; VGG19 has layers of these names, too."""
SMALLEST_SIDE = 16
"""Pixels that are left with one after the four poolings before the last layer."""
PIXELS_AT_ONCE = 2**18
"""Of slices that go through the network together; its first maps take 64 MB then."""


class PerceptualDistance:
    r"""Distance of pairs of images in the features of VGG16 or VGG19.

    .. math:: d(x, y) = \sum_l \frac{1}{H_l W_l} \sum_{h, w} |\hat x_{l h w} - \hat y_{l h w}|^2

    over layers l, where a hat is the vector of a layer's channels at one position, scaled to length 1: equation 1 of
    Zhang et al. 2018 (arXiv 1801.03924) with all channels weighted alike. LPIPS itself weights them by human judgement
    of photographs, with weights that are not part of the VGG file; so values are not LPIPS values, hence `lpips_like`.
    Runs on a GPU where there is one; values there differ in the last digits.

    Images of three channels are taken as colour; of any other number, every channel is compared as a grey image and
    their distances are averaged. Of volumes, the distances of all axial slices (along z, the last axis) are averaged.

    Args:
        weights_path: torchvision's `vgg16` or `vgg19` state dict; which of them is seen from its keys.

    Raises:
        ConfigError: when there is no such file; at first use, when it holds another network.
    """

    def __init__(self, weights_path: str | Path) -> None:
        self.weights_path = Path(weights_path).expanduser()
        if not self.weights_path.is_file():
            raise ConfigError(
                f"perceptual distance: there is no file of VGG weights {weights_path}. Get "
                "https://download.pytorch.org/models/vgg16-397923af.pth and set its path"
            )
        self._layers: list[tuple[str, nn.Module]] = []

    @property
    def network(self) -> str:
        """`vgg16` or `vgg19`; reads the file.

        Raises:
            ConfigError: when it holds another network.
        """
        return "vgg19" if any(name == "conv3_4" for name, _ in self._loaded()) else "vgg16"

    def __call__(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        """Distances `(n,)` float64 of pairs of images, both `(n, C, H, W)` or `(n, C, X, Y, Z)` in [-1, 1].

        Raises:
            ConfigError: for two shapes that differ, no images, or images of less than 16 pixels.
        """
        if first.shape != second.shape or first.ndim not in (4, 5) or 0 in first.shape:
            raise ConfigError(
                "a perceptual distance compares pairs of images (n, C, H, W) or volumes (n, C, X, Y, Z) of one shape, "
                f"not {first.shape} with {second.shape}"
            )
        if min(first.shape[2:4]) < SMALLEST_SIDE:
            raise ConfigError(
                f"a perceptual distance needs {SMALLEST_SIDE} pixels per side, and these slices have {first.shape[2:4]}"
            )
        return np.array([self._of_pair(*pair) for pair in zip(first, second, strict=True)])

    def _of_pair(self, first: np.ndarray, second: np.ndarray) -> float:
        """Mean distance of the slices of two images, `(C, H, W)` or `(C, X, Y, Z)`."""
        import torch

        from synthtrial.fidelity.features.frozen_network import exact_inference

        slices = _slices(first), _slices(second)
        at_once = max(PIXELS_AT_ONCE // slices[0][0].numel(), 1)
        batches = zip(*(some.split(at_once) for some in slices), strict=True)
        with exact_inference():
            return torch.cat([self._of_pictures(*batch) for batch in batches]).double().mean().item()

    def _of_pictures(self, first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
        """Distances of pictures `(B, C, H, W)`, one by one: `(B,)` for colour, `(B * C,)` for grey channels."""
        import torch.nn.functional as F

        from synthtrial.gans.perceptual import as_photographs

        layers = self._loaded()
        device = next(layers[0][1].parameters()).device
        first, second = as_photographs(first.to(device)), as_photographs(second.to(device))
        total = first.new_zeros(len(first))
        for name, layer in layers:
            first, second = layer(first), layer(second)
            if name in LAYERS:
                difference = F.normalize(first, dim=1) - F.normalize(second, dim=1)
                total = total + difference.square().sum(dim=1).mean(dim=(1, 2))
        return total

    def _loaded(self) -> list[tuple[str, nn.Module]]:
        """The network's layers by name, up to the last that is compared."""
        if not self._layers:
            from synthtrial.gans.perceptual import read_vgg
            from synthtrial.hardware import best_device

            names, network = read_vgg(self.weights_path)
            end = names.index(LAYERS[-1]) + 1
            network.to(best_device({"accelerator": "auto"}))
            self._layers = list(zip(names[:end], list(network)[:end], strict=True))
        return self._layers


def _slices(image: np.ndarray) -> torch.Tensor:
    """An image `(C, H, W)` as one picture `(1, C, H, W)`, or a volume `(C, X, Y, Z)` as its slices `(Z, C, X, Y)`."""
    import torch

    return torch.from_numpy(np.ascontiguousarray(np.moveaxis(image, 3, 0) if image.ndim == 4 else image[None])).float()
