"""Segmenter settings: what conf/ says is what the code takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from synthtrial.errors import ConfigError
from synthtrial.segmentation.settings import train_settings

FILES = sorted((Path(__file__).resolve().parents[2] / "conf" / "segmenter").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_segmenter_of_conf_is_taken(file):
    assert train_settings(yaml.safe_load(file.read_text())["train"]).steps > 0


def test_unknown_and_missing_keys_are_named():
    train = yaml.safe_load(FILES[0].read_text())["train"]
    with pytest.raises(ConfigError, match="train has no key 'epochs'; it has steps"):
        train_settings(train | {"epochs": 3})
    with pytest.raises(ConfigError, match=r"train\.augmentation\.noise is missing"):
        train_settings(train | {"augmentation": {k: v for k, v in train["augmentation"].items() if k != "noise"}})


@pytest.mark.parametrize(("key", "value"), [("steps", 0), ("batch_size", 0), ("overlap", 1.0), ("warmup", -0.1)])
def test_values_out_of_range_are_refused(key, value):
    train = yaml.safe_load(FILES[0].read_text())["train"]
    with pytest.raises(ConfigError, match=rf"train\.{key}"):
        train_settings(train | {key: value})
