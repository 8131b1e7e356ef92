"""What networks that turn images into images share: layers by name, and the weights they start from."""

from __future__ import annotations

from torch import nn
from torch.nn.modules.batchnorm import _BatchNorm
from torch.nn.modules.conv import _ConvNd

from synthtrial.errors import ConfigError
from synthtrial.gans.dcgan_networks import enlarging
from synthtrial.gans.layers import BATCH_NORMS

INSTANCE_NORMS = {2: nn.InstanceNorm2d, 3: nn.InstanceNorm3d}


def normalisation(norm: str, dims: int, channels: int) -> nn.Module:
    """Normalisation of every image by itself (`instance`, without weights) or over the batch (`batch`).

    Raises:
        ConfigError: for an unknown name.
    """
    if norm == "instance":
        return INSTANCE_NORMS[dims](channels)
    if norm == "batch":
        return BATCH_NORMS[dims](channels)
    raise ConfigError(f"unknown norm {norm!r}; there are: instance, batch")


def doubling(upsampling: str, dims: int, before: int, after: int, kernel: int, bias: bool) -> nn.Module:
    """A layer that doubles the grid: `transposed` convolution, or `nearest` voxels then a convolution of kernel 3.

    Raises:
        ConfigError: for an unknown name.
    """
    if upsampling not in ("transposed", "nearest"):
        raise ConfigError(f"unknown upsampling {upsampling!r}; there are: transposed, nearest")
    return enlarging(dims, before, after, kernel, stride=2, bias=bias, smooth=upsampling == "nearest")


def start_gaussian(network: nn.Module, deviation: float = 0.02) -> None:
    """Draw weights from a normal distribution around 0, those of batch norm around 1; biases start at 0.

    CycleGAN (arXiv 1703.10593) and Pix2Pix (arXiv 1611.07004) both do.
    """
    for layer in network.modules():
        if isinstance(layer, _ConvNd | _BatchNorm):
            nn.init.normal_(layer.weight, 1.0 if isinstance(layer, _BatchNorm) else 0.0, deviation)
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
