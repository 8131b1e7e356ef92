"""Similarity of synthetic cases to the real cases they belong to: translated masks, reconstructions."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.features.lpips import PerceptualDistance
from synthtrial.fidelity.measured import Measured
from synthtrial.fidelity.metrics.diversity import random_pairs
from synthtrial.fidelity.metrics.structural import ms_ssim, psnr, ssim

SIMILARITIES = {"psnr": psnr, "ssim": ssim, "ms_ssim": ms_ssim}
STRANGERS = 200
"""Pairs of different real cases behind the floor."""

BOOTSTRAPS = 2000


def paired_similarity(
    real: Cases, synthetic: Cases, rng: np.random.Generator, kind: str = "paired"
) -> dict[str, Measured]:
    """Mean PSNR (dB), SSIM and MS-SSIM of synthetic images and the real ones they belong to.

    Only where pairs exist: the i-th synthetic case was made from the i-th real one, from its mask (Pix2Pix) or from its
    code (an encoder's reconstruction). For cases drawn from noise these numbers mean nothing.

    The floor is what a real case of another patient scores: below it, a synthetic case is less like its real one than a
    stranger is. The interval is a bootstrap over patients, as cases of one patient are not independent (percentiles,
    Efron 1979). There is no ceiling: equal images score 1, and 100 dB.

    All three compare voxel by voxel, so a sharp image with its texture elsewhere scores below a blurred one.

    Args:
        real: the real cases, of at least 2 patients.
        synthetic: as many, in the same order.
        rng: draws the strangers and the bootstrap.
        kind: what sort of pairs these are; part of the metrics' names.

    Returns:
        Measurements named `psnr_<kind>/pixels_n<count>`, `ssim_...` and `ms_ssim_...`.

    Raises:
        SynthtrialError: for sets of different size, fewer than 2 patients, or images that can't be compared.
    """
    scales = _scales(real, synthetic, _similarities, rng)
    return {
        f"{name}_{kind}/pixels_n{len(real)}": Measured(*scale, ceiling=None, better="higher")
        for name, scale in zip(SIMILARITIES, scales, strict=True)
    }


def perceptual_distances(
    real: Cases, synthetic: Cases, distance: PerceptualDistance, rng: np.random.Generator, kind: str = "paired"
) -> dict[str, Measured]:
    """Mean perceptual distance of synthetic images and the real ones they belong to; all else as above.

    It forgives what the similarities of voxels don't: a texture that lies elsewhere. Equal images have 0; above the
    floor, a synthetic case is less like its real one than a stranger is.

    Returns:
        One measurement, named `lpips_like_<kind>/<network>_n<count>`.
    """

    def of_pair(first: np.ndarray, second: np.ndarray) -> list[float]:
        return distance(first[None], second[None]).tolist()

    (scale,) = _scales(real, synthetic, of_pair, rng)
    return {f"lpips_like_{kind}/{distance.network}_n{len(real)}": Measured(*scale, ceiling=None, better="lower")}


def _scales(
    real: Cases, synthetic: Cases, of_pair: Callable[[np.ndarray, np.ndarray], list[float]], rng: np.random.Generator
) -> list[tuple[float, float, float, float]]:
    """Value, limits of its interval, and floor, for each of the numbers that two images have together."""
    _check(real, synthetic)
    own = np.array([of_pair(*images) for images in zip(real.images(), synthetic.images(), strict=True)])
    image, ids = real.source.image, real.case_ids
    pairs = random_pairs(real, STRANGERS, rng)
    floors = np.mean([of_pair(image(ids[one]), image(ids[other])) for one, other in pairs], axis=0)
    lows, highs = np.quantile(bootstrap_means(own, real.patients, rng), [0.025, 0.975], axis=0)
    columns = np.stack([own.mean(axis=0), lows, highs, floors], axis=1)
    return [(value, low, high, floor) for value, low, high, floor in columns.tolist()]


def bootstrap_means(values: np.ndarray, patients: Sequence[str], rng: np.random.Generator) -> np.ndarray:
    """Means over cases `(2000, metrics)` in samples of the patients, with replacement, of values `(n, metrics)`."""
    names, of_case = np.unique(patients, return_inverse=True)
    sums = np.stack([np.bincount(of_case, column) for column in values.T], axis=1)
    counts = np.bincount(of_case)
    chosen = rng.integers(len(names), size=(BOOTSTRAPS, len(names)))
    return sums[chosen].sum(axis=1) / counts[chosen].sum(axis=1)[:, None]


def _similarities(first: np.ndarray, second: np.ndarray) -> list[float]:
    return [similarity(first, second) for similarity in SIMILARITIES.values()]


def _check(real: Cases, synthetic: Cases) -> None:
    if len(real) != len(synthetic):
        raise SynthtrialError(
            f"paired similarity needs as many synthetic cases as real ones, in the same order, "
            f"not {len(synthetic)} and {len(real)}"
        )
    if len(set(real.patients)) < 2:
        raise SynthtrialError(
            f"paired similarity has an interval over patients and needs at least 2, not {len(set(real.patients))}"
        )
