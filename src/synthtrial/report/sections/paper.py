"""A paper's tables beside the measured ones: same rows, same order, and what differed."""

from __future__ import annotations

import numpy as np
import pandas as pd

from synthtrial.errors import ConfigError
from synthtrial.report import numbers
from synthtrial.report.blocks import Block, Cases, Column, Section, Table, Text, Words
from synthtrial.report.results import Results
from synthtrial.trial.paper import Paper, PaperColumn, PaperRow, PaperTable, read_paper
from synthtrial.trial.scores import ENSEMBLE, patient_mean

CASES: dict[str, Cases] = {"folds": "validation", "test": "test", "fidelity": "training"}
"""Which cases our own figures are from, by their source."""


def section(results: Results) -> Section:
    """The tables of the paper that the study reproduces; nothing for other studies."""
    paper = read_paper(results.params.get("reproduces"))
    blocks: list[Block] = []
    if paper is not None:
        blocks.append(
            Text(
                f"Tables of: {paper.title}. In each column the paper's figure stands left of the one measured here; a "
                "dash means that there is none. Read the differences below before comparing."
            )
        )
        blocks += [table(results, paper, k) for k in range(len(paper.tables))]
        blocks.append(Words([f"Differs from the paper: {sentence}" for sentence in paper.differs]))
    return Section("paper", "Beside the paper", blocks)


def table(results: Results, paper: Paper, number: int) -> Table:
    """One table of the paper; the label tells which cases our figures are from, the caption which the paper's are."""
    content = paper.tables[number]
    columns = [Column("row", "", number=False)]
    for k, column in enumerate(content.columns):
        columns.append(Column(f"paper_{k}", f"{column.title}, paper", numbers.significant))
        if column.source:
            columns.append(Column(f"ours_{k}", f"{column.title}, here", numbers.significant))
    return Table(
        name=f"paper_{number + 1}",
        frame=paper_frame(results, content, paper.features),
        columns=columns,
        caption=f"{content.title}. {measured_on(content)}",
        cases=our_cases(content),
    )


def paper_frame(results: Results, content: PaperTable, features: str | None) -> pd.DataFrame:
    """One row per row of the paper: `row`, and `paper_k` and `ours_k` of each column k, NaN where there is none."""
    rows = []
    for row in content.rows:
        cells: dict[str, object] = {"row": row.name}
        for k, (column, figure) in enumerate(zip(content.columns, row.figures, strict=True)):
            ours = measured(results, row, column, features)
            cells |= {f"paper_{k}": np.nan if figure is None else figure, f"ours_{k}": ours}
        rows.append(cells)
    return pd.DataFrame(rows)


def measured(results: Results, row: PaperRow, column: PaperColumn, features: str | None) -> float:
    """Our own figure for a cell of the paper; NaN where the study has none."""
    if column.source == "fidelity":
        return fidelity_of(results, row.draw, f"{column.metric}/{features}")
    if column.source is None or row.arm is None or row.segmenter is None:
        return np.nan
    if column.source == "folds":
        return validation_of(results, row.arm, row.segmenter, column)
    return test_of(results, row.arm, row.segmenter, column)


def validation_of(results: Results, arm: str, segmenter: str, column: PaperColumn) -> float:
    """Validation score of one fold (of its first training, where it has several), or the mean over all models."""
    rows = results.fold_scores.query("arm == @arm and segmenter == @segmenter")
    check_metric(f"validation_{column.metric}", column, rows)
    values = rows if column.fold == "mean" else rows[rows["fold"].astype(str) == str(column.fold)]
    return float(values[f"validation_{column.metric}"].mean()) if len(values) else np.nan


def test_of(results: Results, arm: str, segmenter: str, column: PaperColumn) -> float:
    """Test score of the ensemble, of one fold's models, or the mean over all models."""
    rows = results.case_scores.query("arm == @arm and segmenter == @segmenter")
    check_metric(column.metric, column, rows)
    fold = rows["fold"].astype(str)
    values = rows[fold != ENSEMBLE] if column.fold == "mean" else rows[fold == str(column.fold)]
    return patient_mean(values, column.metric) if len(values) else np.nan


def check_metric(name: str, column: PaperColumn, rows: pd.DataFrame) -> None:
    """Raise a ConfigError when a column of a paper asks for a score that the results do not have."""
    if name not in rows:
        known = ", ".join(rows.select_dtypes("number").columns)
        raise ConfigError(f"reproduces, column {column.title!r}: no metric {column.metric!r}; there are: {known}")


def fidelity_of(results: Results, draw: str | None, metric: str) -> float:
    """A metric such as `frechet_mask/random_conv` of a draw, mean over its splits; NaN where it was not measured."""
    found = []
    for synthesis in results.syntheses:
        if synthesis.draw == draw:
            names = [name for name in synthesis.fidelity["metrics"] if name.startswith(metric)]
            found += [synthesis.fidelity["metrics"][name] for name in names[:1]]
    return float(np.mean(found)) if found else np.nan


def our_cases(content: PaperTable) -> Cases:
    """Which cases our figures in a table are from; empty where its columns differ, and the caption tells."""
    sources = {column.source for column in content.columns if column.source}
    return CASES[sources.pop()] if len(sources) == 1 else ""


def measured_on(content: PaperTable) -> str:
    """Which cases the paper's figures and ours are from, in words."""
    theirs = f"The paper's figures are of {content.cases} cases. " if content.cases else ""
    sources = {column.source for column in content.columns if column.source}
    ours = " and ".join(sorted(CASES[source] for source in sources))
    return theirs + (f"Ours are of {ours} cases." if ours else "This study has no such figures.")
