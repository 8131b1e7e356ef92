"""HA-GAN: published parameter counts, slabs cut at the right place, and refusals."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from small_gans import read_config, run_steps, tiny_hagan

from synthtrial.errors import ConfigError
from synthtrial.gans.hagan import HAGAN
from synthtrial.gans.model import build, parameter_counts


def make(**overrides: Any) -> HAGAN:
    gan = build(tiny_hagan(**overrides))
    assert isinstance(gan, HAGAN)
    return gan


@pytest.mark.parametrize(("size", "discriminator", "encoder"), [(128, 7_241_442, 19_663_168), (256, None, 19_663_264)])
def test_parameters_are_as_published(size: int, discriminator: int | None, encoder: int) -> None:
    with torch.device("meta"):
        counts = parameter_counts(build(read_config("hagan", image_size=size)))
    assert counts["generator"] == 52_518_210
    assert counts["encoder_high"] == 161_152
    assert counts["encoder_global"] == encoder
    assert discriminator in (None, counts["discriminator"])


@pytest.mark.parametrize("size", [32, 64])
@pytest.mark.parametrize("channels", [1, 3])
def test_slabs_and_volumes_have_the_right_shapes(size: int, channels: int) -> None:
    gan = make(image_size=size, image_channels=channels)
    batch = gan.prepare_batch({"real": torch.rand(2, channels, size, size, size)})
    slab, low = gan.fake(batch)
    assert slab.shape == batch["slab"].shape == (2, channels, 16, size, size)
    assert low.shape == batch["low"].shape == (2, channels, size // 4, size // 4, size // 4)
    assert gan.discriminator(slab, low, batch["start"]).shape == (2, 1)
    assert gan.sample(2, torch.Generator()).shape == (2, channels, size, size, size)
    assert gan.reconstruct(batch["real"]).shape == (2, channels, size, size, size)


@pytest.mark.parametrize("size", [128, 256])
def test_published_sizes_run_through_every_phase(size: int) -> None:
    with torch.device("meta"):
        gan = make(image_size=size)
    gan.to("meta")
    batch = gan.prepare_batch({"real": torch.empty(2, 2, size, size, size, device="meta")})
    terms = {phase.name: set(phase.loss(batch)) for phase in gan.phases()}
    assert terms == {
        "discriminator": {"real", "fake"},
        "generator": {"adversarial"},
        "encoder_high": {"slab"},
        "encoder_global": {"slab", "low"},
    }


def test_image_and_latent_volume_are_cut_at_the_same_place() -> None:
    """A generator that only enlarges gives the slab of its latent volume back where the image's slab is."""
    gan = make(image_size=64)
    gan.generator.high = torch.nn.Upsample(scale_factor=4)  # type: ignore[assignment]
    small = torch.rand(1, 2, 16, 16, 16)
    starts = set()
    for seed in range(60):
        torch.manual_seed(seed)
        batch = gan.prepare_batch({"real": torch.nn.Upsample(scale_factor=4)(small)})
        torch.testing.assert_close(gan.slab_image(small, batch["start"]), batch["slab"])
        torch.testing.assert_close(batch["low"], small)
        starts.add(batch["start"])
    assert starts == set(range(0, 64 - 16 + 1, 4))


def test_the_low_resolution_image_is_an_average() -> None:
    batch = make().prepare_batch({"real": torch.rand(1, 2, 32, 32, 32)})
    torch.testing.assert_close(batch["low"][0, 0, 0, 0, 0], batch["real"][0, 0, :4, :4, :4].mean())


@pytest.mark.parametrize("start", [0, 24, 48])
def test_a_slab_is_that_part_of_the_whole_volume(start: int) -> None:
    """Borders included; group norm's statistics, which differ between a slab and the whole, are taken out."""
    gan = make(image_size=64)
    gan.generator.high[1] = torch.nn.Identity()
    volume = gan.generator.latent_volume(torch.randn(1, gan.latent))
    whole = gan.generator.high(volume)
    torch.testing.assert_close(gan.slab_image(volume, start), whole[:, :, start : start + 16])


def test_batch_of_one_trains() -> None:
    gan = run_steps(make(), torch.rand(2, 2, 32, 32, 32), batch_size=1)
    assert gan.images_seen == 2


def test_encoder_losses_leave_the_generator_alone() -> None:
    gan = make()
    before = {name: value.clone() for name, value in gan.generator.state_dict().items()}
    gan.phases = lambda: HAGAN.phases(gan)[2:]  # type: ignore[method-assign]
    run_steps(gan, torch.rand(2, 2, 32, 32, 32))
    for name, value in gan.generator.state_dict().items():
        assert torch.equal(value, before[name])


CLASSES = ["benign", "malignant"]


def test_classes_add_their_inputs_and_outputs_only() -> None:
    """Two more inputs of the generator's dense layer, two more outputs of D^H and of D^L."""
    with torch.device("meta"):
        alone, told = (parameter_counts(build(read_config("hagan", classes=classes))) for classes in (None, CLASSES))
    features, d_low, d_high = 512 * 4**3, 256 * 4**3, 64
    assert told["generator"] - alone["generator"] == 2 * features
    assert told["discriminator"] - alone["discriminator"] == 2 * (d_low + 1) + 2 * (d_high + 1)
    assert told["encoder_global"] == alone["encoder_global"]


def test_the_class_asked_for_changes_the_sample() -> None:
    gan = make(classes=CLASSES)
    assert gan.conditions_on == "label"
    one, other, same = (gan.sample(1, torch.Generator().manual_seed(0), torch.tensor([c])) for c in (0, 1, 0))
    assert torch.equal(one, same)
    assert not torch.equal(one, other)
    labels = torch.tensor([0, 1])
    assert gan.reconstruct(torch.rand(2, 2, 32, 32, 32), labels).shape == (2, 2, 32, 32, 32)


def test_the_generator_pays_a_tenth_for_the_class_and_unknown_ones_are_free() -> None:
    gan = make(classes=CLASSES)
    outputs = torch.tensor([[0.0, 2.0, -1.0], [0.0, 0.5, 0.5]])
    batch = {"real": torch.zeros(2, 1), "label": torch.tensor([1, -1])}
    whole, tenth = gan.class_terms(outputs, batch)["class"], gan.class_terms(outputs, batch, weight=0.1)["class"]
    torch.testing.assert_close(whole, -outputs[0, 1:].log_softmax(dim=0)[1])
    torch.testing.assert_close(tenth, whole / 10)
    assert gan.class_terms(outputs, {"real": torch.zeros(2, 1)})["class"] == 0


def test_classes_are_logged() -> None:
    gan = run_steps(make(classes=CLASSES), torch.rand(2, 2, 32, 32, 32), batch_size=1, log_every=2)
    assert {"discriminator/class", "generator/class"} <= set(gan.history.rows[-1])


def test_the_discriminator_can_go_without_spectral_norm() -> None:
    with torch.device("meta"):
        bound, free = make(), make(spectral_norm=False)
    assert parameter_counts(bound) == parameter_counts(free)
    assert not [name for name, _ in free.discriminator.named_buffers()]


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"image_size": 48}, "cubes of 32, 64, 128, 256"),
        ({"image_size": [32, 32, 64]}, "cubes of 32, 64, 128, 256"),
        ({"spatial_dims": 2}, "spatial_dims must be 3"),
        ({"width": 20}, "multiple of 16"),
        ({"augment__mirror_axes": [0]}, "can't move along axis 0"),
        ({"augment__scale": 2}, "augment has no key 'scale'"),
    ],
)
def test_what_it_cannot_make_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**overrides)
