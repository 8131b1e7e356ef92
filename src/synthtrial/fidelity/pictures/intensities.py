"""Intensities, real against synthetic."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.pictures.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def intensity_histograms(cases: Cases, bins: int) -> np.ndarray:
    """Share of voxels per intensity bin over [-1, 1] for each case and channel, `(n, C, bins)`; images are streamed."""
    edges = np.linspace(-1, 1, bins + 1)
    counts = [[np.histogram(channel, edges)[0] for channel in image] for image in cases.images()]
    shares = np.array(counts, np.float64)
    return shares / shares.sum(axis=-1, keepdims=True)


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
