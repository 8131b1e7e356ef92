from __future__ import annotations

import numpy as np
import pytest
from matplotlib.collections import PathCollection
from matplotlib.colors import to_hex, to_rgb

from synthtrial.errors import ConfigError, SynthtrialError
from synthtrial.fidelity.metrics.two_sample import two_sample_accuracy
from synthtrial.fidelity.pictures.maps import (
    METHODS,
    embed,
    map_features,
    map_figure,
    neighbours_of,
    perplexity_of,
)


def cloud(n: int, d: int, seed: int, shift: float = 0.0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal((n, d)) + shift


@pytest.mark.parametrize("method", METHODS)
def test_two_far_clouds_are_apart_and_neighbours_stay_neighbours(method: str) -> None:
    features = map_features(cloud(30, 40, 0), cloud(30, 40, 1, shift=6))
    points = embed(features, method, np.random.default_rng(0))
    assert points.shape == (60, 2) and points.dtype == np.float64
    centres = points[:30].mean(axis=0), points[30:].mean(axis=0)
    closer_to_first = np.linalg.norm(points - centres[0], axis=1) < np.linalg.norm(points - centres[1], axis=1)
    assert (closer_to_first == (np.arange(60) < 30)).mean() > 0.95


@pytest.mark.parametrize("method", METHODS)
def test_the_same_seed_gives_the_same_map(method: str) -> None:
    features = map_features(cloud(20, 10, 0), cloud(15, 10, 1))
    first, second = (embed(features, method, np.random.default_rng(3)) for _ in range(2))
    assert (first == second).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("n", [5, 8, 20])
def test_few_cases_have_a_map(method: str, n: int) -> None:
    assert np.isfinite(embed(cloud(n, 3, 0), method, np.random.default_rng(0))).all()


def test_features_of_any_scale_count_alike_and_constant_ones_do_not() -> None:
    real, synthetic = cloud(20, 4, 0), cloud(10, 4, 1)
    scales, constant = np.array([1e3, 1, 1e-3, 1]), np.full((30, 1), 5.0)
    plain = map_features(real, synthetic)
    scaled = map_features(
        np.hstack([real * scales, constant[:20]]) + 7, np.hstack([synthetic * scales, constant[:10]]) + 7
    )
    assert plain.shape == (30, 4)
    distances = [np.linalg.norm(x[:, None] - x[None], axis=2) for x in (plain, scaled)]
    assert distances[0] == pytest.approx(distances[1], abs=1e-6)


def test_at_most_50_components_keep_what_matters() -> None:
    real, synthetic = cloud(80, 100, 0), cloud(40, 100, 1)
    real[:, 0] *= 1e-3
    synthetic[:, 0] += 1  # a thousand deviations of the real ones
    kept = map_features(real, synthetic)
    assert kept.shape == (120, 50)
    assert np.ptp(kept[:, 0]) > 500


def test_few_cases_lower_the_perplexity() -> None:
    assert [perplexity_of(n) for n in (1000, 31, 16)] == [10, 10, 5]
    two = np.concatenate([cloud(40, 2, 0), cloud(40, 2, 1, shift=100)])
    assert neighbours_of(cloud(100, 2, 0)) == 15
    assert neighbours_of(two) > 40


def test_nearest_neighbours_tell_what_can_be_told() -> None:
    alike = np.mean([two_sample_accuracy(cloud(60, 5, k), cloud(60, 5, 100 + k)) for k in range(20)])
    assert alike == pytest.approx(0.5, abs=0.04)
    shifted = [two_sample_accuracy(cloud(60, 5, 0), cloud(60, 5, 1, shift=s)) for s in (0.5, 1, 2, 5)]
    assert shifted == sorted(shifted) and shifted[-1] == 1


def test_unequal_numbers_of_the_same_kind_give_a_half_as_well() -> None:
    values = [two_sample_accuracy(cloud(90, 5, k), cloud(30, 5, 100 + k)) for k in range(20)]
    assert np.mean(values) == pytest.approx(0.5, abs=0.04)


def test_copies_are_nearer_than_any_real_case() -> None:
    real = cloud(30, 5, 0)
    assert two_sample_accuracy(real, real + 1e-6) == 0


def test_what_has_no_map_and_no_accuracy_is_refused() -> None:
    with pytest.raises(ConfigError, match="'umap'; there are: tsne, spectral"):
        embed(cloud(9, 3, 0), "umap", np.random.default_rng(0))
    with pytest.raises(SynthtrialError, match="at least 5"):
        embed(cloud(4, 3, 0), "tsne", np.random.default_rng(0))
    with pytest.raises(SynthtrialError, match="at least 2"):
        two_sample_accuracy(cloud(1, 3, 0), cloud(4, 3, 0))
    with pytest.raises(SynthtrialError, match="can't be compared"):
        map_features(cloud(5, 3, 0), cloud(5, 4, 0))


def shown_colour(group: PathCollection) -> str:
    """The colour that fills a group's markers, or that of their edges where they are hollow."""
    fill, edge = np.asarray(group.get_facecolor()), np.asarray(group.get_edgecolor())
    return to_hex((fill if len(fill) else edge)[0])


@pytest.mark.parametrize(("n_sites", "n_generators"), [(1, 1), (10, 12)])
def test_sites_are_blue_generators_are_not_and_every_group_looks_different(n_sites: int, n_generators: int) -> None:
    sites, generators = [f"site{k}" for k in range(n_sites)], [f"gan{k}" for k in range(n_generators)]
    kinds = ["real"] * n_sites + ["synthetic"] * n_generators
    points = cloud(len(kinds), 2, 0)
    padded = [*sites, *[""] * n_generators], [*[""] * n_sites, *generators]
    figure = map_figure({"tsne": points, "spectral": points}, kinds, *padded, accuracies={"gan0": 0.75})
    groups = [artist for artist in figure.axes[0].collections if isinstance(artist, PathCollection)]
    labels = [str(group.get_label()) for group in groups]
    assert labels[0] == "real, site0 (n = 1)" and labels[n_sites] == "gan0 (n = 1), 1-NN 0.75"
    colours = [shown_colour(group) for group in groups]
    bluish = [np.argmax(to_rgb(colour)) == 2 for colour in colours]
    assert bluish == [True] * n_sites + [False] * n_generators
    shapes = [np.asarray(group.get_paths()[0].vertices).tobytes() for group in groups]
    looks = set(zip(colours, shapes, strict=True))
    assert len(looks) == len(kinds)


@pytest.mark.parametrize("n_sites", [2, 10])
def test_the_legend_covers_no_map(n_sites: int) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    points = cloud(n_sites + 12, 2, 0)
    kinds = ["real"] * n_sites + ["synthetic"] * 12
    names = [f"hospital {k}" for k in range(n_sites)] + [f"stylegan2_ada_{k}" for k in range(12)]
    figure = map_figure({"tsne": points, "spectral": points}, kinds, names, names)
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    box = figure.legends[0].get_window_extent(canvas.get_renderer())
    assert box.y0 >= 0 and box.x1 <= figure.bbox.x1 + 1
    assert not any(box.overlaps(axes.get_window_extent()) for axes in figure.axes)


def test_the_title_says_a_lowered_perplexity() -> None:
    points = cloud(16, 2, 0)
    figure = map_figure({"tsne": points}, ["real"] * 8 + ["synthetic"] * 8, [""] * 16, ["dcgan"] * 16)
    assert figure.axes[0].get_title() == "t-SNE, perplexity 5: lowered for 16 cases"
