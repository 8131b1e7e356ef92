"""What a point runs: scripts with their words, and where their metrics are found."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from synthtrial.tuning.settings import SweepSettings

METRICS = "metrics.json"
"""Metrics of the fidelity stage, in the folder of a point."""
OF_OBJECTIVE = "metrics_of_objective.json"
"""What the user's own function has returned."""


@dataclass(frozen=True)
class Part:
    """Scripts that run one after the other.

    Attributes:
        scripts: path and words of each.
        optional: whether an error ends this part alone: what is measured on the way need not be possible.
    """

    scripts: Sequence[Sequence[str]]
    optional: bool = False


def parts_of(sweep: SweepSettings, params: Mapping[str, Any], pipelines: Path) -> list[Part]:
    """All that a point runs, in order; with pruning, first what leads to each look on the way."""
    parts = []
    for images in sweep.rule.images if sweep.rule else ():
        train, *measure = scripts_of(sweep, params, pipelines, sweep.rule.file(images) if sweep.rule else METRICS)
        parts += [Part([[*train, "--until", str(images)]]), Part(measure, optional=True)]
    return [*parts, Part(scripts_of(sweep, params, pipelines, METRICS))]


def scripts_of(sweep: SweepSettings, params: Mapping[str, Any], pipelines: Path, metrics: str) -> list[list[str]]:
    """The scripts of a point's stages.

    Without the stages of the trial, only what the tuned generator needs; else every place of the study.

    Args:
        sweep: its settings.
        params: of the point.
        pipelines: the folder of stage scripts.
        metrics: the file for those of fidelity, where it measures the objectives alone.
    """
    split = sweep.split or params["splits"][0]
    draw = sweep.draw or sweep.generator
    whole = bool({"assemble", "segment", "classify", "report"} & set(sweep.stages))
    splits = params["splits"] if whole else [split]
    generators = params["generator_names"] if whole else [sweep.generator]
    draws = params["draw_names"] if whole else [draw]
    arms = params["arm_names"]
    alone = (
        ["--metrics", ",".join(aim.metric for aim in sweep.aims), "--json", metrics] if measures_alone(sweep) else []
    )
    places: dict[str, list[list[Any]]] = {
        "train_gan": [[name, "--split", part] for name in generators for part in splits],
        "synthesize": [[name, "--split", part] for name in draws for part in splits],
        "fidelity": [[name, "--split", part, *alone] for name in draws for part in splits],
        "assemble": [[]],
        "segment": [[arm, "--segmenter", name] for arm in arms for name in params["segmenter_names"]],
        "classify": [[p["arm"], "--classifier", p["classifier"]] for p in params["classify_places"].values()],
        "report": [[]],
    }
    return [[str(pipelines / f"{stage}.py"), *words] for stage in sweep.stages for words in places[stage]]


def measures_alone(sweep: SweepSettings) -> bool:
    """Whether fidelity is asked for the objectives alone: nothing else of the sweep needs the rest of it."""
    return sweep.measure == "objectives" and list(sweep.stages)[-1:] == ["fidelity"] and sweep.objective is None


def result_files(folder: Path, sweep: SweepSettings, params: Mapping[str, Any]) -> list[Path]:
    """Where the metrics of a point are, once all of its parts have ended."""
    study = folder / "out" / params["study"]["name"]
    split, draw = sweep.split or params["splits"][0], sweep.draw or sweep.generator
    whole_stage = study / "fidelity" / str(draw) / split / "fidelity.json"
    found = []
    if "fidelity" in sweep.stages:
        found.append(folder / METRICS if measures_alone(sweep) else whole_stage)
    if "report" in sweep.stages:
        found.append(study / "metrics.json")
    if sweep.objective:
        found.append(folder / OF_OBJECTIVE)
    return found
