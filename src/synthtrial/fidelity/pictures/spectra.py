"""Power spectra: blur lowers their end, and layers that enlarge images leave peaks in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.pictures.style import COLOURS

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

PERIODS = (2, 4)
"""Voxels after which the traces of one and of two doublings repeat."""

SMALLEST_AXIS = 16
"""Voxels; on a shorter axis the frequencies around 1/4 of the sampling are those around 1/2, too."""

MARGIN = 3
"""Frequency bins to either side of a peak that its surroundings are taken from."""


def power_spectra(cases: Cases, bins: int) -> tuple[np.ndarray, np.ndarray]:
    r"""Radially averaged power spectral density of each case, channels averaged; images are streamed.

    .. math:: P(f) = \frac{\prod_i s_i}{\sum_x w(x)^2} \langle |\mathcal{F}[w (I - \bar I)](f')|^2 \rangle_{|f'| = f}

    with the voxel size s (mm), a Hann window w along every axis, so that an image's opposite edges, which don't meet,
    don't pass as fine detail, and the mean under that window. The average is over all frequencies f' whose length, in
    cycles per mm, falls into one of `bins` bins of equal width between 0 and the longest there is, the corner of the
    highest frequencies of all axes. So voxels of any shape are compared at the same size of detail. Beyond the highest
    frequency of a coarse axis, only directions along the finer ones are left. Durall et al. 2020 (CVPR, eq. 2-3)
    average 2D spectra likewise.

    Args:
        cases: at least one.
        bins: number of bins; those that no frequency falls into are left out.

    Returns:
        Mean frequency of each bin `(b,)`, cycles per mm, and power `(n, b)`, squared image units times mm^dims.

    Raises:
        SynthtrialError: for a constant image, or values that are not finite.
    """
    length = radial_frequency(cases.source.shape, cases.source.spacing_mm).ravel()
    bin_of = np.minimum((length / length.max() * bins).astype(int), bins - 1)
    bin_of[0] = bins  # the mean, which has been removed
    counts = np.bincount(bin_of, minlength=bins + 1)[:bins]
    filled = counts > 0
    frequencies = np.bincount(bin_of, length, bins + 1)[:bins][filled] / counts[filled]
    voxel = float(np.prod(cases.source.spacing_mm))
    power = [voxel * np.bincount(bin_of, full.ravel(), bins + 1)[:bins][filled] for full in full_spectra(cases)]
    return frequencies, np.array(power) / counts[filled]


def blur(real: np.ndarray, synthetic: np.ndarray, frequencies: np.ndarray, spacing_mm: Sequence[float]) -> float:
    """How much fine detail synthetic cases have: their power in the highest octave over that of real cases.

    The octave ends at the highest frequency of the finest axis, 1 / (2 spacing). 1 is as in real cases; below it they
    are blurred; above it they have noise or patterns that real ones don't have.

    Args:
        real: `power_spectra` of real cases `(n, b)`.
        synthetic: those of synthetic cases `(m, b)`.
        frequencies: of the b bins, cycles per mm.
        spacing_mm: voxel size, mm, per axis.

    Returns:
        The ratio of the medians over cases.

    Raises:
        SynthtrialError: when the bins are too wide, so that none has its mean frequency in the octave.
    """
    highest = 1 / (2 * min(spacing_mm))
    octave = (frequencies > highest / 2) & (frequencies <= highest * (1 + 1e-9))
    if not octave.any():
        raise SynthtrialError(f"{len(frequencies)} frequencies leave none in the highest octave: take 8 bins or more")
    return float(np.median(synthetic[:, octave].mean(axis=1)) / np.median(real[:, octave].mean(axis=1)))


def grid_power(cases: Cases) -> np.ndarray:
    r"""How far the power at the frequencies of checkerboards stands out of its surroundings, `(n,)`; 1 is not at all.

    Transposed convolutions, and any layer that doubles an image, leave a pattern that repeats every 2 or 4 voxels
    (Odena et al. 2016, doi 10.23915/distill.00003; Durall et al. 2020). Such a pattern has all its power at the
    frequencies whose part along each axis is 0, 1/4 or 1/2 of the sampling, diagonals included. These are few points
    of the whole spectrum, and a radial average hides them. At each point the mean power of the point and its
    neighbours is divided by the median power of a box around it; the result is the mean of this over all points.

    Axes of fewer than 16 voxels are not looked along.

    Raises:
        SynthtrialError: for images without an axis of 16 voxels, and as `power_spectra`.
    """
    peaks, around = grid_points(cases.source.shape)
    spectra = (full.ravel() for full in full_spectra(cases))
    return np.array([(power[peaks].mean(axis=1) / np.median(power[around], axis=1)).mean() for power in spectra])


def checkerboard(real: np.ndarray, synthetic: np.ndarray) -> float:
    """How much stronger checkerboards are in synthetic cases: the ratio of the medians of `grid_power`.

    1 is as in real cases, whose own edges and scanner grids cancel out; above it the generator leaves a pattern.
    """
    return float(np.median(synthetic) / np.median(real))


def radial_frequency(shape: Sequence[int], spacing_mm: Sequence[float]) -> np.ndarray:
    """Length of the frequency at each point of a discrete Fourier transform `(*shape)`, cycles per mm."""
    squares = [np.fft.fftfreq(size, spacing) ** 2 for size, spacing in zip(shape, spacing_mm, strict=True)]
    return np.sqrt(sum(np.ix_(*squares)))  # type: ignore[arg-type]


def full_spectra(cases: Cases) -> Iterator[np.ndarray]:
    """Power `(*spatial)` of each case under a Hann window, mean removed, channels averaged."""
    from scipy import fft

    window = np.ones(())
    for size in cases.source.shape:
        window = window[..., None] * np.hanning(size + 2)[1:-1]
    window = window.astype(np.float32)
    axes = tuple(range(1, window.ndim + 1))
    for case_id, image in zip(cases.case_ids, cases.images(), strict=True):
        if not np.isfinite(image).all() or image.min() == image.max():
            raise SynthtrialError(f"image of case {case_id} has NaN, infinite or constant values: it has no spectrum")
        mean = (image * window).sum(axis=axes, keepdims=True) / window.sum()
        spectrum = fft.fftn((image - mean) * window, axes=axes)
        power = (spectrum.real**2 + spectrum.imag**2).mean(axis=0, dtype=np.float64)
        yield power / np.sum(window**2, dtype=np.float64)


def grid_points(shape: Sequence[int]) -> tuple[np.ndarray, np.ndarray]:
    """Flat indices into a transform `(*shape)`: of each checkerboard point and its neighbours, and of the box around.

    Returns:
        `(points, 3^d)` and `(points, 7^d - 3^d)`, where d counts the axes of at least 16 voxels.

    Raises:
        SynthtrialError: when there is no such axis.
    """
    long = [size >= SMALLEST_AXIS for size in shape]
    if not any(long):
        raise SynthtrialError(
            f"images of {'x'.join(map(str, shape))} voxels are too small to look for checkerboards: "
            f"at least one axis must have {SMALLEST_AXIS} voxels"
        )
    quarters = [[round(k * size / 4) for k in range(4)] if use else [0] for size, use in zip(shape, long, strict=True)]
    steps = [range(-MARGIN, MARGIN + 1) if use else [0] for use in long]
    points, offsets = np.array(list(product(*quarters))[1:]), np.array(list(product(*steps)))
    near = np.abs(offsets).max(axis=1) <= 1
    places = (points[:, None] + offsets) % np.array(shape)
    flat = np.ravel_multi_index(tuple(np.moveaxis(places, -1, 0)), tuple(shape))
    return flat[:, near], flat[:, ~near]


def spectrum_figure(
    frequencies: np.ndarray, real: np.ndarray, synthetic: np.ndarray, spacing_mm: Sequence[float]
) -> Figure:
    """Median spectrum over cases with the band that holds 90 % of them, and synthetic over real beneath.

    A ratio that falls below 1 at the right is blur; the value of `blur` stands in the lower panel. Dotted lines mark
    patterns that repeat every 2 or 4 voxels along an axis.

    Args:
        frequencies: of the b bins, cycles per mm.
        real: `power_spectra` of the real cases `(n, b)`.
        synthetic: those of the synthetic cases `(m, b)`.
        spacing_mm: voxel size, mm, per axis.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import LogLocator, NullFormatter

    figure = Figure(figsize=(6.4, 4.8), layout="constrained")
    above, beneath = figure.subplots(2, sharex=True, height_ratios=[2, 1])
    reference = np.median(real, axis=0)
    for name, power in (("real", real), ("synthetic", synthetic)):
        for axes, scale in ((above, 1), (beneath, reference)):
            low, median, high = np.quantile(power, [0.05, 0.5, 0.95], axis=0) / scale
            axes.fill_between(frequencies, low, high, color=COLOURS[name], alpha=0.2, linewidth=0)
            axes.plot(frequencies, median, color=COLOURS[name], label=f"{name} (n = {len(power)})")
            axes.set(xscale="log", yscale="log")
    dims = len(spacing_mm)
    above.set_ylabel(f"power, image units² mm{'²' if dims == 2 else '³'}")
    above.set_title("power spectrum: median and 90 % band over cases", fontsize="medium")
    above.legend(frameon=False, loc="lower left")
    beneath.set(xlabel="spatial frequency, cycles per mm", ylabel="over real median")
    beneath.set_xlim(frequencies[0], frequencies[-1])
    beneath.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    beneath.xaxis.set_major_formatter("{x:g}")
    beneath.xaxis.set_minor_formatter(NullFormatter())
    ratio = blur(real, synthetic, frequencies, spacing_mm)
    text = f"highest octave: {ratio:.2g} x real"
    beneath.text(0.01, 0.04, text, transform=beneath.transAxes, fontsize="small", va="bottom")
    _mark_periods(above, beneath, spacing_mm)
    return figure


def _mark_periods(above: Axes, beneath: Axes, spacing_mm: Sequence[float]) -> None:
    """Dotted lines at 1/2 and 1/4 of the sampling along each axis; equal voxel sizes are marked once."""
    for period, spacing in product(PERIODS, sorted({round(spacing, 3) for spacing in spacing_mm})):
        frequency = 1 / (period * spacing)
        for axes in (above, beneath):
            axes.axvline(frequency, color="0.35", linestyle=":", linewidth=1, zorder=0)
        text = f"{period} x {spacing:.3g} mm"
        place = above.get_xaxis_transform()
        above.text(frequency, 0.98, text, transform=place, rotation=90, ha="right", va="top", fontsize="x-small")
