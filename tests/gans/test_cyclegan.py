"""CycleGAN: published parameter counts, the loss's terms, and training without pairs."""

from __future__ import annotations

from typing import Any

import pytest
import pytorch_lightning as pl
import torch
from small_gans import read_config
from torch import Tensor, nn
from torch.utils.data import DataLoader

from synthtrial.errors import ConfigError
from synthtrial.gans.cyclegan import CycleGAN
from synthtrial.gans.model import build, parameter_counts
from synthtrial.gans.patch_discriminator import PATCH, PatchDiscriminator
from synthtrial.gans.phases import Batch
from synthtrial.gans.schedule import Schedule

TERMS = {
    "generator": {
        f"{term}_{domain}" for term in ("adversarial", "cycle", "identity") for domain in ("target", "source")
    },
    "discriminator": {f"{term}_{domain}" for term in ("real", "fake") for domain in ("target", "source")},
}


def tiny_cyclegan(**overrides: Any) -> dict[str, Any]:
    """CycleGAN at 16 x 16 with few channels."""
    settings = {"image_size": 16, "generator__width": 4, "generator__blocks": 1, "discriminator__width": 4, "pool": 3}
    return read_config("cyclegan", **settings | overrides)


def make(**overrides: Any) -> CycleGAN:
    gan = build(tiny_cyclegan(**overrides))
    assert isinstance(gan, CycleGAN)
    return gan


def make_batch(n: int = 2, dims: int = 2) -> Batch:
    """Random cases of both domains."""
    real, source = torch.rand(2, n, 2, *[16] * dims) * 2 - 1
    return {"real": real, "source": source}


def train(gan: CycleGAN, batches: int = 3, **schedule: Any) -> CycleGAN:
    """Train for a few steps of two images."""
    gan.schedule = Schedule(images=2 * batches, batch_size=2, **schedule)
    quiet = dict.fromkeys(("logger", "enable_checkpointing", "enable_progress_bar", "enable_model_summary"), False)
    whole = make_batch(2 * batches)
    cases = [{name: images[index] for name, images in whole.items()} for index in range(2 * batches)]
    pl.Trainer(accelerator="cpu", max_epochs=1, **quiet).fit(gan, DataLoader(cases, batch_size=2))  # type: ignore[arg-type]
    return gan


@pytest.mark.parametrize(
    ("name", "generator", "discriminator"),
    [
        ("cyclegan_paper", 2 * 11_378_179, 2 * 2_764_737),
        ("cyclegan_skin", 2 * 757_379, 2 * 2_765_633),
    ],
)
def test_parameters_are_as_published(name: str, generator: int, discriminator: int) -> None:
    with torch.device("meta"):
        counts = parameter_counts(build(read_config(name)))
    assert counts == {"generator": generator, "discriminator": discriminator}


