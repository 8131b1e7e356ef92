"""The verdicts of two finished studies beside each other: the same study clean and leaky, say."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from synthtrial.errors import SynthtrialError
from synthtrial.report import numbers
from synthtrial.report.paired_studies import paired_change
from synthtrial.report.protocols import describe


def side_by_side(first: Path, second: Path) -> pd.DataFrame:
    """Compare two studies arm by arm.

    Args:
        first: folder of a finished study, `out/<study>/`.
        second: another.

    Returns:
        One row per segmenter or classifier and arm that both have: `model, arm`, and for each study `mean`,
        `difference` to its own reference, `ci_low`, `ci_high` and `verdict`, with the endings `_1` and `_2`; `change`
        is the second difference minus the first, `change_low` to `change_high` its interval where both studies judge
        the same cases with the same folds.

    Raises:
        SynthtrialError: when a study has no report, they compare different metrics, or they share no arm.
    """
    verdicts = read_verdict(first), read_verdict(second)
    metrics = [found["metric"] for found in verdicts]
    if metrics[0] != metrics[1]:
        raise SynthtrialError(f"the studies compare different metrics: {first} {metrics[0]}, {second} {metrics[1]}")
    rows = []
    for model, block in verdicts[0]["models"].items():
        others = verdicts[1]["models"].get(model, {"arms": {}})["arms"]
        for arm, entry in block["arms"].items():
            if arm in others:
                row = {"model": model, "arm": arm, **_columns(entry, 1), **_columns(others[arm], 2)}
                compared = all(arm != found["reference"] for found in verdicts)
                change = paired_change((first, second), verdicts, model, arm) if compared else {}
                rows.append({**row, "change_low": np.nan, "change_high": np.nan, **change})
    if not rows:
        raise SynthtrialError(
            f"{first} and {second} have no segmenter or classifier and arm in common: nothing to compare"
        )
    table = pd.DataFrame(rows)
    return table.assign(change=table["difference_2"] - table["difference_1"])


def read_verdict(folder: Path) -> dict[str, Any]:
    """The `verdict.json` of a finished study.

    Raises:
        SynthtrialError: when there is none.
    """
    path = Path(folder) / "report" / "verdict.json"
    if not path.is_file():
        raise SynthtrialError(f"no {path}: run that study first (`make study STUDY={Path(folder).name}`)")
    return json.loads(path.read_text(encoding="utf-8"))


def in_markdown(table: pd.DataFrame, first: Path, second: Path) -> str:
    """The table for people, in Markdown, under a line that says which study is leaky."""
    names = [f"{folder.name}{' (LEAKY)' if _leaky(folder) else ''}" for folder in (first, second)]
    lines = [
        f"| arm | {names[0]}: mean | difference to its reference | {names[1]}: mean | difference | change |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    several = table["model"].nunique() > 1
    for row in table.to_dict("records"):
        arm = f"{row['model']}, {row['arm']}" if several else row["arm"]
        means = [numbers.dice(row[f"mean_{place}"]) for place in (1, 2)]
        effects = [_effect(row, place) for place in (1, 2)]
        change = "" if pd.isna(row["change"]) else numbers.difference(row["change"])
        if not pd.isna(row["change_low"]):
            change += f" ({numbers.interval(row['change_low'], row['change_high'])})"
        lines.append(f"| {arm} | {means[0]} | {effects[0]} | {means[1]} | {effects[1]} | {change} |")
    return "\n".join(lines)


def _columns(entry: dict[str, Any], place: int) -> dict[str, Any]:
    wanted = ("mean", "difference", "ci_low", "ci_high", "verdict")
    return {f"{key}_{place}": entry.get(key) for key in wanted}


def _effect(row: dict[str, Any], place: int) -> str:
    if pd.isna(row[f"difference_{place}"]):
        return "reference"
    interval = numbers.interval(row[f"ci_low_{place}"], row[f"ci_high_{place}"])
    return f"{numbers.difference(row[f'difference_{place}'])} ({interval}), {row[f'verdict_{place}']}"


def _leaky(folder: Path) -> bool:
    return describe(read_verdict(folder)["protocol"]).leaky
