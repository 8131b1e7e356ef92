"""What every generator of conf/generator must do, whatever its family."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from saved_tensors import SavedTensors
from small_gans import GENERATORS, read_config, run_steps
from torch import Tensor
from torch.utils.data import DataLoader

from synthtrial.gans.base import GAN
from synthtrial.gans.fitting import as_size, fitted_size
from synthtrial.gans.model import build, networks
from synthtrial.gans.phases import Batch, Terms
from synthtrial.gans.schedule import Schedule

NAMES = sorted(path.stem for path in GENERATORS.glob("*.yaml"))
PUBLISHED = ("_brain", "_lung", "_page", "_paper", "_skin", "_thesis", "_unet", "unet1", "unet2")
"""Ends of the names of presets that are too large to train here."""
SMALL = [name for name in NAMES if not name.endswith(PUBLISHED) and name != "hagan"]
CASES = [(name, dims) for name in SMALL for dims in read_config(name)["fits"]["spatial_dims"]]


def small(name: str, dims: int, **overrides: Any) -> dict[str, Any]:
    """A family at the smallest size that it makes, from 16 on, for image and mask."""
    config = read_config(name)
    size = fitted_size([16] * dims, config["fits"])
    facts = {"spatial_dims": dims, "image_size": size, "image_channels": 2}
    facts |= {"mask_channels": 1} if "mask_channels" in config else {}
    return read_config(name, **facts | overrides)


def real_images(config: dict[str, Any], n: int = 4) -> Tensor:
    torch.manual_seed(0)
    images = torch.rand(n, 2, *as_size(config["image_size"], config["spatial_dims"])) * 2 - 1
    images[:, 1] = images[:, 1].sign()
    return images


def condition_of(gan: GAN, real: Tensor) -> Tensor | None:
    """What `sample` must be told."""
    kinds = {"": None, "label": torch.zeros(len(real), dtype=torch.long), "source": real, "mask": real[:, 1:]}
    return kinds[gan.conditions_on]


@pytest.mark.parametrize(("name", "dims"), CASES)
def test_a_training_changes_every_network_and_leaves_no_gradient(name: str, dims: int) -> None:
    config = small(name, dims, train__ema_half_life=0)
    torch.manual_seed(0)
    gan = build(config)
    before = {key: parameter.detach().clone() for key, parameter in gan.named_parameters()}
    run_steps(gan, real_images(config, 12), batch_size=2, log_every=2)
    changed = {key.split(".")[0] for key, value in gan.named_parameters() if not torch.equal(value, before[key])}
    assert changed == {*networks(gan), "generator_ema"}
    assert all(parameter.grad is None for parameter in gan.parameters())
    assert {key.split("/")[0] for key in gan.history.rows[-1]} <= {"images", "augment"} | {p.name for p in gan.phases()}


@pytest.mark.parametrize(("name", "dims"), CASES)
def test_samples_have_the_size_and_the_range_and_follow_from_the_seed(name: str, dims: int) -> None:
    config = small(name, dims)
    gan = build(config)
    real = real_images(config, 2)
    drawn = [gan.sample(2, torch.Generator().manual_seed(5), condition_of(gan, real)) for _ in range(2)]
    assert drawn[0].shape == real.shape
    assert drawn[0].dtype == torch.float32
    assert torch.equal(*drawn)
    assert drawn[0].isfinite().all()


@pytest.mark.parametrize(("name", "dims"), CASES)
def test_the_discriminator_sees_fakes_without_a_graph(name: str, dims: int) -> None:
    config = small(name, dims)
    gan = build(config).requires_grad_(True)
    seen: list[Tensor] = []
    original = gan.discriminator_loss

    def spy(real: Tensor, fake: Any, batch: Batch) -> Terms:
        seen.extend(fake if isinstance(fake, tuple | list) else [fake])
        return original(real, fake, batch)

    gan.discriminator_loss = spy  # type: ignore[method-assign]
    run_steps(gan, real_images(config, 2))
    assert seen
    assert all(tensor.grad_fn is None and not tensor.requires_grad for tensor in seen)


@pytest.mark.parametrize("name", SMALL)
def test_going_on_from_a_checkpoint_changes_nothing(name: str, tmp_path: Path) -> None:
    """Image pools, adaptive augmentation, fading in of grids: whatever a family keeps, a checkpoint keeps, too."""
    config = small(name, read_config(name)["fits"]["spatial_dims"][0], train__ema_half_life=4)
    items = [{"real": x, "label": torch.tensor(0), "source": x.flip(-1)} for x in real_images(config, 4)]

    def fitted_gan(epochs: int, start: Path | None = None, end: Path | None = None) -> GAN:
        torch.manual_seed(0 if start is None else 7)
        gan = build(config)
        gan.schedule = Schedule(images=8, batch_size=2)
        quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False}
        trainer = pl.Trainer(accelerator="cpu", max_epochs=epochs, logger=False, **quiet)  # type: ignore[arg-type]
        trainer.fit(gan, DataLoader(items, batch_size=2), ckpt_path=start)  # type: ignore[arg-type]
        if end:
            trainer.save_checkpoint(end)
        return gan

    fitted_gan(1, end=tmp_path / "half.ckpt")
    whole, resumed = fitted_gan(2), fitted_gan(2, start=tmp_path / "half.ckpt")
    for key, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[key]), key


@pytest.mark.parametrize(("name", "dims"), CASES)
def test_losses_are_finite_in_bfloat16(name: str, dims: int) -> None:
    """Losses alone: the CPU's bfloat16 gradient of small 3D convolutions is broken in torch 2.13."""
    config = small(name, dims)
    gan = build(config)
    gan.schedule, gan.images_seen = Schedule(images=8000, batch_size=2), 600  # progressive growing fades a grid in here
    real = real_images(config, 2)
    batch: Batch = {"real": real, "label": torch.tensor([0, 1]), "source": real.flip(-1)}
    with torch.autocast("cpu", dtype=torch.bfloat16):
        batch = gan.prepare_batch(batch)
        losses = [phase.loss for phase in gan.phases()]
        losses += [gan.in_full_precision(penalty.terms) for penalty in gan.penalties()]
        for loss in losses:
            for term, value in loss(batch).items():
                assert value.isfinite(), term


@pytest.mark.parametrize(("name", "dims"), CASES)
def test_no_graph_is_kept_from_one_update_to_the_next(name: str, dims: int) -> None:
    """So a step needs the memory of its hungriest update, not that of all together."""
    config = small(name, dims)
    gan = build(config)
    held_at_start: list[int] = []
    with SavedTensors() as saved:
        original = gan.update

        def update(*arguments: Any) -> None:
            held_at_start.append(saved.held)
            original(*arguments)

        gan.update = update  # type: ignore[method-assign]
        run_steps(gan, real_images(config, 4))
    assert saved.peak > 0
    assert len(held_at_start) >= 3
    assert set(held_at_start) == {0}
