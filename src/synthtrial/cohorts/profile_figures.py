"""The cohort report in pictures: `figures/*.png` of a prepared cohort."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullFormatter

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.cohorts.profile_planes import COLOURS, class_examples, planes


def write_profile_figures(folder: Path, profile: dict[str, Any]) -> None:
    """Write `figures/{intensities,geometry,lesion_volumes,planes,classes}.png` of the prepared cohort in `folder`.

    There are no lesion volumes without masks, and no page of classes without classes.
    """
    cohort = PreparedCohort(folder)
    figures = {"intensities": intensities(cohort, profile), "geometry": geometry(cohort), "planes": planes(cohort)}
    if cohort.labels:
        figures["lesion_volumes"] = lesion_volumes(cohort, profile)
    if profile["classes"]:
        figures["classes"] = class_examples(cohort, profile["classes"])
    (folder / "figures").mkdir()
    for name, figure in figures.items():
        figure.savefig(folder / "figures" / f"{name}.png", dpi=120)


def intensities(cohort: PreparedCohort, profile: dict[str, Any]) -> Figure:
    """Histogram of the prepared images, one line per site."""
    figure, axes = _figure(1, 7, 3.6)
    low, high, label = _intensity_scale(cohort)
    for site, colour in _colours(cohort):
        counts = np.array(profile["sites"][site]["histogram"]["counts"], dtype=float)
        edges = np.linspace(low, high, len(counts) + 1)
        axes[0].stairs(np.maximum(counts / counts.sum(), 1e-7), edges, color=colour, label=site, linewidth=1.5)
    axes[0].set(xlabel=label, ylabel="fraction of voxels", yscale="log", title="Intensities after windowing")
    _legend(axes[0], cohort)
    return figure


def geometry(cohort: PreparedCohort) -> Figure:
    """Size and spacing of the raw scans along each axis, one dot per case."""
    figure, axes = _figure(2, 9, 3.6)
    for ax, title, column, unit in (
        (axes[0], "Size", "original_shape", "voxels"),
        (axes[1], "Spacing", "original_spacing_mm", "mm"),
    ):
        values = np.array([[float(x) for x in text.split("x")] for text in cohort.cases[column]])
        _dots(ax, values, cohort)
        names = list("xyz") if values.shape[1] == 3 else ["row", "column"]
        ax.set(xticks=range(len(names)), xticklabels=names, ylim=(0, None))
        ax.set(title=f"{title} of the raw scans", ylabel=unit)
    _legend(axes[1], cohort, markerscale=3)
    return figure


def _dots(axes: Axes, values: np.ndarray, cohort: PreparedCohort) -> None:
    """Draw `(cases, axes)` as one column of dots per axis and site, spread a little so that equal values show."""
    sites = _colours(cohort)
    for k, (site, colour) in enumerate(sites):
        of_site = values[(cohort.cases["site"] == site).to_numpy()]
        middle = 0.5 * ((k + 0.5) / len(sites) - 0.5)
        spread = np.linspace(-0.06, 0.06, len(of_site)) if len(of_site) > 1 else np.zeros(1)
        for axis in range(values.shape[1]):
            label = site if axis == 0 else None
            x = axis + middle + spread
            axes.scatter(x, of_site[:, axis], s=9, color=colour, alpha=0.6, linewidths=0, label=label)


def lesion_volumes(cohort: PreparedCohort, profile: dict[str, Any]) -> Figure:
    """Histogram of the lesion volume per case on a logarithmic scale, by class, or by site where there is no class."""
    figure, axes = _figure(1, 7, 3.6)
    groups = cohort.cases["label"] if cohort.cases["label"].any() else cohort.cases["site"]
    volumes = cohort.cases["lesion_ml"].astype(float)
    volumes = volumes[volumes > 0]
    names = sorted(groups.unique())
    if len(volumes):
        bins = np.geomspace(volumes.min() * 0.95, volumes.max() * 1.05, int(np.clip(2 * len(volumes) ** 0.5, 8, 30)))
        parts = [volumes[groups[volumes.index] == name] for name in names]
        colours = [COLOURS[k % len(COLOURS)] for k in range(len(names))]
        axes[0].hist(parts, bins=bins.tolist(), stacked=True, label=names, color=colours)
        axes[0].set_xscale("log")
        axes[0].xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes[0].xaxis.set_major_formatter("{x:g}")
        axes[0].xaxis.set_minor_formatter(NullFormatter())
    if len(names) > 1:
        axes[0].legend(frameon=False)
    quantity, unit = ("volume", "ml") if profile["volume_unit"] == "ml" else ("area", "cm²")
    axes[0].set(xlabel=f"lesion {quantity}, all labels together, {unit}", ylabel="cases", title=f"Lesion {quantity}")
    return figure


def _figure(columns: int, width: float, height: float) -> tuple[Figure, list[Axes]]:
    figure = Figure(figsize=(width, height), layout="constrained")
    axes = list(figure.subplots(1, columns, squeeze=False)[0])
    for ax in axes:
        ax.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _colours(cohort: PreparedCohort) -> list[tuple[str, str]]:
    """(site, colour) of each site."""
    return [(site, COLOURS[k % len(COLOURS)]) for k, site in enumerate(sorted(cohort.cases["site"].unique()))]


def _legend(axes: Axes, cohort: PreparedCohort, markerscale: float = 1) -> None:
    if cohort.cases["site"].nunique() > 1:
        axes.legend(title="site", frameon=False, markerscale=markerscale)


def _intensity_scale(cohort: PreparedCohort) -> tuple[float, float, str]:
    """Ends and name of the intensity axis: the cohort's unit when all cases share one window."""
    windows = {cohort.window(case_id) for case_id in cohort.cases["case_id"]}
    if len(windows) > 1:
        return -1.0, 1.0, "intensity, scaled to [-1, 1] per case"
    low, high = windows.pop()
    return low, high, f"intensity, {cohort.facts['unit']}"
