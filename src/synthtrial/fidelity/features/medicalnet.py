"""Features of MedicalNet: a 3D network that was trained on medical volumes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from synthtrial.errors import ConfigError
from synthtrial.fidelity.features.weights import ChosenWeights, PublishedWeights

if TYPE_CHECKING:
    from torch import nn

MEDICALNET_50 = PublishedWeights(
    network="MedicalNet's 3D ResNet-50",
    file="resnet_50_23dataset.pth",
    url="https://huggingface.co/TencentMedicalNet/MedicalNet-Resnet50/resolve/"
    "8d924de10880fc392b71cbf61804e880aeb74e53/resnet_50_23dataset.pth",
    sha256="ff48a62219073fb977fd3f4ddfb8dc1367f0ec156c8d6f6c37e205bd683a246e",
)


class MedicalNet50:
    """The 2048 maps of MedicalNet's 3D ResNet-50 before its segmentation head, each averaged over the volume.

    Chen, Ma and Zheng 2019 (arXiv 1904.00625) trained it to segment organs in 23 data sets of CT and MRI. The Frechet
    distance in such features is what HA-GAN (Sun et al. 2022) reports for volumes; its values are far below those of
    the 2D FID and can't be compared with them.

    Volumes go in as they are, in [-1, 1], as HA-GAN gave them. MedicalNet's own training scaled each volume to mean 0
    and deviation 1 over its voxels above 0, and put noise into the rest. That would hide a wrong brightness or contrast
    and is undefined for a mask, so it is left out. Each channel is taken as a grey volume of its own and their features
    are joined one after the other, so that two swapped channels are seen. The deepest maps have an eighth of the
    volume's side, so volumes of 32 voxels leave 4 x 4 x 4 positions to average over, and smaller ones hardly any.

    Args:
        spatial_dims: must be 3.
        weights: path of the weights; see `conf/fidelity/features/medicalnet50.yaml`.
        download: whether the published file may be fetched where no path is given.
        sha256: checksum the file must have, or its first 8 or more digits; None accepts any.
        accelerator: `auto` for a GPU where there is one, or `cpu`. Values differ in the last digits.

    Raises:
        ConfigError: for 2D images, or when there are no weights; at first use, when they are not what they should be.
    """

    def __init__(
        self,
        *,
        spatial_dims: int,
        weights: str | None = None,
        download: bool = False,
        sha256: str | None = MEDICALNET_50.sha256,
        accelerator: Literal["auto", "cpu"] = "auto",
    ) -> None:
        if spatial_dims != 3:
            raise ConfigError("medicalnet50 looks at volumes, and these images are 2D: use inception_v3 or random_conv")
        self.weights = ChosenWeights(MEDICALNET_50, weights, download, sha256)
        self.name = self.weights.name_of("medicalnet50")
        self.spatial_dims = spatial_dims
        self.accelerator = accelerator
        self._network: nn.Module | None = None

    def __call__(self, images: np.ndarray) -> np.ndarray:
        """Features `(n, 2048 * C)` float64 of volumes `(n, C, *spatial)` in [-1, 1]."""
        import torch

        from synthtrial.fidelity.features.frozen_network import exact_inference, read_network

        if self._network is None:
            self._network = read_network(medicalnet_50, self.weights.file(), self.accelerator)
        device = next(self._network.parameters()).device
        with exact_inference():
            # One channel at a time: the first maps of a volume of 256^3 voxels take 0.5 GB.
            rows = [
                [self._network(torch.from_numpy(channel[None, None]).float().to(device))[0].cpu() for channel in image]
                for image in images
            ]
            return torch.stack([torch.cat(row) for row in rows]).double().numpy()


def medicalnet_50() -> nn.Module:
    """MONAI's 3D ResNet-50, brought to the strides and dilations of MedicalNet.

    MONAI's own network takes MedicalNet's weights, but strides in its third and fourth stage, where MedicalNet was
    trained with dilations of 2 and 4, and does not stride in its first convolution: the weights would see another
    scale than they learned.
    """
    from monai.networks.nets import resnet50

    network: Any = resnet50(
        n_input_channels=1, conv1_t_stride=2, shortcut_type="B", bias_downsample=False, feed_forward=False
    )
    for stage, dilation in ((network.layer3, 2), (network.layer4, 4)):
        stage[0].downsample[0].stride = (1, 1, 1)
        for block in stage:
            block.conv2.stride = (1, 1, 1)
            block.conv2.dilation = block.conv2.padding = (dilation,) * 3
    return network
