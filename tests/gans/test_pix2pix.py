"""Pix2Pix: published parameter counts, images that follow their masks, and masks of its own."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_gans import read_config, run_steps

from synthtrial.errors import ConfigError
from synthtrial.gans.model import build, parameter_counts
from synthtrial.gans.phases import train_only
from synthtrial.gans.pix2pix import Pix2Pix
from synthtrial.gans.pix2pix_networks import UNet

MASKS = {"latent": 4, "width": 4, "max_channels": 16}


def tiny_pix2pix(**overrides: Any) -> dict[str, Any]:
    """Pix2Pix at 16 x 16 with few channels."""
    settings = {"image_size": 16, "generator__width": 4, "discriminator__width": 4}
    return read_config("pix2pix", **settings | overrides)


def make(**overrides: Any) -> Pix2Pix:
    gan = build(tiny_pix2pix(**overrides))
    assert isinstance(gan, Pix2Pix)
    return gan


def half_masks(n: int, labels: int = 1, dims: int = 2) -> torch.Tensor:
    """Masks `(n, labels, *16)` with the first half of the first axis inside."""
    masks = torch.full((n, labels, *[16] * dims), -1.0)
    masks[:, :, :8] = 1.0
    return masks


def cases(n: int) -> torch.Tensor:
    """Cases that are bright in the first half of the first axis, where their masks are."""
    return torch.cat([0.5 * half_masks(n), half_masks(n)], dim=1)


def test_parameters_are_as_published() -> None:
    with torch.device("meta"):
        counts = parameter_counts(build(read_config("pix2pix_paper")))
    assert counts == {"generator": 54_413_955, "discriminator": 2_768_705}


@pytest.mark.parametrize(("dims", "size"), [(2, 16), (2, [16, 24]), (3, 16), (3, [16, 24, 16])])
@pytest.mark.parametrize("mask_generator", [None, MASKS])
def test_samples_are_whole_cases(dims: int, size: int | list[int], mask_generator: dict[str, int] | None) -> None:
    gan = make(spatial_dims=dims, image_size=size, image_channels=4, mask_channels=2, mask_generator=mask_generator)
    lengths = [size] * dims if isinstance(size, int) else size
    masks = torch.randn(2, 2, *lengths).sign()
    samples = gan.sample(2, torch.Generator(), masks)
    assert samples.shape == (2, 4, *lengths)
    assert torch.equal(samples[:, 2:], masks)
    assert samples.abs().max() <= 1


def test_the_mask_decides_the_image() -> None:
    torch.manual_seed(0)
    gan = run_steps(make(lr_g=0.01, l1=100.0, diversity=0.0), cases(40), ema_half_life=2)
    found = gan.sample(1, torch.Generator(), half_masks(1))[0, 0]
    turned = gan.sample(1, torch.Generator(), half_masks(1).flip(2))[0, 0]
    assert float(found[:8].mean() - found[8:].mean()) > 0.3
    assert float(turned[:8].mean() - turned[8:].mean()) < -0.3


@pytest.mark.parametrize(
    "noise",
    [
        {"generator__noise_channels": 1, "generator__dropout": 0.0},
        {"generator__noise_channels": 0, "generator__dropout": 0.5, "diversity": 0.0},
    ],
    ids=["noise channel", "dropout"],
)
def test_noise_changes_the_image_and_one_seed_gives_one_sample(noise: dict[str, Any]) -> None:
    gan = make(**noise).eval()
    first, again, other = (gan.sample(1, torch.Generator().manual_seed(seed), half_masks(1)) for seed in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_sampling_leaves_the_global_random_numbers_alone() -> None:
    gan = make(generator__dropout=0.5)
    torch.manual_seed(0)
    expected = torch.rand(3)
    torch.manual_seed(0)
    gan.sample(1, torch.Generator(), half_masks(1))
    assert torch.equal(torch.rand(3), expected)


def test_the_discriminator_gets_half_the_loss_and_the_generator_the_whole() -> None:
    gan = make(loss="least_squares", l1=10.0, augment=None)
    gan.discriminator = torch.nn.Identity()  # type: ignore[assignment]
    batch = {"real": torch.zeros(1, 2, 16, 16)}
    fake = torch.full((1, 2, 16, 16), 0.5)
    on_discriminator = {name: float(v) for name, v in gan.discriminator_loss(batch["real"], fake, batch).items()}
    assert on_discriminator == pytest.approx({"real": 1 / 4, "fake": 0.5**2 / 4})
    on_generator = {name: float(v) for name, v in gan.generator_loss(fake, batch).items()}
    assert on_generator == pytest.approx({"adversarial": 0.5**2 / 2, "l1": 10 * 0.5})


@pytest.mark.parametrize("mask_generator", [None, MASKS])
def test_a_step_logs_every_term(mask_generator: dict[str, int] | None) -> None:
    gan = run_steps(make(mask_generator=mask_generator), cases(4), log_every=2)
    expected = {
        "images",
        "discriminator/real",
        "discriminator/fake",
        "discriminator/accuracy",
        "generator/adversarial",
        "generator/l1",
        "generator/alike",
    }
    if mask_generator:
        expected |= {f"mask_discriminator/{term}" for term in ("real", "fake", "accuracy")}
        expected |= {"mask_generator/adversarial"}
    assert set(gan.history.rows[0]) == expected


def test_each_phase_changes_its_own_part_alone() -> None:
    parts = {
        "discriminator": "discriminator.",
        "generator": "generator.image.",
        "mask_discriminator": "mask_discriminator.",
        "mask_generator": "generator.mask.",
    }
    gan = make(mask_generator=MASKS)
    for phase in gan.phases():
        before = {key: value.clone() for key, value in gan.named_parameters()}
        optimizer = phase.optimizer(phase.parameters(), True)
        train_only(gan, phase)
        torch.stack(list(phase.loss({"real": cases(2)}).values())).sum().backward()
        optimizer.step()
        changed = {key for key, value in gan.named_parameters() if not torch.equal(value, before[key])}
        assert changed == {key for key in before if key.startswith(parts[phase.name])}


def test_masks_of_its_own_have_one_label_per_voxel() -> None:
    gan = make(image_channels=3, mask_channels=2, mask_generator=MASKS)
    assert gan.makes_masks
    masks = gan.sample(3, torch.Generator().manual_seed(0))[:, 1:]
    assert set(masks.unique().tolist()) <= {-1.0, 1.0}
    assert int((masks > 0).sum(dim=1).max()) <= 1


def test_the_published_depth_is_reached_and_odd_grids_stop_it() -> None:
    with torch.device("meta"):
        depths = {
            size: len(
                UNet(
                    (size, 2 * size),
                    1,
                    1,
                    width=2,
                    depth=None,
                    norm="batch",
                    upsampling="nearest",
                    noise_channels=0,
                    dropout=0,
                ).down
            )
            for size in (16, 48, 64, 256, 512)
        }
    assert depths == {16: 4, 48: 4, 64: 6, 256: 8, 512: 8}


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"mask_channels": 0}, "makes images to masks"),
        ({"mask_channels": 2}, "makes images to masks"),
        ({"image_size": 18}, "must be a multiple of 2\\^depth"),
        ({"generator__depth": 5}, "must be a multiple of 2\\^depth"),
        ({"generator__dropout": 1.0}, "in \\[0, 1\\)"),
        ({"l1": -1.0}, "weights l1=-1.0 and"),
        ({"generator__noise_channels": 0}, "diversity compares images of different noise"),
        ({"loss": "wasserstein"}, "non_saturating, hinge, least_squares"),
        ({"mask_generator": {**MASKS, "depth": 3}}, "mask_generator has no key 'depth'"),
        ({"mask_generator": {"width": 4, "max_channels": 16}}, "missing 1 required .* 'latent'"),
    ],
)
def test_what_it_cannot_make_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**overrides)


def test_missing_masks_are_one_message() -> None:
    with pytest.raises(ConfigError, match="no mask_generator: sample needs masks"):
        make().sample(1, torch.Generator())
    with pytest.raises(ConfigError, match="2 were asked for, but 1 masks given"):
        make().sample(2, torch.Generator(), half_masks(1))
