"""The loss history and its watch for values that are not finite."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
import torch

from synthtrial.errors import TrainingError
from synthtrial.gans.history import LossHistory


def test_a_row_holds_the_means_of_its_interval() -> None:
    history = LossHistory()
    for value in (1.0, 3.0):
        history.add("generator/adversarial", torch.tensor(value))
    assert history.close_row(16) == {"images": 16, "generator/adversarial": 2.0}
    assert history.close_row(32) == {"images": 32}


def test_a_term_that_is_not_finite_is_named_with_the_images() -> None:
    history = LossHistory()
    history.add("discriminator/real", torch.tensor(1.0))
    history.close_row(16)
    history.add("discriminator/real", torch.tensor(float("nan")))
    history.add("generator/adversarial", torch.tensor(1.0))
    with pytest.raises(TrainingError, match="discriminator/real became nan between 16 and 32 images"):
        history.close_row(32)


def test_the_average_is_that_of_all_steps_while_they_are_few_and_forgets_later() -> None:
    """`a <- 0.999 a + 0.001 v`, corrected for its start at zero."""
    history = LossHistory()
    for value in (1.0, 3.0):
        history.add("a", torch.tensor(value))
        history.close_row(1)
    assert history.smooth[0]["a"] == pytest.approx(1.0, abs=1e-5)
    assert history.smooth[1]["a"] == pytest.approx((0.999 * 1 + 3) / 1.999, abs=1e-4)
    for _ in range(5000):
        history.add("a", torch.tensor(7.0))
    history.close_row(2)
    assert history.smooth[-1]["a"] == pytest.approx(7.0, abs=0.05)


def test_the_summary_spans_all_steps_and_not_just_the_rows() -> None:
    history = LossHistory()
    for value in (4.0, -2.0):
        history.add("a", torch.tensor(value))
    history.close_row(1)
    (row,) = history.summary()
    assert (row["term"], row["min"], row["max"], row["mean"]) == ("a", -2.0, 4.0, 1.0)


def test_going_on_from_a_checkpoint_changes_nothing() -> None:
    whole, resumed = LossHistory(), LossHistory()
    for value in (1.0, 5.0):
        whole.add("a", torch.tensor(value))
    whole.close_row(8)
    resumed.load_state_dict(copy.deepcopy(whole.state_dict()))
    for history in (whole, resumed):
        history.add("a", torch.tensor(2.0))
        history.close_row(16)
    assert resumed.summary() == whole.summary()
    assert resumed.smooth == whole.smooth


def test_the_tables_have_a_column_per_term_and_leave_out_what_was_not_measured(tmp_path: Path) -> None:
    history = LossHistory()
    history.add("a", torch.tensor(0.5))
    history.close_row(8)
    history.add("a", torch.tensor(0.25))
    history.add("b", torch.tensor(2.0))
    history.close_row(16)
    history.write(tmp_path)
    assert (tmp_path / "losses.csv").read_text() == "images,a,b\n8,0.5,\n16,0.25,2\n"
    assert (tmp_path / "losses_smooth.csv").read_text().startswith("images,a,b\n8,0.5,\n16,0.374")
    assert (tmp_path / "losses_summary.csv").read_text().startswith("term,min,max,mean,average\na,0.25,0.5,0.375,")
