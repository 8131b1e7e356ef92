"""Segmenter settings: what conf/ says is what the code takes."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from synthtrial.errors import ConfigError
from synthtrial.segmentation.network import build_network, check_shape
from synthtrial.segmentation.settings import train_settings

FILES = sorted((Path(__file__).resolve().parents[2] / "conf" / "segmenter").glob("*.yaml"))


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_segmenter_of_conf_is_taken(file):
    assert train_settings(yaml.safe_load(file.read_text())["train"]).steps_for(10) > 0


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_segmenter_of_conf_can_be_built(file):
    dims = 2 if file.stem == "unet_lung" else 3
    network = yaml.safe_load(file.read_text())["network"]
    for key in ("init_filters", "channels"):  # as deep as in the file, but narrow
        if key in network:
            network[key] = [8 for _ in network[key]] if key == "channels" else 8
    built = build_network(network, spatial_dims=dims, channels=1, n_labels=1, seed=0)
    check_shape(built, 1, (32,) * dims, file.stem)


def test_unknown_and_missing_keys_are_named():
    train = yaml.safe_load(FILES[0].read_text())["train"]
    with pytest.raises(ConfigError, match="train has no key 'epoch'; it has steps"):
        train_settings(train | {"epoch": 3})
    with pytest.raises(ConfigError, match=r"train\.augmentation\.noise is missing"):
        train_settings(train | {"augmentation": {k: v for k, v in train["augmentation"].items() if k != "noise"}})


@pytest.mark.parametrize(("key", "value"), [("steps", 0), ("batch_size", 0), ("overlap", 1.0), ("warmup", -0.1)])
def test_values_out_of_range_are_refused(key, value):
    train = yaml.safe_load(FILES[0].read_text())["train"] | {"steps": 5, "epochs": None}
    with pytest.raises(ConfigError, match=rf"train\.{key}"):
        train_settings(train | {key: value})


@pytest.mark.parametrize(("steps", "epochs"), [(5, 5), (None, None)])
def test_the_budget_is_in_steps_or_in_epochs(steps, epochs):
    train = yaml.safe_load(FILES[0].read_text())["train"]
    with pytest.raises(ConfigError, match="in steps or in epochs"):
        train_settings(train | {"steps": steps, "epochs": epochs})


def test_steps_are_the_same_for_every_arm_and_epochs_are_not():
    train = yaml.safe_load(FILES[0].read_text())["train"] | {"batch_size": 4}
    in_steps = train_settings(train | {"steps": 7, "epochs": None})
    in_epochs = train_settings(train | {"steps": None, "epochs": 3})
    assert [in_steps.steps_for(n) for n in (1, 8, 9)] == [7, 7, 7]
    assert [in_epochs.steps_for(n) for n in (1, 8, 9)] == [3, 6, 9]


def test_an_axis_is_mirrored_once():
    train = yaml.safe_load(FILES[0].read_text())["train"]
    with pytest.raises(ConfigError, match=r"train\.flips names an axis twice"):
        train_settings(train | {"flips": [0, 0]})
