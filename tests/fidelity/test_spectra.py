from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pytest
from scipy import ndimage

from synthtrial.errors import SynthtrialError
from synthtrial.fidelity.cases import Cases
from synthtrial.fidelity.pictures.spectra import (
    blur,
    checkerboard,
    full_spectra,
    grid_power,
    power_spectra,
    radial_frequency,
    spectrum_figure,
)

BINS = 12


@dataclass
class Images:
    """Images `(C, *spatial)` by the position that their id names."""

    images: np.ndarray
    spacing_mm: tuple[float, ...]
    labels: list[str] = field(default_factory=list)
    unit: str = "HU"

    @property
    def shape(self) -> tuple[int, ...]:
        return self.images.shape[2:]

    def window(self, case_id: str) -> tuple[float, float]:
        return -1000.0, 600.0

    def image(self, case_id: str) -> np.ndarray:
        return self.images[int(case_id)]

    def mask(self, case_id: str) -> np.ndarray:
        return np.zeros(self.shape, np.uint8)


def as_cases(images: np.ndarray, spacing_mm: tuple[float, ...] | None = None) -> Cases:
    spacing = spacing_mm or (1.0,) * (images.ndim - 2)
    return Cases(Images(images.astype(np.float32), spacing), tuple(map(str, range(len(images)))))


def textures(n: int, dims: int, seed: int) -> np.ndarray:
    """Images `(n, 1, 32, ...)` with power at all frequencies, more at low ones."""
    noise = np.random.default_rng(seed).normal(0, 1, (n, 1, *[32] * dims))
    smooth = ndimage.gaussian_filter(noise, (0, 0, *[1.5] * dims))
    return 0.5 * smooth + 0.02 * noise


def pattern(dims: int, period: int) -> np.ndarray:
    """A checkerboard `(32, ...)` that repeats after `period` voxels along every axis."""
    return np.cos(2 * np.pi / period * np.indices([32] * dims)).prod(axis=0)


@pytest.mark.parametrize("shape", [(48, 32), (20, 16, 18)])
def test_white_noise_has_the_same_power_at_all_frequencies(shape: tuple[int, ...]) -> None:
    """Its density is the variance times the size of a voxel."""
    noise = np.random.default_rng(0).normal(0, 0.3, (12, 2, *shape))
    spacing = (0.5, 2.0, 1.5)[: len(shape)]
    frequencies, power = power_spectra(as_cases(noise, spacing), BINS)
    assert power.shape == (12, len(frequencies))
    assert (np.diff(frequencies) > 0).all()
    assert power.mean(axis=0)[1:] == pytest.approx(0.09 * np.prod(spacing), rel=0.25)
    assert power.mean() == pytest.approx(0.09 * np.prod(spacing), rel=0.05)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_a_wave_peaks_at_its_frequency_in_cycles_per_mm_whatever_the_voxel(axis: int) -> None:
    spacing = (0.8, 1.0, 2.5)
    position_mm = np.indices((40, 32, 24))[axis] * spacing[axis]
    wave = np.sin(2 * np.pi * 0.15 * position_mm)[None, None]
    frequencies, power = power_spectra(as_cases(wave, spacing), 40)
    assert frequencies[power[0].argmax()] == pytest.approx(0.15, abs=0.02)


def test_opposite_edges_that_differ_are_no_fine_detail() -> None:
    ramp = np.broadcast_to(np.linspace(-1, 1, 32)[:, None], (1, 1, 32, 32))
    _, power = power_spectra(as_cases(ramp), BINS)
    assert power[0, 4:].max() < 1e-5 * power[0, 0]


def test_brightness_has_no_part_in_the_spectrum() -> None:
    images = textures(2, 2, 0)
    assert power_spectra(as_cases(images + 0.4), BINS)[1] == pytest.approx(
        power_spectra(as_cases(images), BINS)[1], rel=1e-3
    )


def test_frequencies_and_power_are_on_the_same_grid() -> None:
    images = textures(1, 3, 0)[..., :20]
    cases = as_cases(images, (1.0, 1.0, 3.0))
    length = radial_frequency((32, 32, 20), (1.0, 1.0, 3.0))
    assert length.shape == next(full_spectra(cases)).shape == (32, 32, 20)
    assert length[0, 0, 10] == pytest.approx(1 / 6) and length[16, 0, 0] == pytest.approx(1 / 2)


