"""Write the report of a finished study: one HTML page, its tables and figures, the verdict and the metrics."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pandas as pd

from synthtrial.atomic import atomic_folder, write_json
from synthtrial.report.blocks import Picture, Section, Table
from synthtrial.report.figure_files import write_picture
from synthtrial.report.page import render
from synthtrial.report.reading import read_results
from synthtrial.report.results import Results
from synthtrial.report.sections import (
    classes,
    cohort,
    copies,
    datasheet,
    dose_response,
    fidelity,
    grid,
    learning_curve,
    paper,
    predictions,
    reproduction,
    samples,
    scores,
    training,
    verdict,
)
from synthtrial.report.tables import fidelity_frame, fold_frame, generator_loss_frame

SECTIONS = (
    verdict,
    learning_curve,
    dose_response,
    paper,
    scores,
    classes,
    predictions,
    fidelity,
    grid,
    copies,
    samples,
    training,
    cohort,
    datasheet,
    reproduction,
)
"""The page, from top to bottom. Each module has `section(results) -> Section`; one without blocks is left out."""


COMPARED = ("frechet", "frechet_mask", "frechet_pair", "copies")
"""Fidelity metrics that `dvc metrics` compares between studies; the report has more."""


def build(study_folder: Path, params: dict[str, Any], folder: Path, *, provenance: dict[str, Any]) -> None:
    """Write the report of a finished study.

    Args:
        study_folder: `out/<study>/`, with the results of all stages.
        params: the report's view of params.yaml as plain dicts and lists: `study, protocol, report, generator_names,
            splits, task, arm_names, segmenter_names, classifier_names, classify_places`.
        folder: where `report.html`, `figures/`, `tables/` and `verdict.json` go; an older report is replaced.
        provenance: `git_revision, params_hash, data_hash, versions`, and, where known, `command` (that made the study)
            and `params` (the whole of params.yaml).

    Raises:
        SynthtrialError: when a stage's results are missing.
    """
    results = read_results(Path(study_folder), params, provenance)
    sections = [section for module in SECTIONS if (section := module.section(results)).blocks]
    with atomic_folder(Path(folder)) as partial:
        write_json(partial / "verdict.json", results.verdict)
        write_tables(results, sections, partial / "tables")
        pictures = write_pictures(sections, partial / "figures", dpi=results.settings["dpi"])
        (partial / "report.html").write_text(render(results, sections, pictures), encoding="utf-8")


def write_tables(results: Results, sections: list[Section], folder: Path) -> None:
    """Write every table of the page with full precision, and the long ones: all metrics, and what `dvc plots` draws."""
    folder.mkdir()
    for section in sections:
        for block in section.blocks:
            if isinstance(block, Table):
                block.frame.to_csv(folder / f"{block.name}.csv", index=False)
    fold_frame(results).to_csv(folder / "folds.csv", index=False)
    fidelity_frame(results).to_csv(folder / "fidelity.csv", index=False)
    generator_loss_frame(results).to_csv(folder / "generator_losses.csv", index=False)


def write_pictures(sections: list[Section], folder: Path, dpi: int) -> dict[str, Path]:
    """Write every figure of the page as PNG; return its path by name."""
    folder.mkdir()
    blocks = [block for section in sections for block in section.blocks if isinstance(block, Picture)]
    return {block.name: write_picture(block, folder, dpi) for block in blocks}


def write_metrics(report: Path, path: Path) -> None:
    """Write the few numbers that `dvc metrics` compares between studies: flat names, finite values.

    `<metric>/<model>/<arm>/test` (of the protocol's metric, such as `dice`: mean over fold models and test
    patients), `difference/<model>/<arm>`, and `<metric>/<generator>`, with the split where there are several.

    Args:
        report: the folder that `build` wrote.
        path: of `metrics.json`.
    """
    report = Path(report)
    verdict = json.loads((report / "verdict.json").read_text(encoding="utf-8"))
    metrics: dict[str, float] = {}
    for model, block in verdict["models"].items():
        for arm, row in block["arms"].items():
            metrics[f"{verdict['metric']}/{model}/{arm}/test"] = row["mean"]
            if arm != verdict["reference"]:
                metrics[f"difference/{model}/{arm}"] = row["difference"]
    table = report / "tables" / "fidelity.csv"
    if table.is_file():
        frame = pd.read_csv(table)
        for row in frame[frame["metric"].str.split("/").str[0].isin(COMPARED)].to_dict("records"):
            place = row["generator"] if frame["split"].nunique() == 1 else f"{row['generator']}/{row['split']}"
            metrics[f"{row['metric']}/{place}"] = row["value"]
    write_json(
        Path(path), {name: value for name, value in metrics.items() if value is not None and math.isfinite(value)}
    )
