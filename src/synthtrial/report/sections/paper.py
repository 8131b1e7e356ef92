"""A paper's tables beside the measured ones: same rows, same order, and what differed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

import numpy as np
import pandas as pd

from synthtrial.errors import ConfigError
from synthtrial.report import numbers
from synthtrial.report.blocks import Block, Cases, Column, Section, Table, Text, Words
from synthtrial.report.results import Results
from synthtrial.trial.paper import Paper, PaperColumn, PaperRow, PaperTable, read_paper
from synthtrial.trial.scores import ENSEMBLE, has_metric, is_classified, patient_mean

CASES: dict[str, Cases] = {
    "folds": "validation",
    "test": "test",
    "fidelity": "training",
    "amounts": "training",
    "training": "training",
}
"""Which cases our own figures are from, by their source."""

FILLED = 3
"""Decimals that figures of a paper are filled up to, where others of their column have so many."""


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
        if paper.differs:
            sentences = [f"{sentence[0].upper()}{sentence[1:].rstrip('.')}." for sentence in paper.differs]
            blocks.append(Words(["What differs from the paper", *sentences]))
    return Section("paper", "Beside the paper", blocks)


def table(results: Results, paper: Paper, number: int) -> Table:
    """One table of the paper; the label tells which cases our figures are from, the caption which the paper's are."""
    content = paper.tables[number]
    columns = [Column("row", "", number=False)]
    for k, column in enumerate(content.columns):
        figures = [row.figures[k] for row in content.rows]
        columns.append(Column(f"paper_{k}", f"{column.title}, paper", printed(figures)))
        if column.source:
            columns.append(Column(f"ours_{k}", f"{column.title}, here", measured_in_words))
    return Table(
        name=f"paper_{number + 1}",
        frame=paper_frame(results, content, paper.features),
        columns=columns,
        caption=f"{content.title}. {measured_on(content)}",
        cases=our_cases(content),
    )


def printed(figures: Sequence[float | None]) -> Callable[[float], str]:
    """How the figures of a paper's column are shown: with all their digits, and as many decimals as each other.

    Zeros that the settings can't hold are filled up to the longest of the column, but not beyond three decimals.
    """
    common = min(FILLED, max((decimals(figure) for figure in figures if figure is not None), default=0))

    def show(figure: float) -> str:
        if is_count(figure):
            return numbers.count(figure)
        return f"{figure:.{max(common, decimals(figure))}f}".replace("-", numbers.MINUS)

    return show


def decimals(figure: float) -> int:
    """Decimals of a figure as it was written, without zeros at its end."""
    exponent = Decimal(repr(float(figure))).normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)


def measured_in_words(figure: float) -> str:
    """A figure of ours: three digits, and counts, such as those of parameters, as they are."""
    return numbers.count(figure) if is_count(figure) else numbers.significant(figure)


def is_count(figure: float) -> bool:
    """Whether a figure is a number of things; small whole numbers may as well be rounded scores."""
    return abs(figure) >= 1000 and float(figure).is_integer()


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
    if column.source == "amounts":
        return amount_of(results, row, column, features)
    if column.source == "training":
        return training_of(results, row.draw, column)
    if column.source is None or row.arm is None or row.model is None:
        return np.nan
    if column.source == "folds":
        return validation_of(results, row.arm, row.model, column)
    return test_of(results, row.arm, row.model, column)


def validation_of(results: Results, arm: str, model: str, column: PaperColumn) -> float:
    """Validation score of one fold (of its first training, where it has several), or the mean over all models."""
    rows = results.fold_scores.query("arm == @arm and model == @model")
    check_metric(f"validation_{column.metric}" in rows, column, rows)
    values = rows if column.fold == "mean" else rows[rows["fold"].astype(str) == str(column.fold)]
    return float(values[f"validation_{column.metric}"].mean()) if len(values) else np.nan


