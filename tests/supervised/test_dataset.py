"""The stream of training cases."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import numpy as np
import torch
from torch.utils.data import DataLoader

from synthtrial.supervised.case import TrainingCase
from synthtrial.supervised.dataset import CaseDataset, InOrder, ShuffledDraws


def test_every_case_is_drawn_equally_often_whatever_the_number_of_draws():
    draws = list(ShuffledDraws(7, 25, seed=3))
    assert [draw for draw, _ in draws] == list(range(25))
    assert set(Counter(index for _, index in draws).values()) == {3, 4}
    first, second = [index for _, index in draws[:7]], [index for _, index in draws[7:14]]
    assert sorted(first) == sorted(second) == list(range(7)) and first != second
    assert draws == list(ShuffledDraws(7, 25, seed=3)) != list(ShuffledDraws(7, 25, seed=4))


def test_few_draws_of_many_cases_are_distinct():
    assert len({index for _, index in ShuffledDraws(100, 30, seed=0)}) == 30


def test_what_is_read_is_what_is_learned_from(tmp_path: Path):
    np.save(tmp_path / "a.npy", np.arange(4, dtype=np.float32).reshape(1, 2, 2))
    mapped = np.load(tmp_path / "a.npy", mmap_mode="r")
    case = TrainingCase("a", "real", lambda: {"image": mapped, "label": np.array(1)})
    sample = CaseDataset([case])[0, 0]
    sample["image"] += 1  # a map of the file can't be written to
    assert mapped.max() == 3 and sample["image"].max() == 4
    (batch,) = DataLoader(CaseDataset([case, case]), 2, sampler=InOrder(2))
    assert batch["image"].shape == (2, 1, 2, 2) and torch.equal(batch["label"], torch.tensor([1, 1]))
