"""Training one fold model: it learns, repeats, resumes, pretrains, and says what is wrong."""

from __future__ import annotations

import signal

import numpy as np
import pytest
import torch

from synthtrial.errors import ConfigError, TrainingError
from synthtrial.segmentation.inference import predict_probabilities
from synthtrial.segmentation.metrics import dice_per_label
from synthtrial.segmentation.module import SegmentationModule
from synthtrial.segmentation.settings import train_settings
from synthtrial.segmentation.training import fit
from synthtrial.supervised.case import TrainingCase

SEGRESNET_DS = {
    "_target_": "monai.networks.nets.SegResNetDS",
    "init_filters": 4,
    "blocks_down": [1, 1, 1],
    "dsdepth": 2,
    "norm": "INSTANCE",
}
UNET = {
    "_target_": "monai.networks.nets.UNet",
    "channels": [4, 8],
    "strides": [2],
    "num_res_units": 1,
    "norm": "instance",
}
TRAIN = {
    "steps": 6,
    "epochs": None,
    "batch_size": 2,
    "patch_shape": None,
    "lr": 0.01,
    "weight_decay": 1e-5,
    "warmup": 0.1,
    "validate_every": 3,
    "overlap": 0.5,
    "flips": [],
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
        return {"image": (rng.normal(-0.5, 0.1, (1, *shape)) + value * mask).astype(np.float32), "mask": mask[None]}

    return [TrainingCase(f"c{index}", "real", lambda index=index: load(index)) for index in range(n)]


def run(cases, validation_cases=(), network=UNET, spatial_dims=2, labels=("lesion",), seed=0, trainer=CPU, **kwargs):
    changes = {key: kwargs.pop(key) for key in list(kwargs) if key in TRAIN}
    return fit(
        cases,
        validation_cases,
        labels=list(labels),
        channels=1,
        spatial_dims=spatial_dims,
        settings={"network": network, "train": TRAIN | changes},
        trainer=trainer,
        seed=seed,
        **kwargs,
    )


def weights(fitted) -> list[torch.Tensor]:
    return list(fitted.network.state_dict().values())


def same(a, b) -> bool:
    return all(torch.equal(x, y) for x, y in zip(weights(a), weights(b), strict=True))


def steps_into(told):
    """Keep the steps of which a loss is told."""
    return lambda metrics, step: told.append(step) if "loss" in metrics else None


def test_it_learns_to_find_squares():
    fitted = run(squares(8), squares(2), steps=80, validate_every=40, lr=0.02)
    image, mask = squares(12)[11].loader().values()
    found = predict_probabilities(fitted.network, torch.from_numpy(image)[None], None, 0.5)[0].argmax(0)
    assert dice_per_label(found.numpy().astype(np.uint8), mask[0], ["lesion"])["lesion"] > 0.85
    assert [row["step"] for row in fitted.curve if row["validation_dice"] is not None] == [40, 80]
    assert fitted.final_loss == fitted.curve[-1]["loss"] < fitted.curve[0]["loss"]
    assert fitted.convergence == ""


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
    assert (again.steps, again.convergence, again.remark) == (first.steps, first.convergence, first.remark)


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
    run(squares(2), log=steps_into(told))
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


def test_a_budget_in_epochs_grows_with_the_cases():
    for n_cases, steps in ((4, 6), (5, 9)):
        fitted = run(squares(n_cases), steps=None, epochs=3)
        assert fitted.steps == fitted.curve[-1]["step"] == steps


@pytest.mark.parametrize("spatial_dims", [2, 3])
def test_segresnet_ds_trains_on_its_levels_and_answers_on_the_grid(spatial_dims):
    shape = (16,) * spatial_dims
    fitted = run(squares(3, shape), squares(1, shape), network=SEGRESNET_DS, spatial_dims=spatial_dims, steps=3)
    assert fitted.network(torch.zeros(1, 1, *shape)).shape == (1, 2, *shape)
    untrained = run(squares(3, shape), network=SEGRESNET_DS, spatial_dims=spatial_dims, steps=1, lr=1e-30)
    heads = [name for name in fitted.network.state_dict() if "head.weight" in name]
    assert len(heads) == 2
    for name in heads:  # the coarser level has learned, too
        assert not torch.allclose(fitted.network.state_dict()[name], untrained.network.state_dict()[name])


def test_a_shape_that_segresnet_ds_cannot_take_is_refused():
    with pytest.raises(ConfigError, match="SegResNetDS can't work on 18x16 voxels"):
        run(squares(2, (18, 16)), network=SEGRESNET_DS)


def test_deep_supervision_weighs_each_level_half_of_the_finer_one():
    class Levels(torch.nn.Module):
        def __init__(self, levels: list[torch.Tensor]) -> None:
            super().__init__()
            self.levels = levels

        def forward(self, x: torch.Tensor) -> list[torch.Tensor] | torch.Tensor:
            return self.levels if len(self.levels) > 1 else self.levels[0]

    def loss(*levels: torch.Tensor) -> float:
        module = SegmentationModule(Levels(list(levels)), train_settings(TRAIN), ["lesion"], steps=1)
        return float(module.training_step({"image": torch.zeros(1, 1, 8, 8), "mask": mask}, 0))

    mask = torch.zeros(1, 1, 8, 8, dtype=torch.uint8)
    mask[..., 4:] = 1
    right, wrong = torch.cat([4 - 8.0 * mask, 8.0 * mask - 4], 1), torch.cat([8.0 * mask - 4, 4 - 8.0 * mask], 1)
    fine, coarse = loss(right), loss(wrong)
    assert fine < 0.1 < 1 < coarse
    assert loss(right, right[..., ::2, ::2]) == pytest.approx(fine, rel=0.05)
    assert loss(right, wrong[..., ::2, ::2], right[..., ::4, ::4]) == pytest.approx((1.25 * fine + 0.5 * coarse) / 1.75)


def test_pretraining_shares_the_steps_and_the_curve_counts_on():
    told = []
    fitted = run(
        squares(4),
        squares(1),
        pretrain_cases=squares(3, value=2.0),
        pretrain=0.5,
        log=steps_into(told),
    )
    assert fitted.steps == TRAIN["steps"] and told == [row["step"] for row in fitted.curve] == list(range(1, 7))
    assert [row["step"] for row in fitted.curve if row["validation_dice"] is not None] == [3, 6]


def test_pretraining_passes_on_what_it_learned():
    plain, other = squares(4), squares(4, value=-0.4)
    pretrained = run(plain, pretrain_cases=other, pretrain=0.5)
    assert same(pretrained, run(plain, pretrain_cases=other, pretrain=0.5))
    assert not same(pretrained, run(plain, pretrain_cases=plain, pretrain=0.5))
    assert not same(pretrained, run(plain, steps=3))


def test_pretraining_in_epochs_has_the_budget_of_all_its_cases():
    assert run(squares(3), pretrain_cases=squares(5), pretrain=0.5, steps=None, epochs=2).steps == 8


def test_a_model_that_cannot_have_learned_is_named():
    assert "did not fall" in run(squares(4), squares(2), lr=1e-30, steps=10).convergence


def test_a_test_time_flip_along_a_missing_axis_is_refused():
    with pytest.raises(ConfigError, match=r"train\.flips: there is no axis 2; there are 0 to 1"):
        run(squares(2), flips=[0, 2])


def test_ctrl_c_stays_ctrl_c_and_leaves_no_model(tmp_path):
    """Lightning would end Python without a word, where the stage says how to go on."""

    def stop(step, loss):
        raise KeyboardInterrupt

    before = signal.getsignal(signal.SIGINT)
    try:
        with pytest.raises(KeyboardInterrupt):
            run(squares(2), [], checkpoint=tmp_path / "model", log=stop)
    finally:
        signal.signal(signal.SIGINT, before)
    assert not (tmp_path / "model").exists()


@pytest.mark.parametrize("switch", ["fused", "channels_last", pytest.param("compile", marks=pytest.mark.slow)])
def test_what_makes_it_quicker_changes_nothing_but_rounding(switch: str) -> None:
    cases = squares(6)
    plain, quick = run(cases, cases[:2]), run(cases, cases[:2], trainer=CPU | {switch: True})
    assert quick.final_loss == pytest.approx(plain.final_loss, rel=1e-3)
    assert type(quick.network) is type(plain.network)  # what judges cases afterwards is not compiled
    assert quick.network.state_dict().keys() == plain.network.state_dict().keys()