def test_of(results: Results, arm: str, model: str, column: PaperColumn) -> float:
    """Test score of the ensemble, of one fold's models, or the mean over all models."""
    rows = results.case_scores.query("arm == @arm and model == @model")
    check_metric(has_metric(rows, column.metric), column, rows)
    fold = rows["fold"].astype(str)
    values = rows[fold != ENSEMBLE] if column.fold == "mean" else rows[fold == str(column.fold)]
    if values.empty:
        return np.nan
    return class_score(values, column.metric) if is_classified(rows) else patient_mean(values, column.metric)


def class_score(rows: pd.DataFrame, metric: str) -> float:
    """A classification's score, pooled over the cases of each model; mean over the models."""
    from synthtrial.classification.metrics import score

    return float(np.mean([score(cases, metric) for _, cases in rows.groupby(["fold", "repeat"])]))


def check_metric(is_measured: bool, column: PaperColumn, rows: pd.DataFrame) -> None:
    """Raise a ConfigError when a column of a paper asks for a score that the results do not have."""
    if not is_measured:
        from synthtrial.classification.metrics import metric_names

        names = metric_names(["<class>"]) if is_classified(rows) else rows.select_dtypes("number").columns
        known = ", ".join(names)
        raise ConfigError(f"reproduces, column {column.title!r}: no metric {column.metric!r}; there are: {known}")


def fidelity_of(results: Results, draw: str | None, metric: str) -> float:
    """A metric such as `frechet_mask/random_conv` of a draw, mean over its splits; NaN where it was not measured."""
    found = []
    for synthesis in results.syntheses:
        if synthesis.draw == draw:
            names = [name for name in synthesis.fidelity["metrics"] if name.startswith(metric)]
            found += [synthesis.fidelity["metrics"][name] for name in names[:1]]
    return float(np.mean(found)) if found else np.nan


def amount_of(results: Results, row: PaperRow, column: PaperColumn, features: str | None) -> float:
    """A metric of a part of a draw's cases, mean over its splits; NaN where it was not measured."""
    found: list[float] = []
    for synthesis in results.syntheses:
        table = synthesis.amounts
        if synthesis.draw == row.draw and len(table):
            part = table[(table["method"] == row.method) & np.isclose(table["share"].astype(float), column.share or 0)]
            found += part[part["metric"].str.startswith(f"{column.metric}/{features}_n")]["value"].tolist()
    return float(np.mean(found)) if found else np.nan


def training_of(results: Results, draw: str | None, column: PaperColumn) -> float:
    """The last loss, or the number of a network's parameters, of the generator of a draw; mean over splits.

    A draw from a snapshot has the loss at that time; a penalty that is not computed in every step its last one.
    """
    found = []
    for synthesis in (one for one in results.syntheses if one.draw == draw):
        known = {f"parameters/{name}": count for name, count in synthesis.model.get("parameters", {}).items()}
        until = synthesis.fidelity.get("images_seen") or np.inf
        losses = synthesis.losses[synthesis.losses["images"] <= until]
        if len(losses):
            known |= losses.ffill().iloc[-1].to_dict()
        terms = column.metric.split("+")
        if unknown := [term for term in terms if term not in known]:
            raise ConfigError(f"reproduces, column {column.title!r}: no {unknown[0]!r}; there are: {', '.join(known)}")
        found.append(sum(float(known[term]) for term in terms))
    return float(np.mean(found)) if found else np.nan


def our_cases(content: PaperTable) -> Cases:
    """Which cases our figures in a table are from; empty where its columns differ, and the caption tells."""
    sources = {column.source for column in content.columns if column.source}
    cases = {CASES[source] for source in sources}
    return cases.pop() if len(cases) == 1 else ""


def measured_on(content: PaperTable) -> str:
    """Which cases the paper's figures and ours are from, in words."""
    theirs = f"The paper's figures are of {content.cases} cases. " if content.cases else ""
    sources = {column.source for column in content.columns if column.source}
    ours = " and ".join(sorted({CASES[source] for source in sources}))
    return theirs + (f"Ours are of {ours} cases." if ours else "This study has no such figures.")
