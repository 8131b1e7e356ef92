"""Training the encoder of a study on its own real cases."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import torch
from rich.progress import track
from torch import Tensor
from torch.nn import functional as F

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.features.encoder_network import Autoencoder, reduced
from synthtrial.fidelity.features.extractor import views_of_case


def draw_patches(cases: Cases, *, edge: int, count: int, factor: int, rng: np.random.Generator) -> Tensor:
    """Patches of image, mask and pair of the cases, each a one-channel image: all that training sees.

    One case is in memory at a time. Each case gives equally many; of more cases than `count`, as many are chosen.

    Args:
        cases: the real cases.
        edge: of a patch, voxels; an image that is shorter along an axis is taken whole along it.
        count: about how many; bounds memory, whatever the number and the size of the cases.
        factor: images are averaged over so many voxels per axis.
        rng: draws cases, places, views and channels.

    Returns:
        Float32 `(about count, 1, *spatial)`.

    Raises:
        SynthtrialError: for an image with NaN or infinite values.
    """
    chosen = np.sort(rng.permutation(len(cases))[:count])
    each = max(1, count // len(cases))
    return torch.cat([patch for index in chosen for patch in _of_case(cases, index, edge, each, factor, rng)])


def _of_case(
    cases: Cases, index: int, edge: int, count: int, factor: int, rng: np.random.Generator
) -> Iterator[Tensor]:
    """Patches `(1, 1, *spatial)` of the views of one case."""
    case_id = cases.case_ids[index]
    image = cases.source.image(case_id)
    if not np.isfinite(image).all():
        raise SynthtrialError(
            f"image {case_id} has NaN or infinite values: study_encoder can't learn from it; repair it or leave it out"
        )
    views = list(views_of_case(image, np.asarray(cases.source.mask(case_id)), len(cases.source.labels)).values())
    small = [reduced(torch.from_numpy(view)[None], view.ndim - 1, factor) for view in views]
    for _ in range(count):
        view = small[rng.integers(len(small))]
        channel = int(rng.integers(view.shape[1]))
        starts = [int(rng.integers(max(1, length - edge + 1))) for length in view.shape[2:]]
        yield view[(slice(None), slice(channel, channel + 1), *(slice(start, start + edge) for start in starts))]


def train(network: Autoencoder, patches: Tensor, *, steps: int, batch_size: int, rate: float, seed: int) -> None:
    """Train an autoencoder to rebuild patches, then calibrate and freeze it.

    The loss is the mean absolute error of grey values and texture. Patches are mirrored at random, and nothing else:
    an encoder that is taught to overlook blur, noise or contrast could not measure them afterwards.

    Args:
        network: untrained.
        patches: `(n, 1, *spatial)`.
        steps: optimizer steps.
        batch_size: patches per step.
        rate: highest learning rate of the cycle (Smith & Topin 2017, arXiv 1708.07120).
        seed: of the batches.
    """
    generator = torch.Generator().manual_seed(seed)
    optimizer = torch.optim.Adam(network.parameters(), lr=rate)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=rate, total_steps=steps)
    for _ in track(range(steps), "training study_encoder"):
        batch = patches[torch.randint(len(patches), (batch_size,), generator=generator)]
        seen = network.seen(mirrored(batch, generator))
        loss = F.l1_loss(network(seen), seen)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    network.eval().requires_grad_(False)
    network.calibrate(patches)


def mirrored(batch: Tensor, generator: torch.Generator) -> Tensor:
    """The batch `(B, C, *spatial)`, mirrored along each axis or not, all images alike."""
    axes = tuple(axis for axis in range(2, batch.ndim) if torch.rand((), generator=generator) < 0.5)
    return batch.flip(axes)
