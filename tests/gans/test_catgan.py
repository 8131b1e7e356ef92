"""CatGAN: what its entropies reward, labelled and unlabelled cases, a classifier at the end."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from small_gans import read_config, run_steps

from synthtrial.errors import ConfigError
from synthtrial.gans.catgan import CatGAN, accuracy, conditional_entropy, marginal_entropy
from synthtrial.gans.model import build, parameter_counts

SURE = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
UNSURE = torch.full((2, 2), 0.5)


def tiny_catgan(**overrides: Any) -> dict[str, Any]:
    """CatGAN at 16^3 with image and mask."""
    return read_config("catgan", **{"image_size": 16, "latent": 8} | overrides)


def make(**overrides: Any) -> CatGAN:
    gan = build(tiny_catgan(**overrides))
    assert isinstance(gan, CatGAN)
    return gan


def test_sure_cases_have_no_entropy_and_even_ones_the_largest() -> None:
    assert conditional_entropy(SURE) == pytest.approx(0.0)
    assert conditional_entropy(UNSURE) == pytest.approx(math.log(2))
    assert marginal_entropy(SURE) == pytest.approx(math.log(2))
    assert marginal_entropy(SURE[:1]) == pytest.approx(0.0)


def test_the_entropys_gradient_is_finite_where_a_probability_is_zero() -> None:
    logits = torch.tensor([[500.0, -500.0]], requires_grad=True)
    conditional_entropy(logits.softmax(dim=1)).backward()
    assert logits.grad is not None
    assert logits.grad.isfinite().all()


def test_the_discriminator_is_right_when_it_is_sure_of_real_and_unsure_of_fake_cases() -> None:
    assert accuracy(SURE, UNSURE) == 1
    assert accuracy(UNSURE, SURE) == 0


@pytest.mark.parametrize(("dims", "size"), [(2, 64), (2, [16, 24]), (3, 16)])
def test_shapes_in_2d_and_3d(dims: int, size: int | list[int]) -> None:
    gan = make(spatial_dims=dims, image_size=size)
    samples = gan.sample(3, torch.Generator().manual_seed(0))
    assert samples.shape == (3, 2, *([size] * dims if isinstance(size, int) else size))
    p = gan.class_probabilities(samples)
    assert p.shape == (3, 10)
    torch.testing.assert_close(p.sum(dim=1), torch.ones(3))


def test_classes_take_the_place_of_categories() -> None:
    with torch.device("meta"):
        found = parameter_counts(make(classes=["benign", "malignant"]))["discriminator"]
        alone = parameter_counts(build(read_config("dcgan", image_size=16)))["discriminator"]
    features = 16 * 2 * 4**3
    assert found - alone == features + 1  # one output more, with its bias


@pytest.mark.parametrize("classes", [None, ["benign", "malignant"]])
def test_it_trains_and_logs(classes: list[str] | None) -> None:
    gan = run_steps(make(classes=classes), torch.rand(4, 2, 16, 16, 16) * 2 - 1, log_every=4)
    assert set(gan.history.rows[-1]) == {
        "images",
        "discriminator/accuracy",
        "discriminator/real",
        "discriminator/real_marginal",
        "discriminator/fake",
        *(["discriminator/label"] if classes else []),
        "generator/fake",
        "generator/fake_marginal",
    }


def test_only_cases_with_a_known_class_are_told_it() -> None:
    gan = make(classes=["benign", "malignant"], augment=None, discriminator__spectral_norm=False)
    real, fake = torch.rand(2, 3, 2, 16, 16, 16)
    loss = [
        gan.discriminator_loss(real, fake, {"real": real, "label": torch.tensor(labels)})
        for labels in ([-1, -1, -1], [0, -1, -1], [0, 1, 0])
    ]
    assert loss[0]["label"] == 0
    torch.testing.assert_close(loss[1]["label"], -gan.class_probabilities(real)[0, 0].log())
    assert loss[2]["label"] > 0
    torch.testing.assert_close(loss[0]["real"], loss[2]["real"])


def test_labels_make_a_classifier() -> None:
    """Bright cases of one class and dark ones of another; a quarter has no label."""
    torch.manual_seed(0)
    gan = make(classes=["dark", "bright"], spatial_dims=2, lr_d=0.002)
    label = torch.tensor([0, 1] * 8)
    real = (2.0 * label - 1).view(-1, 1, 1, 1) * 0.5 + 0.1 * torch.randn(16, 2, 16, 16)
    given = torch.where(torch.arange(16) < 4, -1, label)
    optimizer = torch.optim.Adam(gan.discriminator.parameters(), lr=0.002)
    for _ in range(30):
        optimizer.zero_grad()
        torch.stack(list(gan.discriminator_terms({"real": real, "label": given}).values())).sum().backward()
        optimizer.step()
    assert torch.equal(gan.class_probabilities(real).argmax(dim=1), label)


def test_a_trained_model_keeps_the_classifier() -> None:
    assert "discriminator" in CatGAN.saved_networks
    assert CatGAN.uses_unlabelled


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"categories": 1}, "categories=1 must be at least 2"),
        ({"label_weight": -1.0}, "label_weight=-1.0 must be at least 0"),
        ({"image_size": 17}, "halved"),
    ],
)
def test_what_cannot_be_is_refused(overrides: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        make(**overrides)
