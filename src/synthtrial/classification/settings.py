"""How a classifier is made and trained, as `conf/classifier/*.yaml` says it: a network, or a classic model."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from synthtrial.classification.train_settings import TrainSettings, train_settings
from synthtrial.errors import ConfigError
from synthtrial.params import construct
from synthtrial.setting_types import check_type

Arms = Literal["all", "reference"]
"""Which arms a classifier is trained on; `reference`: on the reference arm alone, as a baseline is."""

Balance = Literal["none", "class_weights", "oversampling", "focal"]
"""How an arm balances its classes; `oversampling` is done by the arm's rows."""


@dataclass(frozen=True, kw_only=True)
class PartsSettings:
    """The two parts of a network: a body, which makes features of an image, and a head, which answers.

    Attributes:
        body: `_target_` and its keyword arguments.
        hidden: units of the head's hidden layer; None answers from the features directly.
        dropout: share of what the head answers from that is dropped in training.
    """

    body: Mapping[str, Any]
    hidden: int | None
    dropout: float


@dataclass(frozen=True, kw_only=True)
class PretrainedSettings:
    """Where the weights come from that a body starts with.

    Attributes:
        weights: path of a file, safetensors or saved by torch, that holds the body's weights; None to download.
        download: whether the published file may be fetched where there is no path.
        sha256: checksum that the file must have, or its first digits; None accepts any.
    """

    weights: str | None
    download: bool
    sha256: str | None = None


@dataclass(frozen=True, kw_only=True)
class NetworkSettings:
    """A network, and its training.

    Attributes:
        network: its parts.
        pretrained: the weights that its body starts with; None for a random start.
        freeze: whether the body stays as it is, in evaluation mode, so that the head alone learns.
        train: budget and optimisation.
        arms: which arms it is trained on.
    """

    network: PartsSettings
    pretrained: PretrainedSettings | None
    freeze: bool
    train: TrainSettings
    arms: Arms = "all"


@dataclass(frozen=True, kw_only=True)
class TuneSettings:
    """The choice of a classic model's settings by inner folds of the training cases, which keep patients together.

    Attributes:
        grid: for each keyword argument of the model the values to try.
        folds: inner folds; fewer where the training set has fewer patients of a class.
        metric: what the choice goes by, by scikit-learn's name; the mean over the inner folds.
    """

    grid: Mapping[str, list[Any]]
    folds: int
    metric: Literal["roc_auc", "average_precision", "balanced_accuracy"]


@dataclass(frozen=True, kw_only=True)
class ClassicSettings:
    """A classic model on features.

    Attributes:
        model: `_target_` of a scikit-learn classifier and its keyword arguments.
        features: `pixels`, `lesion_size`, `brightness`, or `_target_` and settings of a fidelity feature extractor.
        scale: `standard` brings each feature to mean 0 and deviation 1 over the training cases.
        tune: which settings are chosen, and how; None takes the model's own.
        arms: which arms it is trained on.
    """

    model: Mapping[str, Any]
    features: str | Mapping[str, Any]
    scale: Literal["none", "standard"]
    tune: TuneSettings | None
    arms: Arms = "all"


def needs_torch(settings: NetworkSettings | ClassicSettings) -> bool:
    """Whether a classifier is a network, or takes features that one makes; the other ones start in half the time."""
    return isinstance(settings, NetworkSettings) or not isinstance(settings.features, str)


def read_classifier(settings: Any, place: str) -> NetworkSettings | ClassicSettings:
    """Check the content of a `conf/classifier` file, which stands at `place`. Builds nothing and imports no library.

    Raises:
        ConfigError: for an unknown or missing key, or a value of the wrong type or out of range.
    """
    check_type(settings, dict, place)
    if ("network" in settings) == ("model" in settings):
        raise ConfigError(
            f"{place}: expected either `network` (one that is trained step by step) or `model` (a classic model of "
            f"scikit-learn), but it has the keys {', '.join(settings)}"
        )
    return _network(settings, place) if "network" in settings else _classic(settings, place)


def can_take(settings: Mapping[str, Any] | NetworkSettings | ClassicSettings, *, balance: str, pretrain: float) -> str:
    """Say why a classifier can't be trained on an arm; empty when it can.

    Args:
        settings: content of a `conf/classifier` file, or what `read_classifier` makes of it.
        balance: the arm's; `oversampling` is done by the arm's rows, so that every classifier can be trained so.
        pretrain: the arm's share of steps on synthetic cases that come first.
    """
    classifier = read_classifier(settings, "classifier") if isinstance(settings, Mapping) else settings
    if isinstance(classifier, NetworkSettings):
        return ""
    if balance == "focal":
        return "a classic model has no focal loss; class_weights is what it knows"
    if balance == "class_weights" and classifier.model.get("class_weight") is not None:
        return "its model weighs the classes already, by its own class_weight"
    return "a classic model learns at once, so it can't be pretrained on some of its cases" if pretrain else ""


def _network(settings: Mapping[str, Any], place: str) -> NetworkSettings:
    parts = construct(PartsSettings, settings.get("network"), f"{place}.network")
    pretrained = settings.get("pretrained")
    if pretrained is not None:
        pretrained = construct(PretrainedSettings, pretrained, f"{place}.pretrained")
    read = {
        "network": parts,
        "train": train_settings(settings.get("train"), f"{place}.train"),
        "pretrained": pretrained,
    }
    # A missing `pretrained` is no choice of a random start.
    network = construct(NetworkSettings, {**settings, **{k: v for k, v in read.items() if k in settings}}, place)
    if parts.hidden is not None and parts.hidden < 1:
        raise ConfigError(f"{place}.network.hidden is {parts.hidden}; it must be at least 1, or null for no such layer")
    if not 0 <= parts.dropout < 1:
        raise ConfigError(f"{place}.network.dropout is {parts.dropout}; it must be at least 0 and below 1")
    if network.freeze and pretrained is None:
        raise ConfigError(
            f"{place}.freeze is true, but {place}.pretrained is null: a body of random weights that never learns. Set "
            "`freeze: false`, or give `pretrained` weights"
        )
    if pretrained is not None and pretrained.weights is None and not pretrained.download:
        raise ConfigError(
            f"{place}.pretrained asks for weights and says of none where they are: set `weights` to the path of a "
            "file, or `download: true` to have the published one fetched; or start from random weights with "
            "`pretrained: null` and `freeze: false`"
        )
    return network


def _classic(settings: Mapping[str, Any], place: str) -> ClassicSettings:
    tune = settings.get("tune")
    if tune is not None:
        tune = construct(TuneSettings, tune, f"{place}.tune")
        if tune.folds < 2:
            raise ConfigError(f"{place}.tune.folds is {tune.folds}; it must be at least 2")
        if not tune.grid or not all(tune.grid.values()):
            raise ConfigError(
                f"{place}.tune.grid: expected values to try for at least one key of the model, or no tune"
            )
    classic = construct(ClassicSettings, {**settings, **({"tune": tune} if "tune" in settings else {})}, place)
    check_type(classic.model.get("_target_"), str, f"{place}.model._target_")
    named = ("pixels", "lesion_size", "brightness")
    if classic.features not in named and not isinstance(classic.features, Mapping):
        raise ConfigError(
            f"{place}.features is {classic.features!r}; expected one of {', '.join(named)}, or `_target_` and settings "
            "of a feature extractor as in conf/fidelity/features"
        )
    return classic
