"""What `prepare` found of the cohort's classes: how many, how large, and who their patients are."""

from __future__ import annotations

from typing import Any

import pandas as pd

from synthtrial.report import numbers
from synthtrial.report.blocks import Banner, Block, Column, Table, Text

SIZES = {"picture_size": "picture size", "lesion_size": "lesion size"}
"""Quantities that may tell classes apart by themselves."""


def class_blocks(profile: dict[str, Any]) -> list[Block]:
    """A table of the classes, what size alone tells, and a banner where patients are not known."""
    blocks: list[Block] = [*patients_unknown(profile)]
    classes = profile.get("classes") or {}
    if len(classes) > 1:
        blocks.append(class_table(classes, profile["volume_unit"].replace("cm2", "cm²")))
        alone = profile.get("size_alone") or {}
        blocks += [Text(in_words(quantity, found)) for quantity, found in alone.items() if found["auroc"] > 0.5]
    return blocks


def patients_unknown(profile: dict[str, Any]) -> list[Banner]:
    """A warning where the files don't tell the patients; nothing where they do."""
    if profile.get("patients_known", True):
        return []
    text = (
        "The files don't tell the patients, so each picture counts as one: pictures of one patient may lie on both "
        "sides of a split, and scores may be too good."
    )
    return [Banner("PATIENTS UNKNOWN", text)]


def class_table(classes: dict[str, Any], volume_unit: str) -> Table:
    """A line per class: cases, patients, and sizes as median and range."""
    with_masks = all("lesion_size" in found for found in classes.values())
    rows = [
        {"class": name, "cases": found["cases"], "patients": found["patients"]}
        | ({"lesion_size": median_and_range(found["lesion_size"])} if with_masks else {})
        for name, found in classes.items()
    ]
    columns = [
        Column("class", "Class", number=False),
        Column("cases", "Cases", numbers.count),
        Column("patients", "Patients", numbers.count),
    ]
    if with_masks:
        columns.append(Column("lesion_size", f"Lesion size, {volume_unit}"))
    caption = "The classes of the real cases." + (" Sizes are median (minimum to maximum)." if with_masks else "")
    return Table(name="cohort_classes", frame=pd.DataFrame(rows), columns=columns, caption=caption)


def median_and_range(spread: dict[str, float]) -> str:
    """Such as `1.2 (0.3 to 4.1)`."""
    low, middle, high = (numbers.compact(spread[key]) for key in ("min", "median", "max"))
    return f"{middle} ({low} to {high})"


def in_words(quantity: str, found: dict[str, Any]) -> str:
    """How well one size separates the classes by itself."""
    return (
        f"By {SIZES.get(quantity, quantity)} alone, over all cases, the classes are told apart with an AUROC of "
        f"{numbers.dice(found['auroc'])} (0.5 is guessing); it is larger in {found['larger']} cases."
    )
