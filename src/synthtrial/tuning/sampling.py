"""Optuna's samplers, by the words of conf/sweep."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from synthtrial.errors import ConfigError
from synthtrial.tuning.settings import SamplerSettings
from synthtrial.tuning.space import Axis, as_choice

if TYPE_CHECKING:
    from optuna import Study
    from optuna.samplers import BaseSampler


def build_sampler(choice: SamplerSettings, axes: dict[str, Axis], slot: int) -> BaseSampler:
    """The sampler of one point. Its seed follows from the point, so that it does not matter which worker asks.

    Raises:
        ConfigError: for settings that Optuna's sampler does not take.
    """
    from optuna import samplers

    if choice.kind == "grid":
        if choice.settings:
            raise ConfigError("sampler.settings: a grid has none")
        lists = {key: [as_choice(value) for value in axis.values or []] for key, axis in axes.items()}
        return samplers.GridSampler(lists, choice.seed)
    kinds: dict[str, Any] = {
        "random": samplers.RandomSampler,
        "tpe": samplers.TPESampler,
        "nsga2": samplers.NSGAIISampler,
    }
    # Points that others are working on count as bad ones, or workers side by side would all try the same.
    own = {"constant_liar": True} if choice.kind == "tpe" else {}
    return built(kinds[choice.kind], own | dict(choice.settings) | {"seed": seed_of(choice.seed, slot)}, "sampler")


def seed_of(seed: int, slot: int) -> int:
    """A point's own seed, mixed: generators of random numbers may begin alike for seeds that follow each other."""
    import numpy as np

    return int(np.random.SeedSequence([seed, slot]).generate_state(1)[0])


def built(kind: Any, settings: dict[str, Any], place: str) -> Any:
    """An object of Optuna's."""
    import warnings

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # arguments that Optuna calls experimental
        try:
            return kind(**settings)
        except (TypeError, ValueError) as error:
            raise ConfigError(f"{place}.settings: {error}") from error


def choose(
    study: Study,
    trial_id: int,
    slot: int,
    axes: dict[str, Axis],
    known: dict[str, Any] | None,
    choice: SamplerSettings,
) -> dict[str, Any]:
    """Give a running trial its parameters: those known, or else what the sampler says; the storage keeps them.

    A trial of a grid is marked as `GridSampler` marks its own, which can then tell whether the grid is done.
    """
    from optuna import Trial

    storage = study._storage
    if known is not None:
        if choice.kind == "grid":
            sampler: Any = build_sampler(choice, axes, slot)
            stored = tuple(as_choice(known[key]) for key in sorted(axes))
            storage.set_trial_system_attr(trial_id, "search_space", sampler._search_space)
            storage.set_trial_system_attr(trial_id, "grid_id", sampler._all_grids.index(stored))
        for key, axis in axes.items():
            distribution = axis.distribution()
            value = distribution.to_internal_repr(as_choice(known[key]))
            storage.set_trial_param(trial_id, key, value, distribution)
    else:
        study.sampler = build_sampler(choice, axes, slot)
        trial = Trial(study, trial_id)
        for key, axis in axes.items():
            trial._suggest(key, axis.distribution())
    storage.set_trial_user_attr(trial_id, "chosen", True)
    return dict(storage.get_trial(trial_id).params)
