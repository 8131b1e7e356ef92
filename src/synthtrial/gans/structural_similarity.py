"""Multi-scale structural similarity as a loss (Wang et al. 2003, doi 10.1109/ACSSC.2003.1292216)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

WEIGHTS = (0.0448, 0.2856, 0.3001, 0.2363, 0.1333)
"""Exponents of the scales, finest first; those of the scales that fit into an image are rescaled to sum to 1."""
WINDOW = 7
C1, C2 = (0.01 * 2) ** 2, (0.03 * 2) ** 2
"""The constants of Wang et al. 2004 for values in [-1, 1]."""
SMALLEST = 1e-4
"""Least similarity of a scale: a power below 1 has no finite slope at 0, and negative ones have none at all."""
_AVERAGE = {4: F.avg_pool2d, 5: F.avg_pool3d}


def ms_ssim_loss(first: Tensor, second: Tensor) -> Tensor:
    """Mean of 1 - MS-SSIM over the channels of images `(B, C, *spatial)` in [-1, 1].

    Contrast and structure are compared at every scale, luminance at the coarsest (equation 7), within uniform windows
    of 7 voxels. There are as many scales as fit, at most five.
    """
    first, second = first.float(), second.float()
    count = 1
    while count < len(WEIGHTS) and min(first.shape[2:]) >> count >= WINDOW:
        count += 1
    similarity = torch.ones(first.shape[:2], device=first.device)
    for scale, weight in enumerate(WEIGHTS[:count]):
        luminance, structure = compare(first, second)
        value = luminance * structure if scale == count - 1 else structure
        value = value.flatten(2).mean(2).clamp(min=SMALLEST)
        similarity = similarity * value ** (weight / sum(WEIGHTS[:count]))
        first, second = (_AVERAGE[image.dim()](image, 2) for image in (first, second))
    return 1 - similarity.mean()


def compare(first: Tensor, second: Tensor) -> tuple[Tensor, Tensor]:
    """Luminance `l` and contrast-structure `c s` of SSIM in every window (Wang et al. 2004, equations 6 and 13)."""
    average = _AVERAGE[first.dim()]
    mean_1, mean_2, square, product = (
        average(image, WINDOW, stride=1) for image in (first, second, first**2 + second**2, first * second)
    )
    squared_means = mean_1**2 + mean_2**2
    luminance = (2 * mean_1 * mean_2 + C1) / (squared_means + C1)
    structure = (2 * (product - mean_1 * mean_2) + C2) / (square - squared_means + C2)
    return luminance, structure
