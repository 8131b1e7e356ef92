"""Intensities and lesion volumes, real against synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from synthtrial.cohorts.prepared import PreparedCohort
from synthtrial.fidelity.style import COLOURS
from synthtrial.synthesis.cohort import SyntheticCohort

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Cases = tuple[PreparedCohort | SyntheticCohort, Sequence[str]]
"""Cases of a cohort, by id; both kinds of cohort have the same `image` and `mask`."""


def intensity_histograms(cases: Cases, bins: int) -> np.ndarray:
    """Share of voxels per intensity bin over [-1, 1] for each case and channel, `(n, C, bins)`; images are streamed."""
    cohort, case_ids = cases
    edges = np.linspace(-1, 1, bins + 1)
    counts = [[np.histogram(channel, edges)[0] for channel in cohort.image(case_id)] for case_id in case_ids]
    shares = np.array(counts, np.float64)
    return shares / shares.sum(axis=-1, keepdims=True)


def lesion_volumes(cases: Cases, labels: Sequence[str], voxel_ml: float) -> dict[str, np.ndarray]:
    """Volume of each label in each case `(n,)`, ml (cm2 in 2D), and of all together under `all`."""
    cohort, case_ids = cases
    counts = np.array([np.bincount(cohort.mask(i).ravel(), minlength=len(labels) + 1)[1:] for i in case_ids])
    volumes = {label: counts[:, k] * voxel_ml for k, label in enumerate(labels)}
    return {"all": counts.sum(axis=1) * voxel_ml, **volumes}


def kolmogorov_smirnov(real: np.ndarray, synthetic: np.ndarray) -> dict[str, float]:
    """Two-sample Kolmogorov-Smirnov test: the largest gap between the two distributions, and its p-value."""
    from scipy.stats import ks_2samp

    result = ks_2samp(real, synthetic)
    return {"statistic": float(result.statistic), "p": float(result.pvalue)}


def intensity_figure(
    real: np.ndarray, synthetic: np.ndarray, channels: Sequence[str], window: tuple[float, float], unit: str
) -> Figure:
    """Median histogram over cases, with the band that holds 90 % of them, for each channel.

    Args:
        real: `intensity_histograms` of the real cases `(n, C, bins)`.
        synthetic: the same of the synthetic cases.
        channels: name of each channel.
        window: intensities that -1 and 1 stand for.
        unit: unit of the window.
    """
    from matplotlib.figure import Figure

    low, high = window
    bins = real.shape[-1]
    centres = low + (high - low) * (np.arange(bins) + 0.5) / bins
    figure = Figure(figsize=(6.4, 3.2 * len(channels)), layout="constrained")
    for k, axes in enumerate(figure.subplots(len(channels), squeeze=False)[:, 0]):
        for name, shares in (("real", real[:, k]), ("synthetic", synthetic[:, k])):
            below, median, above = 100 * np.quantile(shares, [0.05, 0.5, 0.95], axis=0)
            axes.fill_between(centres, below, above, color=COLOURS[name], alpha=0.2, linewidth=0)
            axes.plot(centres, median, color=COLOURS[name], label=f"{name} (n = {len(shares)})")
        axes.set_yscale("symlog", linthresh=0.1)
        axes.set_ylim(bottom=0)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.set(xlabel=f"{channels[k]}, {unit}", ylabel="share of voxels per bin, %")
        axes.set_title("intensities: median and 90 % band over cases", fontsize="medium")
        axes.legend(frameon=False)
    return figure


def volume_figure(real: dict[str, np.ndarray], synthetic: dict[str, np.ndarray], unit: str) -> Figure:
    """Cumulative distributions of lesion volume, one panel per label; the test's p-value in the title.

    Args:
        real: `lesion_volumes` of the real cases.
        synthetic: the same of the synthetic cases.
        unit: `ml` or `cm2`.
    """
    from matplotlib.figure import Figure

    labels = [label for label in real if label != "all"]
    figure = Figure(figsize=(4.8 * len(labels), 3.6), layout="constrained")
    for label, axes in zip(labels, figure.subplots(1, len(labels), squeeze=False)[0], strict=True):
        for name, volumes in (("real", real[label]), ("synthetic", synthetic[label])):
            axes.ecdf(
                volumes, color=COLOURS[name], label=f"{name} (n = {len(volumes)}, median {np.median(volumes):.3g})"
            )
        test = kolmogorov_smirnov(real[label], synthetic[label])
        axes.set_title(f"{label}: KS distance {test['statistic']:.2f}, p = {test['p']:.2g}", fontsize="medium")
        axes.set(
            xlabel=f"{label} volume, {unit}" if unit == "ml" else f"{label} area, {unit}",
            ylabel="share of cases up to it",
        )
        axes.legend(frameon=False, loc="lower right", fontsize="small")
    return figure
