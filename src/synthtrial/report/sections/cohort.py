"""The cohort: what `prepare` found in the real cases, overall and per site."""

from __future__ import annotations

from typing import Any

import pandas as pd

from synthtrial.report import numbers
from synthtrial.report.blocks import Block, Column, Details, Picture, Section, Table
from synthtrial.report.results import Results
from synthtrial.report.sections.cohort_classes import class_blocks

COUNTS = {"cases": "Cases", "patients": "Patients"}
OF_MASKS = {
    "empty_masks": "Empty masks",
    "dropped_for_empty_mask": "Dropped for an empty mask",
    "lesions_cut_by_the_crop": "Lesions cut by the crop",
}
"""Entries of a profile's block that are plain counts; those of masks are left out where there are none."""


def section(results: Results) -> Section:
    """The profile's table, its warnings, and its figures."""
    blocks: list[Block] = [profile_table(results.profile), *class_blocks(results.profile)]
    if results.profile["warnings"]:
        blocks.append(Details("Warnings while the cohort was read", "\n".join(results.profile["warnings"])))
    blocks += [
        Picture(
            name=f"cohort_{path.stem}",
            content=path,
            caption=CAPTIONS.get(path.stem, f"{path.stem.replace('_', ' ').capitalize()} of the real cases."),
            alt=f"{path.stem.replace('_', ' ')} of the cohort.",
        )
        for path in sorted((results.cohort.folder / "figures").glob("*.png"))
    ]
    return Section("cohort", "Cohort", blocks)


def profile_table(profile: dict[str, Any]) -> Table:
    """One line per quantity, one column for all cases and, where there are several sites, one for each."""
    sites = profile["sites"] if len(profile["sites"]) > 1 else {}
    parts = {"All": profile["overall"]} | {f"Site {site}": block for site, block in sites.items()}
    unit, volume_unit = profile["unit"], profile["volume_unit"].replace("cm2", "cm²")
    frame = pd.DataFrame({name: block_in_words(block, unit, volume_unit) for name, block in parts.items()})
    return Table(
        name="cohort",
        frame=frame.rename_axis("quantity").reset_index(),
        columns=[Column("quantity", "", number=False), *(Column(name, name) for name in parts)],
        caption="The real cases as read, before resampling. Ranges are median (minimum to maximum) over cases.",
    )


def block_in_words(block: dict[str, Any], unit: str, volume_unit: str) -> dict[str, str]:
    """One column of the table: the quantities of all cases, or of one site."""
    counts = COUNTS | (OF_MASKS if block.get("lesion_volume") else {})
    words = {title: numbers.count(block[key]) for key, title in counts.items()}
    words |= {f"Class {name}": numbers.count(n) for name, n in block["classes"].items()}
    axes = "xyz" if len(block.get("shape", [])) == 3 else ("row", "column")
    for axis, sizes in zip(axes, block.get("shape", []), strict=False):
        words[f"Size {axis}, voxels"] = spread_in_words(sizes)
    for axis, spacings in zip(axes, block.get("spacing_mm", []), strict=False):
        words[f"Spacing {axis}, mm"] = spread_in_words(spacings)
    for key, title in {"lowest_intensity": "Lowest", "highest_intensity": "Highest"}.items():
        if key in block:
            words[f"{title} intensity, {unit}"] = spread_in_words(block[key])
            words[f"{title}, most frequent"] = ", ".join(
                numbers.compact(value) for value, _ in block[key]["most_frequent"][:3]
            )
    for label, volumes in block.get("lesion_volume", {}).items():
        words[f"{'Area' if volume_unit == 'cm²' else 'Volume'} of {label}, {volume_unit}"] = spread_in_words(volumes)
    return words


def spread_in_words(spread: dict[str, float]) -> str:
    """Median and range; one number when all cases are alike."""
    low, high = numbers.compact(spread["min"]), numbers.compact(spread["max"])
    return low if low == high else f"{numbers.compact(spread['median'])} ({low} to {high})"


CAPTIONS = {
    "geometry": "Size and voxel spacing of the raw scans along each axis, one dot per case.",
    "intensities": "Intensities of the prepared images, after windowing. A site whose curve lies apart was scanned or "
    "calibrated differently.",
    "lesion_volumes": "Lesion sizes of the real cases, all labels together, on a logarithmic scale.",
    "classes": "Prepared cases of each class, with their counts.",
    "planes": "Prepared cases as every network sees them, with the labels of the mask outlined.",
}
"""What the profile's figures show, by file name."""
