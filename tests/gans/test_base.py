"""The training step that all families share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from small_gans import run_steps, tiny_dcgan, tiny_hagan
from torch import Tensor

from synthtrial.errors import TrainingError
from synthtrial.gans import ema
from synthtrial.gans.base import GAN
from synthtrial.gans.model import build, networks
from synthtrial.gans.phases import Batch, Penalty, Phase, Terms, split_batch, train_only

FAMILIES: list[Callable[..., dict[str, Any]]] = [tiny_dcgan, tiny_hagan]


def real_images(gan_config: dict[str, Any], n: int = 4) -> Tensor:
    return torch.rand(n, 2, *[gan_config["image_size"]] * 3) * 2 - 1


def weights(gan: GAN) -> dict[str, Tensor]:
    return {name: parameter.detach().clone() for name, parameter in gan.named_parameters()}


@pytest.mark.parametrize("family", FAMILIES)
def test_a_phase_changes_its_own_networks_and_no_others(family: Callable[..., dict[str, Any]]) -> None:
    config = family()
    for index in range(len(build(config).phases())):
        gan = build(config)
        phase = gan.phases()[index]
        before = weights(gan)
        run_single_phase(gan, phase, real_images(config, 2))
        changed = {name.split(".")[0] for name, value in weights(gan).items() if not torch.equal(value, before[name])}
        own = {name for name, module in networks(gan).items() if module in phase.modules}
        assert changed == own


def run_single_phase(gan: GAN, phase: Phase, real: Tensor) -> None:
    """One update of one phase, as the training step makes it."""
    optimizer = phase.optimizer(phase.parameters(), True)
    train_only(gan, phase)
    torch.stack(list(phase.loss(gan.prepare_batch({"real": real})).values())).sum().backward()
    optimizer.step()


@pytest.mark.parametrize("family", FAMILIES)
def test_the_discriminators_pass_on_fakes_holds_no_graph_of_the_generator(
    family: Callable[..., dict[str, Any]],
) -> None:
    gan = build(family())
    seen: list[Any] = []
    original = gan.discriminator_loss

    def spy(real: Tensor, fake: Any, batch: Batch) -> Terms:
        seen.extend([fake] if isinstance(fake, Tensor) else fake)
        return original(real, fake, batch)

    gan.discriminator_loss = spy  # type: ignore[method-assign]
    gan.requires_grad_(True)
    gan.discriminator_terms(gan.prepare_batch({"real": real_images(family(), 2)}))
    assert seen
    assert all(fake.grad_fn is None and not fake.requires_grad for fake in seen)


@pytest.mark.parametrize("family", FAMILIES)
def test_no_gradient_outlives_a_step(family: Callable[..., dict[str, Any]]) -> None:
    config = family()
    gan = run_steps(build(config), real_images(config))
    assert all(parameter.grad is None for parameter in gan.parameters())


def test_the_average_follows_the_generator_by_the_formula() -> None:
    gan = build(tiny_dcgan())
    before = gan.generator_ema.state_dict()["dense.0.weight"].clone()
    run_steps(gan, real_images(tiny_dcgan(), 2), ema_half_life=100)
    weight = ema.decay(2, 2, 100)
    expected = weight * before + (1 - weight) * gan.generator.state_dict()["dense.0.weight"]
    torch.testing.assert_close(gan.generator_ema.state_dict()["dense.0.weight"], expected)


def test_accumulating_gives_the_same_update_as_the_whole_batch() -> None:
    """With a discriminator and a generator that draw nothing and keep no statistics."""
    config = tiny_dcgan(augment=None, discriminator__spectral_norm=False)
    real = real_images(config)
    found = []
    for accumulate in (1, 4):
        torch.manual_seed(0)
        gan = build(config)
        noise = torch.randn(4, config["latent"])
        pieces = split_batch({"real": real, "noise": noise}, accumulate)
        gan.fake = lambda batch, gan=gan: gan.generator(batch["noise"])  # type: ignore[method-assign, misc]
        for phase in gan.phases():
            train_only(gan, phase)
            optimizer = phase.optimizer(phase.parameters(), True)
            for piece in pieces:
                (torch.stack(list(phase.loss(piece).values())).sum() / accumulate).backward()
            found.append({name: p.grad.clone() for name, p in gan.named_parameters() if p.grad is not None})
            optimizer.zero_grad()
    half = len(found) // 2
    for whole, accumulated in zip(found[:half], found[half:], strict=True):
        torch.testing.assert_close(whole, accumulated, rtol=1e-3, atol=1e-5)


def test_a_phase_runs_at_its_interval_and_a_penalty_at_its_own() -> None:
    gan = build(tiny_dcgan())
    due: list[str] = []

    def term(name: str) -> Callable[[Batch], Terms]:
        def loss(batch: Batch) -> Terms:
            due.append(name)
            return {name: sum(p.sum() for p in gan.discriminator.parameters()) * 0.0}  # type: ignore[dict-item]

        return loss

    gan.phases = lambda: [  # type: ignore[method-assign]
        Phase("often", [gan.discriminator], term("often"), gan.discriminator_optimizer),
        Phase("seldom", [gan.discriminator], term("seldom"), gan.discriminator_optimizer, interval=3),
    ]
    gan.penalties = lambda: [Penalty("often", term("penalty"), interval=2)]  # type: ignore[method-assign]
    run_steps(gan, real_images(tiny_dcgan(), 6), batch_size=1)
    assert {name: due.count(name) for name in ("often", "seldom", "penalty")} == {"often": 6, "seldom": 2, "penalty": 3}


def test_log_keys_are_phase_and_term() -> None:
    gan = run_steps(build(tiny_hagan()), real_images(tiny_hagan(), 2), log_every=2)
    assert set(gan.history.rows[0]) == {
        "images",
        "discriminator/real",
        "discriminator/fake",
        "discriminator/accuracy",
        "generator/adversarial",
        "encoder_high/slab",
        "encoder_global/slab",
        "encoder_global/low",
    }


def test_a_loss_that_is_not_finite_stops_the_training() -> None:
    gan = build(tiny_dcgan())
    real = real_images(tiny_dcgan())
    real[2] = float("nan")
    with pytest.raises(TrainingError, match="discriminator/real became nan between 2 and 4 images"):
        run_steps(gan, real, log_every=2)


@pytest.mark.parametrize("family", FAMILIES)
def test_losses_in_bfloat16_are_near_those_in_full_precision(family: Callable[..., dict[str, Any]]) -> None:
    """Losses alone: the CPU's bfloat16 gradient of small 3D convolutions is broken in torch 2.13."""
    gan = build(family()).eval()
    real = real_images(family(), 2)
    for phase in gan.phases():
        found = []
        for enabled in (False, True):
            torch.manual_seed(0)
            with torch.autocast("cpu", dtype=torch.bfloat16, enabled=enabled):
                found.append(
                    {name: term.item() for name, term in phase.loss(gan.prepare_batch({"real": real})).items()}
                )
        assert found[1] == pytest.approx(found[0], rel=0.03)


def test_penalties_are_computed_in_full_precision() -> None:
    gan = build(tiny_dcgan())
    dtypes: list[torch.dtype] = []

    def penalty(batch: Batch) -> Terms:
        scores = gan.discriminator(batch["real"])
        dtypes.append(scores.dtype)
        return {"penalty": scores.square().mean()}

    with torch.autocast("cpu", dtype=torch.bfloat16):
        gan.in_full_precision(penalty)({"real": real_images(tiny_dcgan(), 2)})
    assert dtypes == [torch.float32]
