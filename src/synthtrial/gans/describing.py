"""A generator's networks as tables: layers, output shapes and parameters."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from omegaconf import OmegaConf
from rich.console import Console
from rich.table import Table

from synthtrial.params import plain, with_words

if TYPE_CHECKING:
    from torch import nn

    from synthtrial.gans.base import GAN


def read_generator(path: Path, overrides: list[str]) -> dict[str, Any]:
    """Read a generator's configuration and set `key=value` words on top.

    Raises:
        ConfigError: for an unknown key; the message says which exist.
    """
    return plain(with_words(OmegaConf.load(path), overrides, path.stem))


def print_description(config: dict[str, Any]) -> None:
    """Print one table per network, and the parameters of each and of all.

    The networks are built on torch's `meta` device, which has shapes but no memory, so any size can be described.
    """
    import torch

    from synthtrial.gans.base import GAN
    from synthtrial.gans.model import build, networks, parameter_counts

    with torch.device("meta"):
        gan = build(config)
    assert isinstance(gan, GAN)
    gan.to("meta")
    shapes = output_shapes(gan, config)
    console = Console(width=100, highlight=False)
    counts = parameter_counts(gan)
    for name, network in networks(gan).items():
        table = Table(title=name, title_justify="left", title_style="bold")
        table.add_column("layer")
        table.add_column("kind")
        table.add_column("output (C, *spatial)")
        table.add_column("parameters", justify="right")
        for path, layer in leaves(network):
            kind = type(layer).__name__.removeprefix("Parametrized")
            count = sum(p.numel() for p in layer.parameters())
            shape = shapes.get(layer, ())
            table.add_row(path, kind, " x ".join(map(str, shape)), f"{count:,}" if count else "")
        console.print(table)
        console.print(f"{name}: {counts[name]:,} trainable parameters\n")
    console.print(f"in all: {sum(counts.values()):,} trainable parameters")


def leaves(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """The layers of a network that hold no others, by path; spectral norm is part of its layer."""
    found = []
    for path, module in network.named_modules():
        parts = [name for name, _ in module.named_children() if name != "parametrizations"]
        if not parts and "parametrizations" not in path:
            found.append((path, module))
    return found


def output_shapes(gan: GAN, config: dict[str, Any]) -> dict[nn.Module, tuple[int, ...]]:
    """The output shape of every layer, without the batch axis, from one pass through the losses of all phases."""
    import torch

    from synthtrial.gans.fitting import as_size

    shapes: dict[nn.Module, tuple[int, ...]] = {}

    def note(layer: nn.Module, _: Any, output: Any) -> None:
        if not isinstance(output, torch.Tensor):  # a network that has several is told by its layers
            return
        shapes.setdefault(layer, tuple(output.shape[1:]))
        for child in layer.children():  # a layer that works with its child's weights never calls the child
            shapes.setdefault(child, tuple(output.shape[1:]))

    for network in (module for name, module in gan.named_children() if name != "generator_ema"):
        for layer in network.modules():
            layer.register_forward_hook(note)
    torch.manual_seed(0)  # a family may draw what a shape depends on
    size = as_size(config["image_size"], config["spatial_dims"])
    image = torch.zeros(2, config["image_channels"], *size, device="meta")
    label = torch.zeros(2, dtype=torch.long, device="meta")
    batch = gan.prepare_batch({"real": image, "label": label, "source": image})
    for phase in gan.phases():
        phase.loss(batch)
    return shapes
