"""Load every result file of a finished study, and say which stage is missing where one is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.synthetic import SyntheticCohort
from synthtrial.errors import SynthtrialError
from synthtrial.report.results import Results, stage_of, trained_pairs
from synthtrial.report.synthesis import Synthesis
from synthtrial.trial.scores import with_model


def read_results(study_folder: Path, params: dict[str, Any], provenance: dict[str, Any]) -> Results:
    """Read the results of all stages.

    Args:
        study_folder: `out/<study>/`.
        params: the report's view of params.yaml, as plain dicts and lists.
        provenance: see `Results`.

    Raises:
        SynthtrialError: when a stage's file is missing; the message names the file and the stage that writes it.
    """
    folder = Path(study_folder)
    prepared = PreparedCohort(folder / "prepared")
    pairs, task = trained_pairs(params), stage_of(params)
    check_reference(params)
    return Results(
        folder=folder,
        params=params,
        provenance=provenance,
        cohort=prepared,
        profile=read_json(prepared.folder / "profile.json", stage="prepare"),
        syntheses=[
            read_synthesis(folder, draw, params["draws"][draw]["generator"], split)
            for draw in params["draw_names"]
            for split in params["splits"]
        ],
        fold_scores=read_arms(folder, pairs, "folds.csv", task),
        case_scores=read_arms(folder, pairs, "cases.csv", task),
        validation_scores=read_arms(folder, pairs if task == "classify" else [], "validation.csv", task),
        curves=read_arms(folder, pairs, "curves.csv", task),
        stages=read_stages(folder / "stages"),
    )


def check_reference(params: dict[str, Any]) -> None:
    """Raise unless the arm that others are compared with is one of the study's arms."""
    reference, arms = params["protocol"]["reference"], list(params["arm_names"])
    if reference not in arms:
        raise SynthtrialError(
            f"protocol.reference is {reference!r}, which is no arm of this study; there are: {', '.join(arms)}"
        )


def read_synthesis(folder: Path, draw: str, generator: str, split: str) -> Synthesis:
    """Read what one generator, trained on one split, and one way to draw from it left behind."""
    model, fidelity = folder / "models" / generator / split, folder / "fidelity" / draw / split
    samples, reconstructions = model / "samples.png", model / "reconstructions.png"
    return Synthesis(
        draw=draw,
        split=split,
        generator=generator,
        model=read_json(model / "model.json", stage="train_gan"),
        losses=read_table(model / "losses.csv", stage="train_gan"),
        smooth_losses=read_table(model / "losses_smooth.csv", stage="train_gan"),
        loss_summary=read_table(model / "losses_summary.csv", stage="train_gan"),
        cohort=SyntheticCohort(folder / "synthetic" / draw / split),
        fidelity=read_json(fidelity / "fidelity.json", stage="fidelity"),
        fidelity_figures=sorted(path for path in (fidelity / "figures").glob("*") if path.suffix in (".png", ".gif")),
        features={path.stem: read_arrays(path) for path in sorted((fidelity / "features").glob("*.npz"))},
        lesions=read_table(fidelity / "lesions.csv", stage="fidelity"),
        amounts=read_table(fidelity / "amounts.csv", stage="fidelity"),
        samples=samples if samples.is_file() else None,
        reconstructions=reconstructions if reconstructions.is_file() else None,
    )


def read_arrays(path: Path) -> dict[str, np.ndarray]:
    """Read all arrays of an `.npz` file, which may hold nothing but numbers and text."""
    with np.load(path, allow_pickle=False) as arrays:
        return dict(arrays)


def read_arms(folder: Path, pairs: list[tuple[str, str]], name: str, task: str) -> pd.DataFrame:
    """Read one file of every arm and model into one frame that says whose rows they are.

    Results of a version that knew no repeats have one training per fold; words that are left out are empty.
    """
    frames = []
    for arm, model in pairs:
        frame = with_model(read_table(folder / task / arm / model / name, stage=task))
        words = {name: frame[name].fillna("") for name in ("convergence", "remark") if name in frame}
        frames.append(frame.assign(arm=arm, model=model, repeat=frame.get("repeat", 0), **words))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def read_stages(folder: Path) -> pd.DataFrame:
    """Read the record of each stage run, in the order they started; empty when nothing was recorded."""
    columns = ["stage", "item", "started", "wall_s", "training_s", "peak_rss_mb", "git_revision", "versions", "machine"]
    records = [read_json(path, stage="any") for path in sorted(folder.glob("*.json"))]
    frame = pd.DataFrame(records, columns=columns)
    return frame.sort_values("started", kind="stable", ignore_index=True)


def read_json(path: Path, stage: str) -> dict[str, Any]:
    """Read a JSON file that a stage writes."""
    check_exists(path, stage)
    return json.loads(path.read_text(encoding="utf-8"))


def read_table(path: Path, stage: str) -> pd.DataFrame:
    """Read a CSV file that a stage writes. Ids, folds and classes are text."""
    check_exists(path, stage)
    text = dict.fromkeys(("case_id", "patient_id", "site", "fold", "label", "positive", "predicted"), str)
    return pd.read_csv(path, dtype=text, keep_default_na=True)


def check_exists(path: Path, stage: str) -> None:
    """Raise unless a stage has written its file."""
    if not path.is_file():
        raise SynthtrialError(f"the report needs {path}, which stage `{stage}` writes: run `dvc repro` to make it")
