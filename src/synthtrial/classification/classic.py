"""Classic models of scikit-learn: logistic regression, support vector machine, random forest."""

from __future__ import annotations

import time
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from synthtrial.classification.estimators import estimator_of
from synthtrial.classification.features import Features, features_from, read_features
from synthtrial.classification.fitted import Fitted, read_facts, write_fitted
from synthtrial.classification.inner_folds import Splits, inner_folds
from synthtrial.classification.platt import PlattScaled
from synthtrial.classification.samples import check_classes, class_weights
from synthtrial.classification.settings import Balance, ClassicSettings, TuneSettings
from synthtrial.errors import ConfigError
from synthtrial.supervised.case import TrainingCase
from synthtrial.supervised.curve import Log

PLATT_FOLDS = 5
"""Inner folds whose answers the probabilities of a support vector machine are fitted to, as in libsvm."""


@dataclass(frozen=True)
class Recipe:
    """All that a classic model follows from, so that fitting it again gives the same.

    Attributes:
        cases: the training set.
        groups: patient of each case.
        classes: names of the negative and the positive class.
        settings: of the classifier.
        balance: `class_weights` weighs each case by the inverse share of its class.
        seed: of the model and of inner folds.
        spatial_dims: 2 or 3.
    """

    cases: Sequence[TrainingCase]
    groups: Sequence[str]
    classes: Sequence[str]
    settings: ClassicSettings
    balance: Balance
    seed: int
    spatial_dims: int

    @cached_property
    def features(self) -> Features:
        """What the model sees of a case."""
        return features_from(self.settings.features, self.spatial_dims)

    def read(self) -> tuple[np.ndarray, np.ndarray]:
        """Features `(n, d)` and labels `(n,)` of the training set.

        Raises:
            ConfigError: when a class is missing.
        """
        values, labels = read_features(self.cases, self.features)
        check_classes(labels.tolist(), self.classes, "the training set")
        return values, labels

    def splits(self, labels: np.ndarray, folds: int) -> Splits:
        """Inner folds of the training set."""
        real = np.array([case.source != "synthetic" for case in self.cases])
        return inner_folds(labels, self.groups, folds, self.seed, self.classes, real)


class ClassicModel:
    """A classic model that answers; one that was found finished is fitted again when it is first asked.

    Args:
        recipe: what it follows from.
        chosen: keyword arguments that inner folds chose.
        estimator: the fitted estimator, where there is one already.
    """

    def __init__(self, recipe: Recipe, chosen: Mapping[str, Any], estimator: Any = None) -> None:
        self.recipe, self.chosen, self._estimator = recipe, chosen, estimator

    def __call__(self, cases: Sequence[TrainingCase]) -> np.ndarray:
        """Probabilities `(n,)` of the positive class."""
        if self._estimator is None:
            self._estimator, _ = _fit(self.recipe, *self.recipe.read(), self.chosen)
        if not cases:
            return np.zeros(0)
        return _answers(self._estimator, read_features(cases, self.recipe.features)[0])


def fit_classic(
    recipe: Recipe, validation_cases: Sequence[TrainingCase], *, checkpoint: Path | None, log: Log | None
) -> Fitted:
    """Fit a classic model on all cases at once; `training.fit` says the rest.

    Its checkpoint keeps `fitted.json` alone, with what inner folds have chosen: fitting it again is cheap and gives the
    same model, where keeping it would take a pickle.
    """
    if checkpoint is not None and checkpoint.is_dir():
        facts = read_facts(checkpoint)
        return Fitted(model=ClassicModel(recipe, facts["chosen"]), **facts)
    started = time.perf_counter()
    values, labels = recipe.read()
    chosen = {} if recipe.settings.tune is None else _choose(recipe, recipe.settings.tune, values, labels)
    estimator, remark = _fit(recipe, values, labels, chosen)
    loss = _log_loss(labels, _answers(estimator, values))
    seconds = time.perf_counter() - started
    validation_loss = None
    if validation_cases:
        shown, known = read_features(validation_cases, recipe.features)
        validation_loss = _log_loss(known, _answers(estimator, shown))
    if log is not None:
        log({"loss": loss}, 0)
    fitted = Fitted(
        model=ClassicModel(recipe, chosen, estimator),
        curve=[{"step": 0, "loss": loss, "validation_loss": validation_loss}],
        final_loss=loss,
        seconds=seconds,
        steps=0,
        convergence="",
        remark=remark,
        chosen=chosen,
    )
    if checkpoint is not None:
        write_fitted(checkpoint, fitted)
    return fitted


def _choose(recipe: Recipe, tune: TuneSettings, values: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """The settings that do best on inner folds; the first of equals."""
    from sklearn.model_selection import GridSearchCV

    search = GridSearchCV(
        estimator_of(recipe.settings, {}, recipe.seed),
        {f"model__{name}": list(options) for name, options in tune.grid.items()},
        scoring=tune.metric,
        cv=recipe.splits(labels, tune.folds),
        refit=False,
        error_score="raise",
    )
    _quietly(search.fit, values, labels, **_weights(recipe, labels))
    return {name.removeprefix("model__"): value for name, value in search.best_params_.items()}


def _fit(recipe: Recipe, values: np.ndarray, labels: np.ndarray, chosen: Mapping[str, Any]) -> tuple[Any, str]:
    """The fitted estimator, and a remark where its solver stopped early.

    A model without probabilities of its own, such as a support vector machine, gets them by Platt scaling.
    """
    estimator = estimator_of(recipe.settings, chosen, recipe.seed)
    if not hasattr(estimator, "predict_proba"):
        estimator = PlattScaled(estimator, recipe.splits(labels, PLATT_FOLDS))
    remark = _quietly(estimator.fit, values, labels, **_weights(recipe, labels))
    return estimator, remark


def _weights(recipe: Recipe, labels: np.ndarray) -> dict[str, np.ndarray]:
    """Weights of cases where classes are balanced so: what `class_weight="balanced"` means, for Platt scaling, too."""
    if recipe.balance != "class_weights":
        return {}
    return {"model__sample_weight": class_weights(labels)[labels]}


def _quietly(fit: Any, *data: np.ndarray, **weights: np.ndarray) -> str:
    """Call `fit` with one thread, so that sums round alike everywhere; say so where a solver stopped early."""
    from sklearn.exceptions import ConvergenceWarning
    from threadpoolctl import threadpool_limits

    try:
        with threadpool_limits(1), warnings.catch_warnings(record=True) as told:
            warnings.simplefilter("always", ConvergenceWarning)
            fit(*data, **weights)
    except (ValueError, TypeError) as error:
        raise ConfigError(f"the classic model can't be fitted: {' '.join(str(error).split())}") from error
    stopped = any(issubclass(warning.category, ConvergenceWarning) for warning in told)
    return (
        "its solver stopped before it had converged: more max_iter or `scale: standard` would help" if stopped else ""
    )


def _answers(estimator: Any, values: np.ndarray) -> np.ndarray:
    """Probabilities `(n,)` of the positive class, with one thread as in fitting."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1):
        return np.asarray(estimator.predict_proba(values)[:, 1], np.float64)


def _log_loss(labels: np.ndarray, probabilities: np.ndarray) -> float:
    right = np.where(labels == 1, probabilities, 1 - probabilities)
    return float(-np.log(np.clip(right, 1e-15, 1)).mean())
