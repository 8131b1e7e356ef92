"""Words on the command line reach every key of a sweep, whether its file names it or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from synthtrial.errors import ConfigError
from synthtrial.tuning.settings import read_sweep

CONF = Path(__file__).resolve().parents[2] / "conf"


def test_a_word_sets_a_key_that_the_file_leaves_out() -> None:
    word = "storage=journal:/shared/sweep.log"
    assert "storage" not in (CONF / "sweep/hagan_lr_small.yaml").read_text()
    assert read_sweep("hagan_lr_small", [word, "retries=3"], CONF).storage == "journal:/shared/sweep.log"
    assert read_sweep("hagan_lr_small", ["measure=all"], CONF).measure == "all"


def test_a_key_that_no_sweep_has_is_refused() -> None:
    with pytest.raises(ConfigError, match="storrage.*storage"):
        read_sweep("hagan_lr_small", ["storrage=x"], CONF)
