"""Inference: windows agree with the whole, and predictions return to the grid they came from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthtrial.errors import CohortError
from synthtrial.segmentation.inference import predict_probabilities, to_original_grid


class Threshold(torch.nn.Module):
    """A voxel-wise network: logits (-x, x)."""

    def __init__(self) -> None:
        super().__init__()
        self.factor = torch.nn.Parameter(torch.tensor(1.0))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.cat([-x, x], 1) * self.factor


@pytest.mark.parametrize("shape", [(12, 10), (12, 10, 9)])
def test_sliding_windows_of_a_voxelwise_network_give_its_whole_answer(shape):
    image = torch.randn(2, 1, *shape, generator=torch.Generator().manual_seed(0))
    whole = predict_probabilities(Threshold(), image, None, 0.5)
    windows = predict_probabilities(Threshold(), image, (8,) * len(shape), 0.5)
    assert whole.shape == (2, 2, *shape)
    torch.testing.assert_close(windows, whole)
    torch.testing.assert_close(whole.sum(1), torch.ones(2, *shape))


@pytest.mark.parametrize("patch_shape", [None, (8, 8, 8)])
def test_a_mirrored_image_gets_the_mirrored_answer_when_flips_are_averaged(patch_shape):
    torch.manual_seed(0)
    network = torch.nn.Conv3d(1, 2, 3, padding=1)
    image = torch.randn(1, 1, 12, 10, 8)

    def answer(image: torch.Tensor, flips: tuple[int, ...]) -> torch.Tensor:
        return predict_probabilities(network, image, patch_shape, 0.5, flips)

    plain, averaged = answer(image, ()), answer(image, (0, 2))
    assert not torch.allclose(answer(image.flip([2]), ()).flip([2]), plain, atol=1e-3)
    for axes in ([2], [4], [2, 4]):
        torch.testing.assert_close(answer(image.flip(axes), (0, 2)).flip(axes), averaged)
    assert not torch.allclose(answer(image.flip([3]), (0, 2)).flip([3]), averaged, atol=1e-3)  # an axis not asked for
    torch.testing.assert_close(averaged.sum(1), torch.ones(1, 12, 10, 8))
    mirrored = [plain, *(answer(image.flip(axes), ()).flip(axes) for axes in ([2], [4], [2, 4]))]
    torch.testing.assert_close(averaged, torch.stack(mirrored).mean(0))


def one_hot(labels: np.ndarray, n_labels: int) -> torch.Tensor:
    return torch.from_numpy(np.stack([labels == value for value in range(n_labels + 1)]).astype(np.float32))


def affine(spacing: tuple[float, ...], origin: tuple[float, ...]) -> np.ndarray:
    matrix = np.diag([*spacing, 1.0])
    matrix[:3, 3] = origin
    return matrix


def test_a_grid_shifted_by_whole_voxels_is_cropped_and_padded_exactly():
    labels = np.random.default_rng(0).integers(0, 3, (6, 7, 8)).astype(np.uint8)
    spacing = (0.7, 0.7, 2.5)
    prepared = affine(spacing, (10.0, -5.0, 3.0))
    # The original grid starts two voxels into the prepared one along x, and one before it along y.
    original = affine(spacing, (10.0 + 2 * 0.7, -5.0 - 0.7, 3.0)).astype(np.float32).astype(np.float64)
    back = to_original_grid(one_hot(labels, 2), prepared, original, (6, 9, 8))
    expected = np.zeros((6, 9, 8), np.uint8)
    expected[:4, 1:8] = labels[2:]
    np.testing.assert_array_equal(back, expected)


def test_a_finer_grid_gets_whole_voxels_of_a_coarser_prediction():
    labels = np.array([[0, 1, 1, 0]] * 4, np.uint8)
    # Voxels of 2 mm against 1 mm that cover the same field: centres at 0 and 2 against -0.5, 0.5, 1.5, 2.5.
    back = to_original_grid(
        one_hot(labels, 1), affine((2, 2, 1), (0, 0, 0)), affine((1, 1, 1), (-0.5, -0.5, 0)), (8, 8)
    )
    np.testing.assert_array_equal(back, labels.repeat(2, 0).repeat(2, 1))


def test_resampling_agrees_with_scipy_inside_the_prepared_grid():
    from scipy.ndimage import affine_transform

    rng = np.random.default_rng(1)
    probabilities = torch.from_numpy(rng.dirichlet([1, 1, 1], (9, 8, 7)).astype(np.float32)).permute(3, 0, 1, 2)
    scale, offset = np.array([0.6, 0.45, 0.8]), np.array([1.0, 0.3, 0.7])
    prepared, original = np.eye(4), affine(tuple(scale), tuple(offset))
    back = to_original_grid(probabilities, prepared, original, (10, 12, 7))
    expected = [affine_transform(p.numpy(), scale, offset, (10, 12, 7), order=1) for p in probabilities]
    np.testing.assert_array_equal(back, np.argmax(expected, 0))


def test_a_grid_outside_the_prepared_one_is_background():
    full = one_hot(np.ones((3, 3), np.uint8), 1)
    assert not to_original_grid(full, np.eye(4), affine((1, 1, 1), (50, 0, 0)), (3, 3)).any()


def test_rotated_grids_are_refused():
    rotated = np.array([[0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])
    with pytest.raises(CohortError, match="different axes"):
        to_original_grid(one_hot(np.ones((3, 3, 3), np.uint8), 1), np.eye(4), rotated, (3, 3, 3))
