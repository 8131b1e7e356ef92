"""Noise: images without anatomy, with blobs for masks that have nothing to do with them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from synthtrial.cohorts.phantom_shapes import Waves
from synthtrial.gans.controls.control import Control, Kept, class_of, wanted
from synthtrial.gans.dataset import RealCases

STREAM = 0x2015E
"""Tells the random numbers of this control from others of the same seed."""

LEAST = 1e-3
"""How close to its ends a mean or a variance may come: at the ends there is no beta distribution."""

ROUGHNESS = 0.15
"""Standard deviation of a blob's surface, share of its radius."""


class WhiteNoise(Control):
    """Draw i is white noise with the mean and standard deviation of the real images, and a blob anywhere as its mask.

    White and not smoothed: a correlation length is something that images of tissue have, too, and there is none that
    would be right for all cohorts. What is left of the real cases is how bright images are, how large lesions, and how
    frequent classes; how lesions look and where they lie can't be learned from these cases, and a case's class has
    nothing to do with its image.

    Args:
        image_size, image_channels, spatial_dims: see `Control`.
        per_real: cases that can be drawn for each real case of the split, of whichever class.
    """

    def __init__(
        self, *, image_size: int | Sequence[int], image_channels: int, spatial_dims: int, per_real: float
    ) -> None:
        super().__init__(image_size=image_size, image_channels=image_channels, spatial_dims=spatial_dims)
        self.per_real = per_real

    def cases(self, real: RealCases) -> Iterator[Kept]:
        """Noise and blobs, encoded as the real cases are; classes in the proportions that these have."""
        rng = np.random.default_rng([self.seed, STREAM])
        shapes, sizes = beta_shapes(real), lesion_sizes(real)
        for index in range(wanted(self.per_real, self.split_size)):
            image = np.stack([2 * rng.beta(a, b, real.cohort.shape) - 1 for a, b in shapes])
            mask = blobs(sizes[rng.integers(len(sizes))], real.cohort.shape, rng)
            yield Kept(real.encode(image.astype(np.float32), mask), class_of(real, real.real_at(index)))


def beta_shapes(real: RealCases) -> np.ndarray:
    r"""The two shapes of the beta distribution over [-1, 1] that has each channel's mean and variance, `(C, 2)`.

    With mean m and variance v of :math:`(x + 1) / 2` over all voxels of all cases

    .. math:: a = m k, \quad b = (1 - m) k, \quad k = m (1 - m) / v - 1

    Clipped normal noise would not have them: many images have a large part of their voxels at an end of the window.
    """
    moments = []
    for case_id in real.roles.real:
        values = (real.cohort.image(case_id).reshape(real.cohort.facts["channels"], -1) + 1.0) / 2
        moments.append((values.mean(axis=1), (values**2).mean(axis=1)))
    mean, square = np.mean(moments, axis=0)
    mean = np.clip(mean, LEAST, 1 - LEAST)
    most = mean * (1 - mean)
    k = most / np.clip(square - mean**2, LEAST * most, (1 - LEAST) * most) - 1
    return np.stack([mean * k, (1 - mean) * k], axis=1)


def lesion_sizes(real: RealCases) -> np.ndarray:
    """Voxels of each label `(cases, L)`, of the cases that have a lesion; one row of zeros where none has."""
    labels = np.arange(1, len(real.cohort.labels) + 1)
    counts = np.array([[(real.cohort.mask(i) == label).sum() for label in labels] for i in real.roles.real], int)
    with_lesion = counts[counts.any(axis=1)]
    return with_lesion if len(with_lesion) else np.zeros((1, len(labels)), int)


def blobs(sizes: np.ndarray, shape: tuple[int, ...], rng: np.random.Generator) -> np.ndarray:
    """A label map `(*shape)` with one blob of `sizes[k]` voxels for label k, anywhere, none over another."""
    label_map = np.zeros(shape, np.uint8)
    for label, size in enumerate(sizes, start=1):
        label_map[blob(int(size), label_map == 0, rng)] = label
    return label_map


def blob(size: int, free: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """A region `(*shape)` of `size` voxels, or of all that are free if they are fewer: a ball with a wavy surface."""
    grid = np.indices(free.shape, np.float32)
    centre = rng.uniform(0, free.shape).reshape(-1, *[1] * free.ndim)
    offset = grid - centre
    distance = np.sqrt((offset**2).sum(axis=0))
    direction = [*(offset / (distance + 1e-6)), *[0.0] * (3 - free.ndim)]
    reach = distance / (1 + ROUGHNESS * np.clip(Waves(rng, 4, 2.0)(*direction), -3, 3))
    nearest = np.argsort(np.where(free, reach, np.inf), axis=None, kind="stable")[: min(size, free.sum())]
    region = np.zeros(free.size, bool)
    region[nearest] = True
    return region.reshape(free.shape)
