"""Random changes of images and masks together."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import torch
from monai.data import get_track_meta
from torch.utils.data import DataLoader

from synthtrial.segmentation.augmentation import augmentation
from synthtrial.supervised.augmentation import AugmentationSettings
from synthtrial.supervised.case import TrainingCase
from synthtrial.supervised.dataset import CaseDataset, ShuffledDraws
from synthtrial.supervised.repeatable import Repeatable

SETTINGS = AugmentationSettings(
    flip_axes=(0,),
    affine_probability=1.0,
    rotate_degrees=15.0,
    scale=0.1,
    intensity_probability=1.0,
    intensity_scale=0.1,
    intensity_shift=0.1,
    noise=0.05,
)
KINDS = {"image": np.float32, "mask": np.uint8}
OFF = dataclasses.replace(SETTINGS, flip_axes=(), affine_probability=0.0, intensity_probability=0.0)


def make_cases(n: int, shape: tuple[int, ...] = (8, 8, 8)) -> list[TrainingCase]:
    def load(index: int):
        mask = np.zeros(shape, np.uint8)
        mask[(slice(2, 4),) * len(shape)] = 1
        return {"image": (np.full((1, *shape), index / n) + 0.1 * mask).astype(np.float32), "mask": mask[None]}

    return [TrainingCase(f"c{index}", "real", lambda index=index: load(index)) for index in range(n)]


@pytest.mark.parametrize("shape", [(8, 8), (8, 8, 8)])
def test_a_draw_is_repeatable_and_two_draws_differ(shape):
    dataset = CaseDataset(make_cases(2, shape), augmentation(SETTINGS, crop_shape=None, n_labels=1), seed=5)
    again = dataset[7, 1]
    for key in ("image", "mask"):
        torch.testing.assert_close(dataset[7, 1][key], again[key], rtol=0, atol=0)
    assert again["image"].shape == again["mask"].shape == (1, *shape)
    assert again["mask"].dtype == torch.uint8 and type(again["image"]) is torch.Tensor
    assert not torch.equal(dataset[8, 1]["image"], again["image"])


@pytest.mark.parametrize(("shape", "crop_shape"), [((8, 8), None), ((12, 12, 12), (8, 8, 8))])
def test_a_seed_means_what_it_means_to_monai(shape, crop_shape):
    sample = CaseDataset(make_cases(1, shape))[0, 0]
    ours, theirs = (augmentation(SETTINGS, crop_shape=crop_shape, n_labels=1) for _ in range(2))
    repeatable = Repeatable(ours)
    for seed in (3, 2**32 - 1):
        expected, got = theirs.set_random_state(seed=seed)(dict(sample)), repeatable(dict(sample), seed)
        assert all(torch.equal(got[key], expected[key]) for key in sample)
    assert get_track_meta()


def test_workers_change_nothing():
    dataset = CaseDataset(make_cases(3), augmentation(SETTINGS, crop_shape=None, n_labels=1), seed=5)
    alone, helped = (
        [batch["image"] for batch in DataLoader(dataset, 2, sampler=ShuffledDraws(3, 6, 1), num_workers=workers)]
        for workers in (0, 2)
    )
    assert all(torch.equal(a, b) for a, b in zip(alone, helped, strict=True))


def test_switched_off_augmentation_leaves_a_case_alone():
    dataset = CaseDataset(make_cases(2), augmentation(OFF, crop_shape=None, n_labels=1))
    assert all(torch.equal(dataset[0, 1][key], CaseDataset(make_cases(2))[0, 1][key]) for key in ("image", "mask"))


def test_image_and_mask_move_together():
    settings = dataclasses.replace(OFF, flip_axes=(0, 1, 2))
    dataset = CaseDataset(make_cases(1), augmentation(settings, crop_shape=None, n_labels=1))
    for draw in range(8):
        sample = dataset[draw, 0]
        assert torch.equal(sample["image"] > 0.05, sample["mask"] > 0)


def test_patches_hold_a_rare_lesion_about_half_of_the_time():
    dataset = CaseDataset(make_cases(1, (32, 32, 32)), augmentation(OFF, crop_shape=(8, 8, 8), n_labels=1))
    samples = [dataset[draw, 0] for draw in range(60)]
    assert all(sample["image"].shape == (1, 8, 8, 8) for sample in samples)
    assert 20 <= sum(bool(sample["mask"].any()) for sample in samples) <= 45


def test_a_case_without_lesion_is_cropped_too():
    empty = TrainingCase("e", "synthetic", lambda: {key: np.zeros((1, 9, 9), kind) for key, kind in KINDS.items()})
    sample = CaseDataset([empty], augmentation(OFF, crop_shape=(4, 4), n_labels=2))[0, 0]
    assert sample["mask"].shape == (1, 4, 4)
