from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from scipy import ndimage

from fidelity.array_cases import array_cases
from synthtrial.fidelity.features.extractor import extract_features
from synthtrial.fidelity.features.random_conv import RandomConv, random_filters
from synthtrial.fidelity.metrics.frechet import frechet_distance

N = 24
Change = Callable[[np.ndarray, float], np.ndarray]


def ball_cases(spatial_dims: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Images `(N, 1, *spatial)` of textured balls of two kinds, and their masks `(N, *spatial)`."""
    rng = np.random.default_rng(seed)
    shape = (20,) * spatial_dims
    grid = np.indices(shape)
    masks = np.zeros((N, *shape), np.uint8)
    images = np.empty((N, 1, *shape), np.float32)
    for index in range(N):
        centre = rng.uniform(7, 13, spatial_dims).reshape(-1, *[1] * spatial_dims)
        masks[index] = ((grid - centre) ** 2).sum(0) < rng.uniform(3, 6) ** 2
        lesion = masks[index] * rng.choice([0.3, 0.9])
        texture = ndimage.gaussian_filter(rng.normal(0, 1, shape), 1)
        images[index, 0] = np.clip(-0.5 + lesion + 0.2 * texture + rng.normal(0, 0.03, shape), -1, 1)
    return images, masks


def distances(change: Change, amounts: list[float], spatial_dims: int) -> list[float]:
    """Distances of unchanged images to other ones that are changed step by step."""
    extractor = RandomConv(spatial_dims=spatial_dims)
    reference = extractor(ball_cases(spatial_dims, seed=0)[0])
    images = ball_cases(spatial_dims, seed=1)[0]
    return [frechet_distance(reference, extractor(change(images, amount).astype(np.float32))) for amount in amounts]


def blurred(images: np.ndarray, voxels: float) -> np.ndarray:
    return ndimage.gaussian_filter(images, (0, 0, *[voxels] * (images.ndim - 2)))


def noisy(images: np.ndarray, deviation: float) -> np.ndarray:
    return images + np.random.default_rng(5).normal(0, deviation, images.shape)


def fewer_modes(images: np.ndarray, share: float) -> np.ndarray:
    kept = images[: max(1, round(share * len(images)))]
    return kept[np.arange(len(images)) % len(kept)]


@pytest.mark.parametrize("spatial_dims", [2, 3])
@pytest.mark.parametrize(
    ("change", "amounts"),
    [(blurred, [0, 0.5, 0.8, 1.5, 3]), (noisy, [0, 0.03, 0.06, 0.12, 0.25]), (fewer_modes, [1, 0.3, 0.1, 0.04])],
)
def test_each_step_of_degradation_raises_the_distance(change: Change, amounts: list[float], spatial_dims: int) -> None:
    values = distances(change, amounts, spatial_dims)
    assert values == sorted(values) and values[-1] > 2 * values[0]


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_noise_images_are_far(spatial_dims: int) -> None:
    def replaced(images: np.ndarray, _: float) -> np.ndarray:
        return np.random.default_rng(5).normal(0, 0.5, images.shape).clip(-1, 1)

    floor, noise = distances(noisy, [0], spatial_dims) + distances(replaced, [0], spatial_dims)
    assert noise > 50 * floor


def view_distances(change: Callable[[np.ndarray], np.ndarray]) -> dict[str, float]:
    """Distance of each view between cases and the same cases with changed masks."""
    images, masks = ball_cases(3, seed=0)
    extractor = RandomConv(spatial_dims=3)
    views = [extract_features(extractor, array_cases(images, of), 7) for of in (masks, change(masks))]
    return {view: frechet_distance(views[0][view], views[1][view]) for view in views[0]}


def test_a_changed_mask_shows_in_mask_and_pair_but_not_in_the_image() -> None:
    grown = [
        view_distances(lambda masks, by=by: ndimage.grey_dilation(masks, (1, by, by, by)))
        for by in (1, 3, 5)  # type: ignore[misc]
    ]
    for view in ("mask", "pair"):
        assert grown[0][view] < grown[1][view] < grown[2][view]
    assert grown[2]["image"] == pytest.approx(0, abs=1e-9)


def test_swapped_masks_show_in_the_pair_alone() -> None:
    swapped = view_distances(lambda masks: masks[::-1])
    assert swapped["mask"] == pytest.approx(0, abs=1e-9)
    assert swapped["pair"] > 0.01


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_features_do_not_depend_on_the_batch(spatial_dims: int) -> None:
    images, _ = ball_cases(spatial_dims, seed=0)
    extractor = RandomConv(spatial_dims=spatial_dims)
    together = extractor(images)
    assert together.shape == (N, 128) and together.dtype == np.float64
    assert (together == np.concatenate([extractor(images[:5]), extractor(images[5:])])).all()


def test_filters_are_the_same_on_every_machine() -> None:
    weights, offsets = random_filters(seed=0, filters=4, channels=1, spatial_dims=2)
    assert np.allclose(offsets, [0, 0, -0.918053, -0.966945], atol=1e-6)
    assert np.allclose(weights[:2].sum(axis=(1, 2, 3)), 0, atol=1e-6)
    assert np.allclose(weights[2:].sum(axis=(1, 2, 3)), 1, atol=1e-6)


@pytest.mark.parametrize("shape", [(5, 7), (3, 9, 4)])
def test_odd_and_small_shapes_have_as_many_features(shape: tuple[int, ...]) -> None:
    features = RandomConv(spatial_dims=len(shape))(np.zeros((2, 3, *shape), np.float32))
    assert features.shape == (2, 128) and np.isfinite(features).all()
