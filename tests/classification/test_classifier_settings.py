"""Classifier settings: what conf/ says is what the code takes, and what it can't take is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from labelled_cases import network

from synthtrial.classification.checking import check_classifier
from synthtrial.classification.settings import ClassicSettings, NetworkSettings, can_take, read_classifier
from synthtrial.errors import ConfigError

FILES = {
    file.stem: yaml.safe_load(file.read_text(encoding="utf-8"))
    for file in sorted((Path(__file__).resolve().parents[2] / "conf" / "classifier").glob("*.yaml"))
}
PRETRAINED = ("efficientnet_b5", "inception_v3")
BASELINES = ("size_only", "brightness_only")


def fetched(name: str) -> dict:
    """A file of conf, with leave to download the weights it needs."""
    settings = FILES[name]
    return settings | {"pretrained": settings["pretrained"] | {"download": True}} if name in PRETRAINED else settings


def test_the_classifiers_of_the_studies_are_there():
    assert {"logistic", "svm", "forest", "cnn", "densenet121", *PRETRAINED, *BASELINES} <= set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_every_classifier_of_conf_is_taken(name):
    settings = fetched(name)
    read = read_classifier(settings, f"classifiers.{name}")
    assert isinstance(read, NetworkSettings if "network" in settings else ClassicSettings)
    assert read.arms == ("reference" if name in BASELINES else "all")


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("shape", [(112, 168), (64, 64, 32)])
def test_every_classifier_of_conf_fits_a_cohort_in_2d_and_3d_or_says_why_not(name, shape):
    def check(channels: int) -> None:
        check_classifier(fetched(name), name, spatial_dims=len(shape), channels=channels, shape=shape)

    if len(shape) == 3 and name in PRETRAINED:
        words = {"inception_v3": "looks at 2D images", "efficientnet_b5": "no published weights for these images"}
        with pytest.raises(ConfigError, match=words[name]):
            check(1)
    else:
        check(1)
        check(3)


@pytest.mark.parametrize("name", PRETRAINED)
def test_weights_that_are_nowhere_are_missed_with_both_ways_out(name):
    with pytest.raises(ConfigError, match=rf"{name}\.pretrained.*`weights`.*`download: true`.*`pretrained: null`"):
        read_classifier(FILES[name], name)


def test_a_random_body_is_not_frozen():
    with pytest.raises(ConfigError, match=r"x\.freeze is true, but x\.pretrained is null"):
        read_classifier(network(freeze=True), "x")


def test_a_random_start_is_said_and_not_forgotten():
    settings = network()
    del settings["pretrained"]
    with pytest.raises(ConfigError, match=r"x\.pretrained is missing"):
        read_classifier(settings, "x")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"epoch": 3}, r"x\.train has no key 'epoch'"),
        ({"focal_gamma": -1.0}, r"x\.train\.focal_gamma"),
        ({"epochs": 2}, "in steps or in epochs"),
        ({"batch_size": 0}, r"x\.train\.batch_size"),
    ],
)
def test_wrong_values_of_a_training_are_named(change, words):
    with pytest.raises(ConfigError, match=words):
        read_classifier(network(**change), "x")


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("features", "voxels", r"x\.features is 'voxels'; expected one of pixels"),
        ("scale", "minmax", r"x\.scale: expected one of none, standard"),
        ("tune", {"grid": {}, "folds": 5, "metric": "roc_auc"}, r"x\.tune\.grid"),
        ("tune", {"grid": {"C": [1]}, "folds": 1, "metric": "roc_auc"}, r"x\.tune\.folds"),
        ("model", {"C": 1.0}, r"x\.model\._target_"),
        ("network", {}, "either `network`.* or `model`"),
    ],
)
def test_wrong_values_of_a_classic_model_are_named(key, value, words):
    with pytest.raises(ConfigError, match=words):
        read_classifier(FILES["logistic"] | {key: value}, "x")


def test_a_model_is_a_classifier_and_takes_its_settings():
    def check(**model) -> None:
        check_classifier(FILES["logistic"] | {"model": model}, "x", spatial_dims=2, channels=1, shape=(16, 16))

    with pytest.raises(ConfigError, match="LogisticRegression has no key 'trees'"):
        check(_target_="sklearn.linear_model.LogisticRegression", trees=3)
    with pytest.raises(ConfigError, match="no classifier"):
        check(_target_="sklearn.linear_model.LinearRegression")


def test_a_grid_tries_settings_that_the_model_has():
    tune = {"grid": {"depth": [1, 2]}, "folds": 3, "metric": "roc_auc"}
    with pytest.raises(ConfigError, match="no key 'depth'"):
        check_classifier(FILES["logistic"] | {"tune": tune}, "x", spatial_dims=2, channels=1, shape=(16, 16))


def test_what_a_classifier_cannot_be_trained_with_is_told():
    assert all(not can_take(network(), balance=b, pretrain=0.5) for b in ("none", "class_weights", "focal"))
    assert not can_take(FILES["svm"], balance="class_weights", pretrain=0.0)
    assert not can_take(FILES["svm"], balance="oversampling", pretrain=0.0)
    assert "focal" in can_take(FILES["svm"], balance="focal", pretrain=0.0)
    assert "pretrained" in can_take(FILES["svm"], balance="none", pretrain=0.5)
    weighted = FILES["svm"] | {"model": FILES["svm"]["model"] | {"class_weight": "balanced"}}
    assert "weighs the classes already" in can_take(weighted, balance="class_weights", pretrain=0.0)
