"""A published study's tables, and which of our own figures stand beside each of theirs."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from synthtrial.errors import ConfigError
from synthtrial.params import construct
from synthtrial.setting_types import suggestion


@dataclass(frozen=True)
class PaperColumn:
    """A column of a published table, and where the same figure of ours is found.

    Attributes:
        title: as in the paper.
        source: `folds` (one model on its own validation cases), `test` (models on the test cases), `fidelity`,
            `amounts` (fidelity of a part of the drawn cases, see `fidelity.amounts`), `training` of the draw's
            generator (`metric` is a column of losses.csv, whose last row counts, or a sum of such, or `parameters/`
            and a network), or None where this study measures nothing of the kind.
        metric: column of folds.csv without `validation_` or of cases.csv, such as `dice`, or of a classifier such as
            `recall/malignant`; for fidelity a metric without its features, such as `frechet_mask`.
        fold: number of the fold model; `mean` of all models; or `ensemble` of them, for test.
        share: of amounts: synthetic cases per real one.
    """

    title: str
    source: Literal["folds", "test", "fidelity", "amounts", "training"] | None = None
    metric: str = "dice"
    fold: int | Literal["mean", "ensemble"] = "mean"
    share: float | None = None

    def __post_init__(self) -> None:
        if (self.source == "amounts") != (self.share is not None):
            raise ConfigError(f"column {self.title!r}: source amounts and share belong together")
        if self.source == "folds" and self.fold == "ensemble":
            raise ConfigError(f"column {self.title!r}: the ensemble has no validation cases; use source test")


@dataclass(frozen=True)
class PaperRow:
    """A row of a published table, and what it is in this study.

    Attributes:
        name: as in the paper.
        figures: the paper's, one per column; None where it has none.
        arm: ours for figures of a segmentation or classification; None where this study has none.
        segmenter, classifier: which of the study's it is; at most one of the two.
        draw: ours for fidelity, amounts and training; None where this study has none.
        method: of amounts: `progressive` (each amount holds the smaller ones) or `independent`.
    """

    name: str
    figures: Sequence[float | None]
    arm: str | None = None
    segmenter: str | None = None
    draw: str | None = None
    classifier: str | None = None
    method: Literal["progressive", "independent"] = "progressive"

    def __post_init__(self) -> None:
        if self.segmenter and self.classifier:
            raise ConfigError(f"row {self.name!r}: it names a segmenter and a classifier; a study has one of the two")

    @property
    def model(self) -> str | None:
        """The segmenter or classifier."""
        return self.segmenter or self.classifier


@dataclass(frozen=True)
class PaperTable:
    """One table of a paper.

    Attributes:
        title: what it shows.
        cases: which cases the paper measured it on: `test`, `validation`, `training`, or empty where that is no matter.
        columns, rows: of the table, in the paper's order.
    """

    title: str
    cases: Literal["", "test", "validation", "training"]
    columns: Sequence[PaperColumn]
    rows: Sequence[PaperRow]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row.figures) != len(self.columns):
                raise ConfigError(
                    f"{self.title!r}, row {row.name!r}: expected {len(self.columns)} figures, one per column, but "
                    f"there are {len(row.figures)}; write null where the paper has none"
                )


@dataclass(frozen=True)
class Paper:
    """What a study reproduces.

    Attributes:
        title: of the paper or thesis.
        tables: its tables.
        differs: what differs between the paper and this study: data, size, budget; one sentence each.
        features: the extractor of fidelity that our figures are measured with; None without such figures.
    """

    title: str
    tables: Sequence[PaperTable]
    differs: Sequence[str] = ()
    features: str | None = None

    def __post_init__(self) -> None:
        for table in self.tables:
            for column in table.columns:
                if column.source in ("fidelity", "amounts") and self.features is None:
                    raise ConfigError(
                        f"{table.title!r}, column {column.title!r}: source {column.source} is measured by an "
                        "extractor: name it in features"
                    )


def read_paper(settings: Mapping[str, Any] | None, place: str = "reproduces") -> Paper | None:
    """A paper from its subtree in a study; None without one.

    Raises:
        ConfigError: for a key that is unknown or missing, or a value that can't be.
    """
    if settings is None:
        return None
    tables = [_read_table(table, f"{place}.tables[{k}]") for k, table in enumerate(settings.get("tables") or [])]
    if not tables:
        raise ConfigError(f"{place}.tables: expected at least one table of the paper")
    return construct(Paper, {**settings, "tables": tables}, place)


def check_paper(
    paper: Paper,
    *,
    arms: Collection[str],
    segmenters: Collection[str],
    draws: Collection[str],
    features: Collection[str],
    classifiers: Collection[str] = (),
) -> None:
    """Raise a ConfigError when a row names an arm, a segmenter, a classifier or a draw that the study does not have,
    and likewise for the extractor of features, or when classifiers have no such metric."""
    _check_name("reproduces.features", "extractor", paper.features, features)
    for table in paper.tables:
        if classifiers:
            _check_class_metrics(table)
        for row in table.rows:
            where = f"reproduces, {table.title!r}, row {row.name!r}"
            _check_name(where, "arm", row.arm, arms)
            _check_name(where, "segmenter", row.segmenter, segmenters)
            _check_name(where, "classifier", row.classifier, classifiers)
            _check_name(where, "draw", row.draw, draws)


def _check_class_metrics(table: PaperTable) -> None:
    from synthtrial.classification.metrics import is_metric, metric_names

    for column in table.columns:
        if column.source in ("folds", "test") and not is_metric(column.metric):
            raise ConfigError(
                f"reproduces, {table.title!r}, column {column.title!r}: no metric {column.metric!r}; there are: "
                f"{', '.join(metric_names(['<class>']))}"
            )


def _check_name(where: str, kind: str, name: str | None, names: Collection[str]) -> None:
    if name is not None and name not in names:
        known = ", ".join(names) or "none in this study"
        raise ConfigError(f"{where}: no {kind} {name!r}; there are: {known}{suggestion(name, list(names))}")


def _read_table(settings: Mapping[str, Any], place: str) -> PaperTable:
    parts = {"columns": PaperColumn, "rows": PaperRow}
    read = {
        name: [construct(kind, part, f"{place}.{name}[{k}]") for k, part in enumerate(settings.get(name) or [])]
        for name, kind in parts.items()
    }
    return construct(PaperTable, {**settings, **read}, place)
