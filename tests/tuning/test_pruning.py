"""Giving points up early: what was measured on the way is told, and settles a point that is worse than the others."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import optuna
import pytest

from synthtrial.errors import ConfigError
from synthtrial.tuning.ledger import Ledger, Taken
from synthtrial.tuning.on_the_way import PointPruned, Watch
from synthtrial.tuning.plan import parts_of
from synthtrial.tuning.pruning import PruningSettings, check_images
from synthtrial.tuning.settings import SweepSettings
from synthtrial.tuning.storage import open_storage

RULE = PruningSettings(images=[100, 200], kind="median", settings={"n_startup_trials": 1})
SWEEP: dict[str, Any] = {
    "name": "t",
    "space": {"generators.dcgan.lr_g": {"values": [1e-4]}},
    "objectives": [{"metric": "frechet/random_conv"}],
    "sampler": {"kind": "grid"},
    "generator": "dcgan",
    "pruning": {"images": [100, 200]},
}


@pytest.fixture
def ledger(tmp_path: Path) -> Ledger:
    study = optuna.create_study(storage=open_storage(f"sqlite:///{tmp_path / 'state'}"))
    return Ledger(study, {name: {} for name in "123"}, tmp_path, retries=0)


def run(ledger: Ledger, point: str, *values: float) -> Taken:
    """Take a point that measures some values on the way."""
    taken = ledger.take(point)
    assert taken is not None
    watch = Watch(ledger.study, taken.trial_id, RULE, "frechet/random_conv", taken.folder)
    for images, value in zip(RULE.images, values, strict=False):
        watch.look()
        path = taken.folder / RULE.file(images)
        path.write_text(json.dumps({"metrics": {"frechet/random_conv_n4": value}}))
    watch.look()
    return taken


def test_a_point_that_is_worse_than_the_others_is_given_up_and_settled(ledger: Ledger) -> None:
    ledger.finish(run(ledger, "1", 5.0, 4.0), [3.0])
    ledger.finish(run(ledger, "2", 4.0, 3.0), [2.0])
    with pytest.raises(PointPruned, match="given up at 100 images") as pruned:
        run(ledger, "3", 9.0)
    trial = ledger.trials()[-1]
    assert trial.intermediate_values == {100: 9.0}
    running = Taken("3", trial._trial_id, trial.number, {}, ledger.folder, None)  # type: ignore[arg-type]
    assert ledger.finish(running, [pruned.value.value], pruned=True)
    assert ledger.unsettled() == [] and ledger.failed() == {}
    assert ledger.trials()[-1].state.name == "PRUNED"


def test_every_look_is_preceded_by_the_training_up_to_it() -> None:
    sweep = SweepSettings(**SWEEP)
    params = {"splits": ["development"], "arm_names": [], "segmenter_names": [], "classify_places": {}}
    parts = parts_of(sweep, params, Path("pipelines"))
    words = [[Path(script[0]).stem + " " + " ".join(script[-2:]) for script in part.scripts] for part in parts]
    measured = [["synthesize --split development", f"fidelity --json metrics_at_{n}.json"] for n in (100, 200)]
    assert words[:4] == [["train_gan --until 100"], measured[0], ["train_gan --until 200"], measured[1]]
    assert [part.optional for part in parts] == [False, True, False, True, False]
    assert words[4][0] == "train_gan --split development" and words[4][2] == "fidelity --json metrics.json"


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"pruning": {"images": [200, 100]}}, "each above the one before"),
        ({"pruning": {"images": [100], "kind": "medan"}}, "kind"),
        ({"pruning": {"images": [100], "every": 3}}, "every"),
        (
            {"objectives": [{"metric": "a/b"}, {"metric": "c/d"}], "sampler": {"kind": "nsga2"}, "trials": 4},
            "needs one",
        ),
        ({"stages": ["train_gan", "synthesize", "fidelity", "report"]}, "pruning needs"),
    ],
)
def test_what_cannot_be_pruned_is_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        SweepSettings(**SWEEP | changed)


def test_a_number_of_images_beyond_the_training_is_refused() -> None:
    params = {"generators": {"dcgan": {"train": {"images": 200}}, "oracle": {"train": None}}}
    with pytest.raises(ConfigError, match="200 is not below"):
        check_images(RULE, "dcgan", params)
    with pytest.raises(ConfigError, match="is a control"):
        check_images(RULE, "oracle", params)


def test_settings_that_the_pruner_does_not_take_are_refused_before_any_point() -> None:
    params = {"generators": {"dcgan": {"train": {"images": 200}}}}
    with pytest.raises(ConfigError, match=r"pruning\.settings.*n_startups"):
        check_images(PruningSettings(images=[1], settings={"n_startups": 1}), "dcgan", params)
