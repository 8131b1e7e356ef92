"""Points of a sampler."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import optuna

from synthtrial.tuning.sampling import choose
from synthtrial.tuning.settings import SamplerSettings
from synthtrial.tuning.space import Axis
from synthtrial.tuning.storage import open_storage

AXES = {"a": Axis(low=0.0, high=1.0), "b": Axis(low=0.0, high=1.0)}


def test_first_points_lie_apart_and_follow_from_the_seed_alone(tmp_path: Path) -> None:
    """Each worker builds a sampler for its point alone; together their points must be as good as those of one."""

    def points(name: str, seed: int) -> np.ndarray:
        study = optuna.create_study(storage=open_storage(f"sqlite:///{tmp_path / name}"))
        settings = SamplerSettings(kind="random", seed=seed)
        slots = range(24)
        found = [choose(study, study.ask()._trial_id, slot, AXES, None, settings) for slot in slots]
        return np.array([[point["a"], point["b"]] for point in found])

    one = points("one", 1)
    assert np.array_equal(one, points("again", 1)) and not np.array_equal(one, points("other", 2))
    for few in (one[i : i + 3] for i in range(22)):
        assert np.ptp(few, axis=0).max() > 0.05, "points that follow each other are alike"
