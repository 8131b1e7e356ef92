"""What a trainer's switches for speed mean, and what they leave alone."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from synthtrial.device_loader import DeviceLoader
from synthtrial.errors import ConfigError
from synthtrial.speed import Speed, lay_out, speed_of
from synthtrial.study_keys import KEYS, check_key

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")


def test_auto_changes_nothing_on_a_cpu() -> None:
    unchanged = Speed(channels_last=None, compile=False, fused=None, prefetch=False)
    assert speed_of({"accelerator": "cpu"}) == unchanged
    words = dict.fromkeys(("channels_last", "compile", "fused", "prefetch"), "auto")
    assert speed_of({"accelerator": "cpu"} | words) == unchanged


def test_a_switch_that_is_set_counts() -> None:
    asked = {"channels_last": False, "compile": True, "fused": False, "prefetch": True}
    expected = Speed(channels_last=False, compile=True, fused=False, prefetch=False)  # a CPU has nothing to copy
    assert speed_of({"accelerator": "cpu"} | asked) == expected


def test_a_switch_takes_true_false_and_auto_alone() -> None:
    key = KEYS["trainer"]["compile"]
    for value in (True, False, "auto"):
        check_key(value, key, "trainer.compile")
    for wrong in ("always", 1, None):
        with pytest.raises(ConfigError, match="trainer.compile: expected"):
            check_key(wrong, key, "trainer.compile")


@pytest.mark.parametrize("conv", [nn.Conv2d(3, 4, 3), nn.Conv3d(3, 4, 3)])
def test_a_layout_leaves_the_values(conv: nn.Conv2d | nn.Conv3d) -> None:
    before = conv.weight.detach().clone()
    layout = torch.channels_last if conv.weight.dim() == 4 else torch.channels_last_3d
    lay_out(conv, channels_last=True)
    assert conv.weight.is_contiguous(memory_format=layout) and not conv.weight.is_contiguous()
    assert torch.equal(conv.weight, before)
    lay_out(conv, channels_last=False)
    assert conv.weight.is_contiguous() and torch.equal(conv.weight, before)


ITEMS = [{"real": torch.full((2, 3), float(i)), "label": torch.tensor(i)} for i in range(7)]


def test_without_copies_ahead_it_is_a_plain_loader() -> None:
    batches = list(DeviceLoader(ITEMS, batch_size=2, ahead=False))  # type: ignore[arg-type]
    assert [batch["label"].tolist() for batch in batches] == [[0, 1], [2, 3], [4, 5], [6]]


@needs_gpu
def test_copies_ahead_come_whole_and_in_order() -> None:
    loader = DeviceLoader(ITEMS, batch_size=2, ahead=True)  # type: ignore[arg-type]
    for _ in range(2):
        batches = list(loader)
        assert [batch["label"].tolist() for batch in batches] == [[0, 1], [2, 3], [4, 5], [6]]
        assert all(batch["real"].is_cuda for batch in batches)
        assert batches[-1]["real"].unique().tolist() == [6.0]


@pytest.mark.slow
def test_a_machine_without_a_compiler_says_so_at_once(tmp_path: Path) -> None:
    program = "import torch; from synthtrial.speed import check_compiler; check_compiler(torch.device('cpu'))"
    away = {"CXX": str(tmp_path / "none"), "PATH": str(tmp_path), "TORCHINDUCTOR_CACHE_DIR": str(tmp_path / "cache")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | away, capture_output=True, text=True, timeout=300
    )
    assert done.returncode == 1
    last = done.stderr.strip().splitlines()[-1]
    assert "torch can't compile here" in last and "Install a C++ compiler such as g++, or set" in last
