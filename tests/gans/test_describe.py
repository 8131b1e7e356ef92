"""The description of a generator: published figures, and one message for a mistake."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from small_gans import GENERATORS, read_config

from synthtrial.errors import ConfigError
from synthtrial.gans.describing import print_description, read_generator

SCRIPT = Path(__file__).resolve().parents[2] / "pipelines" / "describe.py"


@pytest.mark.parametrize(
    ("name", "overrides", "expected"),
    [
        ("dcgan_brain", [], ["generator: 27,265,281", "discriminator: 582,785"]),
        ("dcgan_lung", [], ["generator: 31,733,696", "discriminator: 1,101,313"]),
        ("hagan", ["image_size=256"], ["generator: 52,518,210", "encoder_global: 19,663,264", "256 x 256"]),
        (
            "stylegan2_ada",
            ["image_size=256", "channel_base=16384", "mapping_layers=8", "image_channels=3"],
            ["generator: 24,767,458", "discriminator: 24,001,089"],
        ),
        ("dcgan", ["image_size=[64,64]", "spatial_dims=2"], ["2 x 64 x 64"]),
    ],
)
def test_tables(name: str, overrides: list[str], expected: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    print_description(read_generator(GENERATORS / f"{name}.yaml", overrides))
    shown = capsys.readouterr().out
    for text in expected:
        assert text in shown


def test_an_unknown_key_is_refused_with_those_that_exist() -> None:
    with pytest.raises(ConfigError, match="unknown key 'generator.widht'.*did you mean 'width'"):
        read_generator(GENERATORS / "dcgan.yaml", ["generator.widht=3"])


def test_every_generator_can_be_described(capsys: pytest.CaptureFixture[str]) -> None:
    for path in GENERATORS.glob("*.yaml"):
        print_description(read_config(path.stem))
        assert "trainable parameters" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["oracle", "memoriser", "noise"])
def test_a_control_has_no_networks_to_describe(name: str) -> None:
    done = subprocess.run([sys.executable, SCRIPT, name], capture_output=True, text=True)
    assert done.returncode == 0
    assert done.stdout.startswith(f"{name} is a control: it has no networks")


def test_an_unknown_generator_is_one_line() -> None:
    done = subprocess.run([sys.executable, SCRIPT, "gan"], capture_output=True, text=True)
    assert done.returncode == 1
    assert done.stderr.startswith("error: unknown generator 'gan'; there are: catgan, cyclegan")
    assert done.stderr.count("\n") == 1
