"""The figures of a sweep: what matters, how each key does, and the front of two aims."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from synthtrial.atomic import atomic_file
from synthtrial.tuning.table import short_names

if TYPE_CHECKING:
    from optuna import Study
    from optuna.trial import FrozenTrial

    from synthtrial.tuning.sweep import Sweep


def draw_figures(sweep: Sweep, study: Study, chosen: Sequence[FrozenTrial]) -> list[str]:
    """Write `importance.png`, `slices.png` and, for two aims, `pareto.png`; return the names of those that were drawn.

    Importance needs at least two results and two values of a key.
    """
    import matplotlib

    matplotlib.use("Agg")
    complete = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"]
    if not complete:
        return []
    names = ["slices.png"]
    save(sweep, "slices.png", lambda: slices(sweep, complete, chosen))
    shares = [importance(study, index) for index in range(len(sweep.settings.aims))] if len(complete) > 3 else []
    if any(shares):
        save(sweep, "importance.png", lambda: bars(sweep, shares))
        names.append("importance.png")
    if len(sweep.settings.aims) == 2:
        save(sweep, "pareto.png", lambda: pareto(sweep, complete, chosen))
        names.append("pareto.png")
    return names


def save(sweep: Sweep, name: str, draw: Callable[[], Any]) -> None:
    """Draw a figure and write it atomically."""
    import matplotlib.pyplot as plt

    figure = draw()
    with atomic_file(sweep.folder / name) as partial:
        figure.savefig(partial, dpi=120, bbox_inches="tight")
    plt.close(figure)


def importance(study: Study, index: int) -> dict[str, float]:
    """Share of an aim's variance that each key explains, by Optuna's functional ANOVA; empty when it can't be told."""
    from optuna.importance import FanovaImportanceEvaluator, get_param_importances

    values = {trial.values[index] for trial in study.get_trials(deepcopy=False) if trial.state.name == "COMPLETE"}
    if len(values) < 2:
        return {}
    return get_param_importances(
        study, evaluator=FanovaImportanceEvaluator(seed=0), target=lambda trial: trial.values[index]
    )


def slices(sweep: Sweep, trials: Sequence[FrozenTrial], chosen: Sequence[FrozenTrial]) -> Any:
    """Every aim over every key; the best points are red."""
    import matplotlib.pyplot as plt

    aims, axes = sweep.settings.aims, sweep.axes
    figure, grid = plt.subplots(len(aims), len(axes), figsize=(3 * len(axes), 2.6 * len(aims)), squeeze=False)
    best, names = {trial.number for trial in chosen}, short_names(list(axes))
    for row, aim in zip(range(len(aims)), aims, strict=True):
        for column, (key, axis) in enumerate(axes.items()):
            place = grid[row][column]
            places = positions(axis.values, [trial.params[key] for trial in trials])
            colours = ["tab:red" if trial.number in best else "tab:blue" for trial in trials]
            place.scatter(places, [trial.values[row] for trial in trials], c=colours, s=14)
            if axis.values is not None:
                place.set_xticks(range(len(axis.values)), [str(value) for value in axis.values])
            elif axis.log:
                place.set_xscale("log")
            place.set_xlabel(names[key])
            place.set_ylabel(aim.metric if column == 0 else "")
    figure.tight_layout()
    return figure


def positions(values: list | None, found: list) -> list:
    """Where values lie on the axis: at their place in the list, or where they are."""
    from synthtrial.tuning.space import as_choice

    if values is None:
        return found
    stored = [as_choice(value) for value in values]
    return [stored.index(value) for value in found]


def bars(sweep: Sweep, shares: Sequence[dict[str, float]]) -> Any:
    """How much of each aim's variance each key explains."""
    import matplotlib.pyplot as plt

    figure, grid = plt.subplots(1, len(shares), figsize=(4.5 * len(shares), 0.5 * len(sweep.axes) + 1.2), squeeze=False)
    names = short_names(list(sweep.axes))
    for place, aim, share in zip(grid[0], sweep.settings.aims, shares, strict=True):
        keys = sorted(share, key=lambda key: share[key])
        place.barh([names[key] for key in keys], [share[key] for key in keys])
        place.set_xlabel(f"share of the variance of {aim.metric}")
    figure.tight_layout()
    return figure


def pareto(sweep: Sweep, trials: Sequence[FrozenTrial], chosen: Sequence[FrozenTrial]) -> Any:
    """The two aims against each other, with the front."""
    import matplotlib.pyplot as plt

    figure, place = plt.subplots(figsize=(5, 4))
    place.scatter([trial.values[0] for trial in trials], [trial.values[1] for trial in trials], s=14, label="points")
    front = sorted(chosen, key=lambda trial: trial.values[0])
    place.plot([t.values[0] for t in front], [t.values[1] for t in front], "o-", color="tab:red", label="front")
    place.set_xlabel(f"{sweep.settings.aims[0].metric} ({sweep.settings.aims[0].direction})")
    place.set_ylabel(f"{sweep.settings.aims[1].metric} ({sweep.settings.aims[1].direction})")
    place.legend()
    figure.tight_layout()
    return figure
