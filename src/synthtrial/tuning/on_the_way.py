"""Give up on points early: a point is measured on the way, and stopped where others did better."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from synthtrial.errors import SynthtrialError
from synthtrial.tuning.aims import value_of
from synthtrial.tuning.execution import read_json
from synthtrial.tuning.pruning import PruningSettings

if TYPE_CHECKING:
    from optuna import Study


class PointPruned(SynthtrialError):
    """A point was given up, for what it has measured on the way.

    Attributes:
        value: of the objective, then.
    """

    def __init__(self, reason: str, value: float) -> None:
        super().__init__(reason)
        self.value = value


class Watch:
    """Tells a trial's storage what was measured on the way, and asks the pruner each time.

    Args:
        study: of Optuna.
        trial_id: of the trial.
        pruning: when and by whom.
        metric: the objective.
        folder: of the point.
    """

    def __init__(self, study: Study, trial_id: int, pruning: PruningSettings, metric: str, folder: Path) -> None:
        self.study, self.trial_id, self.pruning = study, trial_id, pruning
        self.metric, self.folder = metric, folder
        self.pruner = pruning.build()
        self.told: set[int] = set()

    def look(self) -> None:
        """Take up what has been measured since the last look.

        Raises:
            PointPruned: when the point is to be given up.
        """
        storage = self.study._storage
        for images in self.pruning.images:
            path = self.folder / self.pruning.file(images)
            if images in self.told or not path.is_file():
                continue
            value = value_of(self.metric, read_json(path)["metrics"])
            storage.set_trial_intermediate_value(self.trial_id, images, value)
            self.told.add(images)
            if self.pruner.prune(self.study, storage.get_trial(self.trial_id)):
                raise PointPruned(f"given up at {images} images, {self.metric} {value:.6g}", value)