@pytest.mark.parametrize(("layers", "patch"), PATCH.items())
def test_a_logit_sees_a_patch_of_the_image(layers: int, patch: int) -> None:
    discriminator = PatchDiscriminator((96, 96), 1, width=2, layers=layers, norm="batch").eval()
    image = torch.rand(1, 1, 96, 96, requires_grad=True)
    logits = discriminator(image)
    logits[0, 0, logits.shape[2] // 2, logits.shape[3] // 2].backward()
    assert image.grad is not None
    seen = image.grad[0, 0].nonzero()
    assert (seen.amax(0) - seen.amin(0) + 1).tolist() == [patch, patch]


@pytest.mark.parametrize(("dims", "size"), [(2, 16), (2, [20, 32]), (3, 16), (3, [16, 20, 16])])
def test_a_translation_has_the_shape_of_its_source(dims: int, size: int | list[int]) -> None:
    gan = make(spatial_dims=dims, image_size=size, image_channels=3)
    source = torch.rand(2, 3, *([size] * dims if isinstance(size, int) else size))
    translated = gan.sample(2, torch.Generator(), source)
    assert translated.shape == source.shape
    assert translated.abs().max() <= 1
    assert torch.equal(translated, gan.translate(source))


def test_a_step_logs_every_term_and_keeps_its_fakes() -> None:
    gan = train(make(), log_every=2)
    expected = {f"{phase}/{term}" for phase, terms in TERMS.items() for term in terms}
    assert set(gan.history.rows[0]) == expected | {"images", "discriminator/accuracy"}
    assert int(gan.pools["target"].count) == int(gan.pools["source"].count) == 3


def test_without_identity_its_terms_are_gone() -> None:
    assert not any(term.startswith("identity") for term in make(identity=0).generator_terms(make_batch()))


def test_perfect_translators_have_no_cycle_and_identity_loss() -> None:
    gan = make()
    for name in ("to_target", "to_source"):
        gan.generator[name] = nn.Identity()
    terms = gan.generator_terms(make_batch())
    assert all(float(value) == 0 for name, value in terms.items() if not name.startswith("adversarial"))


def test_the_adversarial_losses_are_those_of_the_paper() -> None:
    """Twice the square for the generators, half of it for the discriminators."""
    gan = make(adversarial=3.0, augment=None)
    for domain in ("target", "source"):
        gan.discriminator[domain] = nn.Identity()  # an image's values are its logits
    batch = {"real": torch.full((1, 2, 16, 16), 0.5), "source": torch.zeros(1, 2, 16, 16)}
    fake = torch.full((1, 2, 16, 16), 0.25), torch.full((1, 2, 16, 16), -1.0)
    assert float(gan.generator_loss(fake, batch)["adversarial_target"]) == pytest.approx(3 * 0.75**2)
    assert float(gan.generator_loss(fake, batch)["adversarial_source"]) == pytest.approx(3 * 2**2)
    found = {name: float(value) for name, value in gan.discriminator_loss(batch["real"], fake, batch).items()}
    assert found == pytest.approx(
        {"real_target": 0.5**2 / 2, "fake_target": 0.25**2 / 2, "real_source": 1 / 2, "fake_source": 1 / 2}
    )


def test_the_discriminators_see_the_fakes_of_the_generators_update() -> None:
    gan = make()
    made: list[Any] = []
    original = gan.fake

    def spy(batch: Batch) -> tuple[Tensor, Tensor]:
        made.append(original(batch))
        return made[-1]

    gan.fake = spy  # type: ignore[method-assign]
    batch = make_batch()
    for phase in gan.phases():
        phase.loss(batch)
    assert len(made) == 1
    for kept, fake in zip(batch["fake"], made[0], strict=True):
        assert torch.equal(kept, fake)
        assert not kept.requires_grad


def test_each_translation_is_judged_by_the_domain_it_ends_in() -> None:
    """The gradient of a domain's adversarial term reaches the generator that leads there, and not the other."""
    for domain, other in (("target", "source"), ("source", "target")):
        gan = make()
        gan.generator_terms(make_batch())[f"adversarial_{domain}"].backward()
        assert all(p.grad is not None for p in gan.generator[f"to_{domain}"].parameters())
        assert all(p.grad is None for p in gan.generator[f"to_{other}"].parameters())


def test_learning_rates_fall_linearly_in_the_second_half_and_stay_at_zero() -> None:
    gan = make()
    assert [gan.learning_rate_factor(p) for p in (0, 0.4, 0.5, 0.75, 1, 1.1)] == pytest.approx([1, 1, 1, 0.5, 0, 0])
    assert make(decay_from=None).learning_rate_factor(0.99) == 1


def test_batch_norm_trains_and_translates() -> None:
    gan = train(make(generator__norm="batch", discriminator__norm="batch", generator__blocks=0, generator__kernel=7))
    assert gan.sample(1, torch.Generator(), torch.rand(1, 2, 16, 16)).isfinite().all()


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"image_size": 18}, "makes multiples of 4"),
        ({"image_size": 16, "discriminator__layers": 3}, "at least 3 \\* 2\\^layers"),
        ({"generator__kernel": 4}, "must be odd"),
        ({"generator__norm": "layer"}, "instance, batch"),
        ({"generator__widht": 4}, "generator has no key 'widht'"),
        ({"decay_from": 1.5}, "share of train.images"),
        ({"cycle": -1.0}, "at least 0"),
    ],
)
def test_what_it_cannot_be_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**overrides)


def test_without_cases_to_translate_is_one_message() -> None:
    with pytest.raises(ConfigError, match="CycleGAN translates images: sample needs 2"):
        make().sample(2, torch.Generator())
