"""The ledger: points are taken once, tried again when they fail, and go on after a worker's death."""

from __future__ import annotations

from pathlib import Path

import optuna
import pytest

from synthtrial.tuning.ledger import FAILED, Ledger
from synthtrial.tuning.storage import open_storage

POINTS = {"1": {"x": 1}, "2": {"x": 2}}


@pytest.fixture(params=["sqlite:///", "journal:"])
def study(request: pytest.FixtureRequest, tmp_path: Path) -> optuna.Study:
    return optuna.create_study(storage=open_storage(f"{request.param}{tmp_path / 'state'}"))


def test_a_point_is_taken_once(study: optuna.Study, tmp_path: Path) -> None:
    one, other = (Ledger(study, POINTS, tmp_path, retries=0) for _ in range(2))
    taken = one.take("1")
    assert taken is not None and other.take("1") is None
    assert one.finish(taken, [0.5])
    taken.lock.release()
    assert other.take("1") is None and other.unsettled() == ["2"]


def test_the_point_of_a_dead_worker_here_is_taken_at_once(study: optuna.Study, tmp_path: Path) -> None:
    ledger = Ledger(study, POINTS, tmp_path, retries=0)
    taken = ledger.take("1")
    assert taken is not None
    taken.lock.release()  # as the kernel does when a process dies
    again = ledger.take("1")
    assert again is not None and again.number == taken.number + 1
    assert not ledger.finish(taken, [1.0]), "a worker that was taken for dead has no say"
    assert ledger.state(ledger._of("1")) == "running"


def test_a_silent_worker_elsewhere_is_given_time(study: optuna.Study, tmp_path: Path) -> None:
    there = Ledger(study, POINTS, tmp_path / "there", retries=0)
    here = Ledger(study, POINTS, tmp_path / "here", retries=0, silent_s=0.2)
    taken = there.take("1")
    assert taken is not None and here.take("1") is None
    study._storage.set_trial_user_attr(taken.trial_id, "beat", 1)
    assert here.take("1") is None, "its beat has changed"
    import time

    time.sleep(0.3)
    assert here.take("1") is not None


def test_a_failed_point_is_tried_again_as_often_as_said(study: optuna.Study, tmp_path: Path) -> None:
    ledger = Ledger(study, POINTS, tmp_path, retries=1)
    for _ in range(2):
        taken = ledger.take("1")
        assert taken is not None
        ledger.end(taken.trial_id, FAILED + "no memory")
        taken.lock.release()
    assert ledger.take("1") is None
    assert ledger.failed() == {"1": "no memory"} and ledger.unsettled() == ["2"]


def test_a_kill_is_no_failure(study: optuna.Study, tmp_path: Path) -> None:
    ledger = Ledger(study, POINTS, tmp_path, retries=0)
    for _ in range(3):
        taken = ledger.take("1")
        assert taken is not None
        taken.lock.release()
    assert not ledger.failed()


def test_the_later_of_two_trials_of_a_point_gives_way(study: optuna.Study, tmp_path: Path) -> None:
    """Two machines that see an open point at the same time both create a trial; the lower number runs."""
    here, there = (Ledger(study, POINTS, tmp_path / name, retries=0) for name in ("here", "there"))
    create = there._create

    def meanwhile(point: str, attempt: int) -> tuple[int, int]:
        assert here.take(point) is not None
        return create(point, attempt)

    there._create = meanwhile  # type: ignore[method-assign]
    assert there.take("1") is None
    assert [trial.state.name for trial in there._of("1")] == ["RUNNING", "FAIL"]
