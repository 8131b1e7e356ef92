"""A generator made ready for its device, and the plain loop that it is compared with."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
import torch._dynamo
from safetensors.torch import load_file
from small_gans import read_config, run_steps, tiny_dcgan, tiny_hagan
from test_gan_training import TRAINER, run
from torch import nn
from torch._dynamo.utils import counters
from torch.fx import GraphModule
from torch.utils.data import DataLoader

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.gans.base import GAN
from synthtrial.gans.model import build, load_generator
from synthtrial.gans.schedule import Schedule
from synthtrial.gans.tuning import tune

CPU = {"accelerator": "cpu"}


def tiny(**overrides: Any) -> GAN:
    """A tiny HA-GAN with the same weights each time."""
    torch.manual_seed(0)
    gan = build(tiny_hagan(**overrides))
    assert isinstance(gan, GAN)
    return gan


def weights(gan: GAN) -> torch.Tensor:
    """All parameters, as one vector."""
    return torch.cat([parameter.detach().flatten() for parameter in gan.parameters()])


def test_auto_leaves_a_gan_as_it_is() -> None:
    gan, tuned = tiny(), tiny()
    tune(tuned, CPU)
    assert tuned.fused == gan.fused
    strides = [[p.stride() for p in one.parameters()] for one in (gan, tuned)]
    assert strides[0] == strides[1]


@pytest.mark.parametrize("fused", [True, False])
def test_the_optimizers_take_the_form_that_was_chosen(fused: bool) -> None:
    gan = tiny()
    tune(gan, CPU | {"fused": fused})
    assert [optimizer.defaults["fused"] for optimizer in gan.configure_optimizers()] == [fused] * 4


def test_the_layout_is_that_which_was_chosen() -> None:
    gan = tiny()
    tune(gan, CPU | {"channels_last": False})
    assert all(parameter.is_contiguous() for parameter in gan.parameters())


def test_a_family_without_static_networks_says_so(capsys: pytest.CaptureFixture[str]) -> None:
    gan = build(tiny_dcgan())
    assert isinstance(gan, GAN)
    tune(gan, CPU | {"compile": True})
    assert "no network of DCGAN can be compiled" in capsys.readouterr().out


def test_what_a_penalty_differentiates_twice_is_not_compiled() -> None:
    gan = build(read_config("hagan_gp", image_size=32, image_channels=2, latent=8, width=16))
    assert isinstance(gan, GAN)
    critics = {id(module) for module in gan.discriminator.modules()}
    assert gan.compilable() and not critics & {id(network) for network in gan.compilable()}


def test_each_network_becomes_one_graph(monkeypatch: pytest.MonkeyPatch) -> None:
    graphs: list[GraphModule] = []

    def keep(graph: GraphModule, _: list[torch.Tensor]) -> Callable[..., Any]:
        graphs.append(graph)
        return graph.forward

    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend=keep))
    gan = tiny()
    tune(gan, CPU | {"compile": True})
    graphs.clear()  # of the look for a compiler
    with torch.no_grad():
        batch = gan.prepare_batch({"real": torch.rand(2, 2, 32, 32, 32)})
        gan.discriminator(*gan.fake(batch), batch["start"])
        gan.encode(batch["real"])
    assert len(graphs) == len(gan.compilable())
    found = [node for graph in graphs for node in graph.graph.nodes if "conv" in str(node.target).split(".")[-1]]
    layers = [layer for network in gan.compilable() for layer in network.modules() if isinstance(layer, nn.Conv3d)]
    assert len({node for node in found if node.op == "call_function"}) == len(layers)


@pytest.fixture
def in_double() -> Iterator[None]:
    """Double precision, since Adam turns rounding errors of gradients near zero into steps."""
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(torch.float32)


def test_the_plain_loop_makes_the_same_updates(in_double: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(Path(__file__).resolve().parents[2] / "benchmarks"))
    import plain_hagan

    rates = {"lr_g": 1e-4, "lr_d": 4e-4, "lr_e": 1e-4, "betas": [0.0, 0.999], "latent": 64, "augment": None}
    real = torch.rand(4, 2, 32, 32, 32) * 2 - 1
    start, ours, plain = tiny(**rates), tiny(**rates), tiny(**rates)
    run_steps(ours, real)
    plain.schedule = Schedule(images=4, batch_size=2)
    steps: list[int] = []
    batches = DataLoader([{"real": x} for x in real], batch_size=2)  # type: ignore[arg-type]
    plain_hagan.train(plain, batches, torch.device("cpu"), lambda: steps.append(1))  # type: ignore[arg-type]
    assert len(steps) == 2
    assert sys.maxsize in {getattr(module, "smallest", 0) for module in plain.modules()}
    for name in ("generator", "generator_ema", "discriminator", "encoder_high", "encoder_global"):
        before, expected, found = (weights(getattr(gan, name)) for gan in (start, ours, plain))
        assert (found - expected).norm() < 1e-4 * (expected - before).norm(), name


@pytest.mark.slow
def test_a_compiled_training_learns_the_same_and_leaves_the_same_files(
    make_cohort: Callable[..., PreparedCohort], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Graphs are taken and differentiated as ever, but run by PyTorch's own kernels: a minute less, and the same bits.
    monkeypatch.setattr(torch, "compile", partial(torch.compile, backend="aot_eager"))
    cohort = make_cohort(shape=(32, 32, 32), n_cases=9)
    short = {"train__images": 4, "train__batch_size": 2, "train__checkpoint_every": 2, "train__log_every": 2}
    config = tiny_hagan(**short)
    run(config, cohort, tmp_path / "eager")
    torch._dynamo.reset()
    counters.clear()
    run(config, cohort, tmp_path / "compiled", trainer=TRAINER | {"compile": True})
    networks = len(build(config).compilable())
    assert not counters["graph_break"]
    assert 2 * networks < counters["stats"]["unique_graphs"] < 4 * networks
    torch.manual_seed(3)
    before = build(config).state_dict()
    eager, compiled = (load_file(tmp_path / n / "model" / "generator.safetensors") for n in ("eager", "compiled"))
    assert eager.keys() == compiled.keys()
    change = torch.cat([(eager[key] - before[key]).flatten() for key in eager])
    difference = torch.cat([(eager[key] - compiled[key]).flatten() for key in eager])
    assert difference.norm() < 1e-3 * change.norm()
    assert load_generator(tmp_path / "compiled" / "model").sample(1, torch.Generator()).shape == (1, 2, 32, 32, 32)
