"""Training one fold model: it learns, repeats, resumes, and says what is wrong."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from synthtrial.errors import ConfigError, TrainingError
from synthtrial.segmentation.dataset import TrainingCase
from synthtrial.segmentation.inference import predict_probabilities
from synthtrial.segmentation.metrics import dice_per_label
from synthtrial.segmentation.module import learning_rate_factor
from synthtrial.segmentation.settings import train_settings
from synthtrial.segmentation.training import fit

UNET = {
    "_target_": "monai.networks.nets.UNet",
    "channels": [4, 8],
    "strides": [2],
    "num_res_units": 1,
    "norm": "instance",
}
TRAIN = {
    "steps": 6,
    "batch_size": 2,
    "patch_shape": None,
    "lr": 0.01,
    "weight_decay": 1e-5,
    "warmup": 0.1,
    "validate_every": 3,
    "overlap": 0.5,
    "augmentation": {
        "flip_axes": [0],
        "affine_probability": 0.2,
        "rotate_degrees": 15.0,
        "scale": 0.1,
        "intensity_probability": 0.5,
        "intensity_scale": 0.1,
        "intensity_shift": 0.1,
        "noise": 0.05,
    },
}
CPU = {"accelerator": "cpu", "devices": 1, "precision": "auto"}


def squares(n: int, shape: tuple[int, ...] = (16, 16), value: float = 1.0) -> list[TrainingCase]:
    """Cases with a bright square each, at a different place."""

    def load(index: int):
        rng = np.random.default_rng(index)
        mask = np.zeros(shape, np.uint8)
        start = rng.integers(2, 6, len(shape))
        mask[tuple(slice(s, s + 6) for s in start)] = 1
        return (rng.normal(-0.5, 0.1, (1, *shape)) + value * mask).astype(np.float32), mask

    return [TrainingCase(f"c{index}", "real", lambda index=index: load(index)) for index in range(n)]


def run(cases, validation_cases=(), network=UNET, spatial_dims=2, labels=("lesion",), seed=0, **kwargs):
    changes = {key: kwargs.pop(key) for key in list(kwargs) if key in TRAIN}
    return fit(
        cases,
        validation_cases,
        labels=list(labels),
        channels=1,
        spatial_dims=spatial_dims,
        settings={"network": network, "train": TRAIN | changes},
        trainer=CPU,
        seed=seed,
        **kwargs,
    )


def weights(fitted) -> list[torch.Tensor]:
    return list(fitted.network.state_dict().values())


def same(a, b) -> bool:
    return all(torch.equal(x, y) for x, y in zip(weights(a), weights(b), strict=True))


def test_it_learns_to_find_squares():
    fitted = run(squares(8), squares(2), steps=80, validate_every=40, lr=0.02)
    image, mask = squares(12)[11].loader()
    found = predict_probabilities(fitted.network, torch.from_numpy(image)[None], None, 0.5)[0].argmax(0)
    assert dice_per_label(found.numpy().astype(np.uint8), mask, ["lesion"])["lesion"] > 0.85
    assert [row["step"] for row in fitted.curve if row["validation_dice"] is not None] == [40, 80]
    assert fitted.final_loss == fitted.curve[-1]["loss"] < fitted.curve[0]["loss"]


def test_the_seed_alone_decides_the_weights():
    torch.manual_seed(1)
    first = run(squares(4), squares(2))
    torch.manual_seed(2)
    assert same(first, run(squares(4)))  # watching validation cases changes nothing
    assert not same(first, run(squares(4), seed=1))


def test_the_global_random_state_is_left_alone():
    torch.manual_seed(3)
    before = torch.get_rng_state()
    run(squares(4))
    assert torch.equal(torch.get_rng_state(), before)


def test_every_training_set_gets_the_same_steps():
    for n_cases in (1, 3, 40):
        assert run(squares(n_cases)).curve[-1]["step"] == TRAIN["steps"]


def test_a_finished_model_is_read_back(tmp_path):
    first = run(squares(4), squares(2), checkpoint=tmp_path / "fold0")
    again = run(squares(4), squares(2), checkpoint=tmp_path / "fold0", steps=10_000_000)
    assert same(first, again)
    assert (again.curve, again.final_loss, again.seconds) == (first.curve, first.final_loss, first.seconds)


@pytest.mark.parametrize("patch_shape", [None, [8, 8, 8]])
def test_volumes_and_patches_train_in_3d(patch_shape):
    fitted = run(squares(3, (16, 16, 16)), squares(1, (16, 16, 16)), spatial_dims=3, patch_shape=patch_shape, steps=3)
    assert fitted.curve[-1]["validation_dice"] is not None


def test_segresnet_trains_with_several_labels():
    segresnet = {
        "_target_": "monai.networks.nets.SegResNet",
        "init_filters": 4,
        "blocks_down": [1, 1],
        "blocks_up": [1],
        "norm": "INSTANCE",
    }
    fitted = run(squares(3), network=segresnet, labels=("a", "b"), steps=2)
    assert fitted.network(torch.zeros(1, 1, 16, 16)).shape == (1, 3, 16, 16)


def test_progress_is_told():
    told = []
    run(squares(2), on_step=lambda step, loss: told.append(step))
    assert told == list(range(1, TRAIN["steps"] + 1))


def test_an_empty_training_set_is_refused():
    with pytest.raises(ConfigError, match="empty"):
        run([])


def test_a_shape_that_the_network_cannot_take_is_refused():
    with pytest.raises(ConfigError, match="UNet can't work on 15x16 voxels"):
        run(squares(2, (15, 16)))


def test_a_patch_larger_than_the_volume_is_refused():
    with pytest.raises(ConfigError, match="patch_shape"):
        run(squares(2), patch_shape=[32, 8])


def test_a_loss_that_is_not_finite_stops_the_training(tmp_path):
    with pytest.raises(TrainingError, match="not finite at step 1"):
        run(squares(2, value=float("nan")), checkpoint=tmp_path / "fold0")
    assert not list(tmp_path.iterdir())


def test_learning_rate_rises_then_falls_to_zero():
    settings = train_settings(TRAIN | {"steps": 100})
    factors = [learning_rate_factor(step, settings) for step in range(101)]
    assert factors[:10] == sorted(factors[:10]) and factors[10:] == sorted(factors[10:], reverse=True)
    assert max(factors) == factors[10] == 1.0 and factors[100] == 0.0 and factors[99] < 0.001
