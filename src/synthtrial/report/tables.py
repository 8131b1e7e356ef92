"""Data frames behind the tables: each row says what was measured, on which cases, for which arm."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import numpy as np
import pandas as pd

from synthtrial.fidelity.measured import from_json
from synthtrial.report.results import Results


def verdict_frame(results: Results, model: str) -> pd.DataFrame:
    """One row per arm with the test's result, as `verdict.json` has it; the reference first, without one.

    The bootstrap's interval is in `bootstrap_low, bootstrap_high`; the parts of the squared standard error are in
    `part_seed, part_fold, part_patient, part_residual`.
    """
    arms = results.verdict["models"][model]["arms"]
    of_test = ["difference", "ci_low", "ci_high", "p", "p_adjusted", "standard_error", "df", "smallest_detectable"]
    beside_it = ["repeats_to_halve", "bootstrap_low", "bootstrap_high", "bootstrap_p"]
    beside_it += ["p_wilcoxon_patients", "p_patients_alone"]
    no_test = dict.fromkeys([*of_test, *beside_it], np.nan)
    return pd.DataFrame([{"arm": arm} | no_test | _verdict_row(arms[arm]) for arm in results.arms if arm in arms])


def _verdict_row(entry: dict[str, Any]) -> dict[str, Any]:
    """An arm's entry without what is nested in it."""
    nested = ("variance", "variance_of_mean", "bootstrap")
    row = {"verdict": "reference"} | {name: value for name, value in entry.items() if name not in nested}
    bootstrap = entry.get("bootstrap") or {}
    row |= {f"bootstrap_{name.removeprefix('ci_')}": value for name, value in bootstrap.items()}
    return row | {f"part_{source}": part for source, part in entry.get("variance_of_mean", {}).items()}


def validation_frame(results: Results, model: str, metric: str = "dice") -> pd.DataFrame:
    """Validation scores: one row per arm, one column per fold (mean of its repeats); mean and SD of all models."""
    column = f"validation_{metric}"
    scores = results.fold_scores.query("model == @model")
    frame = scores.pivot_table(index="arm", columns="fold", values=column, aggfunc="mean")
    folds = sorted(frame.columns, key=fold_order)
    frame = frame.reindex(results.arms_of(model))[folds].rename(columns=lambda fold: f"fold {fold}")
    models = scores.groupby("arm")[column]
    statistics = pd.DataFrame({"mean": models.mean(), "sd": models.std(ddof=1)}).reindex(results.arms_of(model))
    return pd.concat([frame, statistics], axis=1).reset_index()


def test_frame(results: Results, model: str) -> pd.DataFrame:
    """Test Dice: one row per arm.

    Columns: `fold_models` mean over patients and fold models; `fold_models_sd` standard deviation of the fold models'
    means; `ensemble` mean over patients; `patients_sd` standard deviation of the ensemble over patients; and the
    ensemble's mean per label where there are several. A patient with several cases counts once.
    """
    rows = []
    for arm in results.arms:
        by_patient = results.fold_models(model, arm).groupby(["fold", "repeat", "patient_id"])["dice"].mean()
        models = by_patient.groupby(["fold", "repeat"]).mean()
        columns = ["dice", *results.label_columns]
        patients = results.ensemble(model, arm).groupby("patient_id")[columns].mean()
        rows.append(
            {
                "arm": arm,
                "fold_models": models.mean(),
                "fold_models_sd": models.std(ddof=1),
                "ensemble": patients["dice"].mean(),
                "patients_sd": patients["dice"].std(ddof=1),
                "patients": len(patients),
            }
            | {column: patients[column].mean() for column in results.label_columns}
        )
    return pd.DataFrame(rows)


def patient_frame(results: Results, model: str) -> pd.DataFrame:
    """Test Dice of the ensemble per patient: columns `patient_id, site`, and one per arm."""
    frames = {arm: results.ensemble(model, arm).groupby(["patient_id", "site"])["dice"].mean() for arm in results.arms}
    return pd.DataFrame(frames).reset_index()


def fidelity_frame(results: Results) -> pd.DataFrame:
    """One row per generator, split and metric: its value beside the real-against-real floor and the noise ceiling."""
    rows = []
    for synthesis in results.syntheses:
        facts = synthesis.fidelity
        place = {"generator": synthesis.draw, "split": synthesis.split}
        counts = {"n_real": facts["n_real"], "n_synthetic": facts["n_synthetic"]}
        for metric, measured in from_json(facts).items():
            rows.append(place | {"metric": metric} | asdict(measured) | counts)
    columns = ["generator", "split", "metric", "floor", "value", "low", "high", "ceiling", "better"]
    frame = pd.DataFrame(rows, columns=[*columns, "n_real", "n_synthetic"])
    return frame.astype({"floor": float, "ceiling": float})


def amount_frame(results: Results) -> pd.DataFrame:
    """All `amounts.csv` together: distances of synthetic sets of several sizes."""
    return _of_generators(results, "amounts")


def lesion_frame(results: Results) -> pd.DataFrame:
    """All `lesions.csv` together: properties of the lesions, real against synthetic."""
    return _of_generators(results, "lesions")


def _of_generators(results: Results, name: str) -> pd.DataFrame:
    """One table of every generator, with `generator` and `split` before its columns; empty where all are."""
    frames = []
    for synthesis in results.syntheses:
        frame = getattr(synthesis, name).copy()
        frame.insert(0, "generator", synthesis.draw)
        frame.insert(1, "split", synthesis.split)
        frames.append(frame)
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def loss_frame(results: Results) -> pd.DataFrame:
    """One row per generator, split and loss term: minimum, maximum, mean over all steps, moving average at the end."""
    frames = [
        synthesis.loss_summary.assign(generator=synthesis.generator, split=synthesis.split)
        for synthesis in results.trainings
    ]
    columns = ["generator", "split", "term", "min", "max", "mean", "average"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def fold_frame(results: Results) -> pd.DataFrame:
    """All `folds.csv` together: validation and test scores of every fold model."""
    return results.fold_scores.sort_values(["model", "arm", "fold", "repeat"], ignore_index=True)


def generator_loss_frame(results: Results) -> pd.DataFrame:
    """All `losses.csv` in long form: `generator, split, images, term, value`."""
    frames = [
        synthesis.losses.melt("images", loss_terms(synthesis.losses), var_name="term", value_name="value")
        .dropna(subset=["value"])
        .assign(generator=synthesis.generator, split=synthesis.split)
        for synthesis in results.trainings
    ]
    columns = ["generator", "split", "images", "term", "value"]
    return pd.concat(frames, ignore_index=True)[columns] if frames else pd.DataFrame(columns=columns)


def loss_terms(losses: pd.DataFrame) -> list[str]:
    """Columns of `losses.csv` that hold numbers over images seen."""
    return [name for name in losses.select_dtypes("number") if name != "images"]


def fold_order(fold: str) -> tuple[int, str]:
    """Sort folds as numbers where they are numbers."""
    return (int(fold), "") if fold.isdigit() else (10**9, fold)
