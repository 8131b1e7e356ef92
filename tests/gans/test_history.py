"""The loss history and its watch for values that are not finite."""

from __future__ import annotations

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


def test_the_table_has_a_column_per_term_and_leaves_out_what_was_not_measured(tmp_path: Path) -> None:
    history = LossHistory()
    history.add("a", torch.tensor(0.5))
    history.close_row(8)
    history.add("a", torch.tensor(0.25))
    history.add("b", torch.tensor(2.0))
    history.close_row(16)
    history.write(tmp_path / "losses.csv")
    assert (tmp_path / "losses.csv").read_text() == "images,a,b\n8,0.5,\n16,0.25,2\n"