@pytest.mark.parametrize("dims", [2, 3])
def test_blur_falls_step_by_step_and_noise_raises_it(dims: int) -> None:
    spacing = (1.0,) * dims
    frequencies, real = power_spectra(as_cases(textures(8, dims, 0)), BINS)
    others = textures(8, dims, 1)

    def measured(images: np.ndarray) -> float:
        return blur(real, power_spectra(as_cases(images), BINS)[1], frequencies, spacing)

    assert measured(others) == pytest.approx(1, abs=0.15)
    blurred = [measured(ndimage.gaussian_filter(others, (0, 0, *[s] * dims))) for s in (0.4, 0.7, 1.0)]
    assert 0.9 > blurred[0] > blurred[1] > blurred[2]
    noise = np.random.default_rng(2).normal(0, 0.03, others.shape)
    assert measured(others + noise) > 1.5


@pytest.mark.parametrize("dims", [2, 3])
@pytest.mark.parametrize("period", [2, 4])
def test_a_planted_checkerboard_raises_the_index_step_by_step(dims: int, period: int) -> None:
    real = grid_power(as_cases(textures(8, dims, 0)))
    others = textures(8, dims, 1)
    values = [
        checkerboard(real, grid_power(as_cases(others + strength * pattern(dims, period))))
        for strength in (0, 0.01, 0.02, 0.05)
    ]
    assert values[0] == pytest.approx(1, abs=0.3)
    assert values == sorted(values) and values[-1] > 3


def test_a_checkerboard_in_the_real_images_as_well_is_none() -> None:
    marked = [grid_power(as_cases(textures(8, 2, seed) + 0.02 * pattern(2, 2))) for seed in (0, 1)]
    assert checkerboard(*marked) == pytest.approx(1, abs=0.4)


def test_waves_of_other_periods_are_no_checkerboard() -> None:
    real = grid_power(as_cases(textures(8, 2, 0)))
    wave = 0.02 * np.cos(2 * np.pi / 2.7 * np.indices((32, 32))).prod(axis=0)
    assert checkerboard(real, grid_power(as_cases(textures(8, 2, 1) + wave))) < 1.5


def test_sizes_that_4_does_not_divide_and_short_axes_have_an_index() -> None:
    rng = np.random.default_rng(0)
    plain, board = rng.normal(0, 0.1, (4, 1, 27, 30, 5)), 0.2 * (-1.0) ** np.indices((27, 30, 5))[:2].sum(axis=0)
    assert (grid_power(as_cases(plain + board)) > 2 * grid_power(as_cases(plain))).all()


def test_images_that_have_no_spectrum_are_refused() -> None:
    with pytest.raises(SynthtrialError, match="case 0 has NaN, infinite or constant"):
        power_spectra(as_cases(np.ones((1, 1, 16, 16))), BINS)
    with pytest.raises(SynthtrialError, match="case 1 has NaN"):
        grid_power(as_cases(np.stack([textures(1, 2, 0)[0], np.full((1, 32, 32), np.nan)])))
    with pytest.raises(SynthtrialError, match="8x8 voxels are too small"):
        grid_power(as_cases(textures(1, 2, 0)[..., :8, :8]))
    with pytest.raises(SynthtrialError, match="take 8 bins or more"):
        frequencies, power = power_spectra(as_cases(textures(1, 2, 0)), 2)
        blur(power, power, frequencies[:1], (1.0, 1.0))


def test_the_figure_marks_each_voxel_size_once_and_says_the_blur() -> None:
    spacing = (1.0, 1.0, 2.0)
    spectra = [power_spectra(as_cases(textures(4, 3, seed), spacing), BINS) for seed in (0, 1)]
    figure = spectrum_figure(spectra[0][0], spectra[0][1], 0.25 * spectra[1][1], spacing)
    above, beneath = figure.axes
    assert [text.get_text() for text in above.texts] == ["2 x 1 mm", "2 x 2 mm", "4 x 1 mm", "4 x 2 mm"]
    places = [text.get_position()[0] for text in above.texts]
    assert places == pytest.approx([0.5, 0.25, 0.25, 0.125])
    assert beneath.texts[0].get_text().startswith("highest octave: 0.2")
    lines = beneath.get_lines()[:2]
    assert np.asarray(lines[0].get_ydata()) == pytest.approx(1)
    assert np.median(np.asarray(lines[1].get_ydata())) == pytest.approx(0.25, rel=0.3)
