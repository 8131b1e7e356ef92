"""Predictions over images: which cases, which colours, which part of the image."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from report.finished_study import ARMS, PROVENANCE, SEGMENTER, study_params, write_finished_study
from synthtrial.report.figure_style import new_figure
from synthtrial.report.overlay import (
    AGREEMENT,
    BRIGHTEST,
    FALSE,
    LABEL_BASE,
    MISSED,
    WRONG_LABEL,
    agreement,
    draw_overlay,
    round_length,
    window_around,
)
from synthtrial.report.reading import read_results
from synthtrial.report.sections.predictions import overlays, shorten, spread


def test_overlays_go_in_even_steps_from_best_to_worst() -> None:
    scores = pd.DataFrame({"case_id": list("abcdefg"), "dice": [0.1, 0.9, 0.5, np.nan, 0.6, 0.3, 0.2]})
    chosen = spread(scores, 3)
    assert chosen["rank"].tolist() == ["best", "median", "worst"]
    assert chosen["dice"].tolist() == [0.9, 0.5, 0.1]
    assert len(spread(scores, 50)) == 6
    assert spread(scores, 1)["rank"].tolist() == ["best"]


def test_agreement_is_coloured_by_what_happened_to_each_voxel() -> None:
    reference, prediction = np.array([[0, 1, 1, 0, 1]]), np.array([[0, 1, 0, 2, 2]])
    colours = agreement((reference + LABEL_BASE * prediction).astype(np.uint16))[0, :, :3]
    expected = [AGREEMENT, MISSED, FALSE, WRONG_LABEL]
    assert colours[1:].tolist() == [list(to_rgba(colour)[:3]) for colour in expected]
    assert not colours[0].any()


def test_missed_voxels_stand_out_of_the_brightest_tissue() -> None:
    _, grid = new_figure(height=2)
    lesion = np.zeros((10, 10), np.uint8)
    lesion[4:6, 4:6] = 1
    draw_overlay(grid[0, 0], np.ones((1, 10, 10)), lesion, 0 * lesion, [1.0, 1.0])
    tissue, marks = (np.asarray(layer.get_array()) for layer in grid[0, 0].images)
    alpha = marks[4, 4, 3]
    assert tissue.max() == BRIGHTEST
    assert (1 - alpha) * tissue[4, 4, 0] + alpha * marks[4, 4, 0] > 1.4 * BRIGHTEST


@pytest.mark.parametrize("aspect", [1.0, 2.5])
def test_the_window_is_a_square_that_holds_all_marks(aspect: float) -> None:
    marked = np.zeros((40, 60), bool)
    marked[3:9, 50:58] = True
    window = window_around(marked, aspect)
    assert window.right - window.left == pytest.approx((window.bottom - window.top) * aspect)
    assert window.left <= 49.5
    assert window.right >= 57.5
    assert window.top <= 2.5
    assert window.bottom >= 8.5


def test_the_window_stays_inside_where_there_is_room_and_shows_all_where_nothing_is_marked() -> None:
    marked = np.zeros((40, 40), bool)
    marked[0, 0] = True
    corner = window_around(marked, 1.0)
    assert (corner.left, corner.top) == (-0.5, -0.5)
    assert corner.right - corner.left < 40
    assert window_around(np.zeros((40, 40), bool), 1.0) == (-0.5, 39.5, -0.5, 39.5)


@pytest.mark.parametrize(("length", "expected"), [(0.7, 0.5), (1, 1), (19.9, 10), (20, 20), (430, 200)])
def test_scale_bars_have_round_lengths(length: float, expected: float) -> None:
    assert round_length(length) == pytest.approx(expected)


def test_long_ids_keep_both_ends() -> None:
    assert shorten("LIDC-IDRI-0286_nodule-0_slice-1", 15) == "LIDC-ID\N{HORIZONTAL ELLIPSIS}slice-1"
    assert shorten("short", 15) == "short"


@pytest.mark.parametrize(("shape", "labels"), [((16, 16, 8), ("lesion",)), ((20, 16), ("a", "b"))])
def test_every_arm_shows_its_cases_with_id_and_dice(tmp_path: Path, shape: tuple[int, ...], labels: tuple) -> None:
    folder = write_finished_study(tmp_path / "made_up", shape, labels)
    results = read_results(folder, study_params(), PROVENANCE)
    figure = overlays(results, SEGMENTER)
    for arm, row in zip(ARMS, np.reshape(figure.axes, (len(ARMS), 3)), strict=True):
        cases = spread(results.ensemble(SEGMENTER, arm), 3)
        assert row[0].get_ylabel() == arm
        for axes, case in zip(row, cases.itertuples(), strict=True):
            assert axes.get_title(loc="left") == f"{case.rank}, Dice {case.dice:.3f}"
            assert case.case_id in [text.get_text() for text in axes.texts]
    kinds = [text.get_text() for text in figure.legends[0].get_texts()]
    assert kinds == ["agreement", "missed", "false", *(["wrong label"] if len(labels) > 1 else [])]
