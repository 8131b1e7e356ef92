"""The scikit-learn estimator that the settings of a classic model describe."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from synthtrial.classification.settings import ClassicSettings
from synthtrial.errors import ConfigError
from synthtrial.params import target_of


def estimator_of(settings: ClassicSettings, chosen: Mapping[str, Any], seed: int) -> Any:
    """A pipeline of the scaling, where there is one, and the step `model`, seeded where it draws anything.

    Args:
        settings: of the classifier.
        chosen: keyword arguments of the model that take the place of those in its settings.
        seed: of the model.

    Raises:
        ConfigError: for a key that the model does not have, or a model that is no classifier.
    """
    from sklearn.base import is_classifier
    from sklearn.pipeline import Pipeline
    from sklearn.preprocessing import StandardScaler

    target = target_of(dict(settings.model))
    name = settings.model["_target_"].rpartition(".")[2]
    known = inspect.signature(target).parameters
    own = {key: value for key, value in settings.model.items() if key != "_target_"} | dict(chosen)
    if unknown := [key for key in own if key not in known]:
        raise ConfigError(f"model {name} has no key {unknown[0]!r}; it has {', '.join(known)}")
    model = target(**({"random_state": seed % 2**32} if "random_state" in known else {}) | own)
    if not is_classifier(model):
        raise ConfigError(f"model {name} is no classifier of scikit-learn")
    return Pipeline([("scale", StandardScaler())] * (settings.scale == "standard") + [("model", model)])


def check_estimator(settings: ClassicSettings) -> None:
    """Raise a ConfigError unless the model is a classifier that has its settings and those that are tried."""
    grid = {} if settings.tune is None else settings.tune.grid
    estimator_of(settings, {name: values[0] for name, values in grid.items()}, seed=0)
