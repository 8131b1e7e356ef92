"""The beat of a worker, and the news that its trial was given to another one."""

from __future__ import annotations

import threading
import time
from types import TracebackType
from typing import Any

from synthtrial.errors import SynthtrialError

BEAT_S = 10.0
"""Time between two beats, s."""


class PointLost(SynthtrialError):
    """The trial was given to another worker, because this one seemed dead."""


class Beat:
    """While the block runs, counts a number in the trial up, so that other machines see that its worker lives.

    Args:
        storage: of Optuna.
        trial_id: of the trial.
        every_s: time between two beats, s.
        give_up_s: a storage that is silent for so long counts as lost, s: others then take the worker for dead.
    """

    def __init__(self, storage: Any, trial_id: int, every_s: float = BEAT_S, give_up_s: float = 45.0) -> None:
        self.storage, self.trial_id, self.every_s, self.give_up_s = storage, trial_id, every_s, give_up_s
        self.lost = threading.Event()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._beat, daemon=True)

    def __enter__(self) -> Beat:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(timeout=5)

    def check(self) -> None:
        """Raise a PointLost when the trial was given to another worker."""
        if self.lost.is_set():
            raise PointLost("this worker was silent for so long that its point was given to another one")

    def _beat(self) -> None:
        from optuna.exceptions import UpdateFinishedTrialError

        count, answered = 0, time.monotonic()
        while not self._stop.wait(self.every_s):
            count += 1
            try:
                self.storage.set_trial_user_attr(self.trial_id, "beat", count)
                answered = time.monotonic()
            except UpdateFinishedTrialError:
                if not self._stop.is_set():
                    self.lost.set()
                return
            except Exception:  # a storage that is away for a moment: whatever its driver raises
                if time.monotonic() - answered > self.give_up_s:
                    self.lost.set()
                    return
