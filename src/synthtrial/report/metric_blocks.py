"""All metrics of the ensembles on the page: tables over all test cases and per site, and what each score is."""

from __future__ import annotations

import re

import pandas as pd

from synthtrial.report import numbers
from synthtrial.report.blocks import Block, Column, Details, Table
from synthtrial.report.metric_tables import metric_frame, sites
from synthtrial.report.results import Results
from synthtrial.segmentation.metrics import in_words, larger_is_better

DEFINITIONS = """\
Every score is taken per case and label on the original grid.

Dice              2 |A and B| / (|A| + |B|).
Aggregated Dice   the same with the volumes of all cases summed up first, so that large lesions weigh more.
HD95 (mm)         95 % of either surface lies within this distance of the other one; percentile by area.
NSD               normalised surface distance: share of both surfaces, by area, within {tolerance:g} mm of the other.
{coarse}Volume error      |predicted - drawn| / drawn{flat}.
Lesions           connected parts of a label; touching corners connect. Found: a tenth of it or more is predicted.
                  False: less than a tenth of a predicted one is drawn. Sensitivity and precision are shares per case.

A label that neither the prediction nor the reference has gets the best score. One that only one of them has gets the
worst: 0; volume error 100 %; HD95 the diagonal of the image. Column "One map empty" counts those cases.
"""

COARSE = """\
                  Voxels are up to {largest:.3g} mm long here, more than that: a surface that is off by one such voxel
                  counts as wrong, so NSD is strict along that axis, and can't be compared with finer scans.
"""


def heading(metric: str) -> str:
    """A metric's name and unit, with an arrow to where it is better."""
    arrow = "\N{UPWARDS ARROW}" if larger_is_better(metric) else "\N{DOWNWARDS ARROW}"
    return f"{in_words(metric)}\N{NO-BREAK SPACE}{arrow}"


SHARES = (
    Column("dice", heading("dice"), numbers.dice),
    Column("aggregated_dice", f"Aggregated {heading('dice')}", numbers.dice),
    Column("hd95_mm", heading("hd95_mm"), numbers.significant),
    Column("nsd", heading("nsd"), numbers.dice),
    Column("volume_error", heading("volume_error"), numbers.percent),
)
LESION_SHARES = tuple(
    Column(metric, heading(metric), numbers.dice) for metric in ("lesion_sensitivity", "lesion_precision")
)
LESION_COUNTS = (
    Column("lesions", "Lesions", numbers.count),
    Column("found", "Found", numbers.count),
    Column("false", "False", numbers.count),
)


def metric_blocks(results: Results, model: str) -> list[Block]:
    """All metrics of the ensembles: over all test cases, lesions in a table of their own, and per site."""
    frame = metric_frame(results, model)
    names = [Column("arm", "Arm", number=False)]
    if len(results.cohort.labels) > 1:
        names.append(Column("label", "Label", number=False))
    together = ", beside the mean over all labels, too" if len(results.cohort.labels) > 1 else ""
    of_sites = [
        Table(
            name=f"test_metrics_{model}_{file_name(site)}",
            frame=of_site,
            columns=[*names, *SHARES, *LESION_SHARES],
            caption=f"The same at site {site}, segmenter {model}: {counted(of_site)}.",
            cases="test",
        )
        for site in sites(results)
        for of_site in [metric_frame(results, model, site)]
    ]
    return [
        Table(
            name=f"test_metrics_{model}",
            frame=frame,
            columns=[*names, *SHARES, Column("one_empty", "One map empty", numbers.count)],
            caption=f"All scores of the ensembles, segmenter {model}: {counted(frame)}, on the original grid. "
            "Means over patients, but aggregated Dice takes all cases at once. \N{UPWARDS ARROW} larger is better, "
            "\N{DOWNWARDS ARROW} smaller is better.",
            cases="test",
        ),
        Table(
            name=f"test_lesions_{model}",
            frame=frame,
            columns=[*names, *LESION_SHARES, *LESION_COUNTS],
            caption=f"Lesions found by the ensembles, segmenter {model}. Sensitivity and precision are means over "
            f"patients; lesions are counted over all cases at once{together}.",
            cases="test",
        ),
        Details("How each score is defined", definitions(results)),
        *of_sites,
    ]


def file_name(site: str) -> str:
    """A site's name as a part of a file's name: hospitals may be called `A/B`."""
    return re.sub(r"[^\w.-]+", "_", site) or "no_name"


def counted(frame: pd.DataFrame) -> str:
    """How many cases and patients a table of metrics is about."""
    return f"{frame['cases'].max()} cases of {frame['patients'].max()} patients"


def definitions(results: Results) -> str:
    """What the scores mean, and what they are where they would be undefined."""
    flat = ", of the area" if results.cohort.facts["spatial_dims"] == 2 else ""
    tolerance = results.params["protocol"]["nsd_tolerance_mm"]
    largest = max(axis["max"] for axis in results.profile["overall"]["spacing_mm"])
    coarse = COARSE.format(largest=largest) if largest > tolerance else ""
    return DEFINITIONS.format(tolerance=tolerance, flat=flat, coarse=coarse)
