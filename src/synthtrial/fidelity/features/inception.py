"""Features of FID's Inception network: what most published Frechet distances of 2D images are computed with."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from synthtrial.errors import ConfigError
from synthtrial.fidelity.features.weights import ChosenWeights, PublishedWeights

if TYPE_CHECKING:
    import torch

    from synthtrial.fidelity.features.inception_network import InceptionNetwork

INCEPTION = PublishedWeights(
    network="FID's Inception network",
    file="pt_inception-2015-12-05-6726825d.pth",
    url="https://github.com/mseitzer/pytorch-fid/releases/download/fid_weights/pt_inception-2015-12-05-6726825d.pth",
    sha256="6726825d0af5f729cebd5821db510b11b1cfad8faad88a03f1befd49fb9129b2",
)
SIDE = 299
"""Width and height that the network takes, pixels."""


class InceptionV3:
    """The 2048 features of `pool_3` in the Inception network of the FID (Heusel et al. 2017, arXiv 1706.08500).

    Images are brought to what TensorFlow's graph gets: 8-bit grey values from 0 to 255, resized to 299 x 299, less 128,
    divided by 128. The resizing is TensorFlow 1's bilinear one: pixel i of the result lies at `i * old / 299` in the
    image, corners not aligned, no half-pixel shift, and no smoothing before shrinking, so that images far above 299
    pixels alias. pytorch-fid resizes with half-pixel centres (`F.interpolate`, `align_corners=False`) and scales to
    2x - 1 instead, that is, grey / 127.5 - 1; its values differ a little, so compare distances of one program only.

    Grey images are repeated to three channels, and three channels are taken as red, green and blue. Of any other
    number, each channel is taken as a grey image of its own and their features are joined one after the other.

    The network learned to name things in photographs. It sees texture and shape of medical images, but knows no
    anatomy; distances of less than some thousand images are mostly bias.

    Args:
        spatial_dims: must be 2.
        weights: path of the weights; see `conf/fidelity/features/inception_v3.yaml`.
        download: whether the published file may be fetched where no path is given.
        sha256: checksum the file must have, or its first 8 or more digits; None accepts any.
        accelerator: `auto` for a GPU where there is one, or `cpu`. Values differ in the last digits.

    Raises:
        ConfigError: for volumes, or when there are no weights; at first use, when they are not what they should be.
    """

    def __init__(
        self,
        *,
        spatial_dims: int,
        weights: str | None = None,
        download: bool = False,
        sha256: str | None = INCEPTION.sha256,
        accelerator: Literal["auto", "cpu"] = "auto",
    ) -> None:
        if spatial_dims != 2:
            raise ConfigError("inception_v3 looks at 2D images, and these are volumes: use medicalnet50 or random_conv")
        self.weights = ChosenWeights(INCEPTION, weights, download, sha256)
        self.name = self.weights.name_of("inception_v3")
        self.spatial_dims = spatial_dims
        self.accelerator = accelerator
        self._network: InceptionNetwork | None = None

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Features `(n, d)` float64 of images `(n, C, H, W)` in [-1, 1]; d is 2048, or 2048 * C unless C is 1 or 3."""
        return self._pictures_features(images).flatten(1).cpu().double().numpy()

    def probabilities(self, images: np.ndarray) -> np.ndarray:
        """Probabilities `(n, 1008)` float64 of the network's classes, for the Inception Score.

        As in the score's published code (Salimans et al. 2016, arXiv 1606.03498), the classifier's bias is left out.
        Where there are neither 1 nor 3 channels, each is classified by itself, and their probabilities are averaged.
        """
        logits = (self._pictures_features(images) @ self._loaded().fc.weight.T).double()
        return logits.softmax(dim=2).mean(dim=1).cpu().numpy()

    def _pictures_features(self, images: np.ndarray) -> torch.Tensor:
        """Features `(n, pictures, 2048)`: one picture per image, or one per channel."""
        import torch

        from synthtrial.fidelity.features.frozen_network import exact_inference

        network = self._loaded()
        device = network.fc.weight.device
        with exact_inference():
            # One image at a time: then the features do not depend on the batch an image came in.
            return torch.stack([network(as_graph_input(torch.from_numpy(image).to(device))) for image in images])

    def _loaded(self) -> InceptionNetwork:
        if self._network is None:
            from synthtrial.fidelity.features.frozen_network import read_network
            from synthtrial.fidelity.features.inception_network import InceptionNetwork

            self._network = read_network(InceptionNetwork, self.weights.file(), self.accelerator)
        return self._network


def as_graph_input(image: torch.Tensor) -> torch.Tensor:
    """One image `(C, H, W)` in [-1, 1] as the pictures `(1 or C, 3, 299, 299)` that the network takes."""
    pictures = image[None] if len(image) == 3 else image[:, None].expand(-1, 3, -1, -1)
    grey = ((pictures.float() + 1) * 127.5).round().clamp(0, 255)
    return (resize_as_tensorflow_1(grey, SIDE) - 128) / 128


def resize_as_tensorflow_1(images: torch.Tensor, side: int) -> torch.Tensor:
    """Bilinear `tf.image.resize_bilinear` of images `(n, C, H, W)` to `(n, C, side, side)`."""
    return _stretch(_stretch(images, side).mT, side).mT


def _stretch(images: torch.Tensor, after: int) -> torch.Tensor:
    """Linear interpolation along the last axis, at the positions `i * before / after`."""
    import torch

    last = images.shape[-1] - 1
    positions = torch.arange(after, dtype=torch.float64, device=images.device) * ((last + 1) / after)
    low = positions.floor().long().clamp(max=last)
    left, right = images[..., low], images[..., (low + 1).clamp(max=last)]
    return left + (right - left) * (positions - low).to(images.dtype)
