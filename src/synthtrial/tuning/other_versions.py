"""Is somebody at work on another version of this sweep?"""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from synthtrial.errors import ConfigError
from synthtrial.secrets import masked
from synthtrial.tuning.beating import BEAT_S
from synthtrial.tuning.point_lock import PointLock, this_place
from synthtrial.tuning.storage import one_sentence

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

    from synthtrial.tuning.sweep import Sweep


def check_versions(sweep: Sweep) -> list[str]:
    """Names of the older versions of a sweep in its storage, none of which has a living worker.

    Raises:
        ConfigError: when one has.
    """
    import optuna

    from synthtrial.tuning.storage import open_storage

    storage = open_storage(sweep.url)
    with one_sentence(sweep.url):
        names = [name for name in optuna.get_all_study_names(storage) if name.startswith(sweep.family)]
        others = [name for name in names if name != sweep.family + sweep.version]
        for name in others:
            version = name.removeprefix(sweep.family)
            study = optuna.load_study(study_name=name, storage=storage)
            if living := living_trials(sweep, version, study):
                raise ConfigError(
                    f"another version of the sweep {sweep.settings.name!r} ({version}, here {sweep.version}) is run "
                    f"by {living[0].user_attrs['worker']} on {masked(sweep.url)}: wait for it or stop it, or use its "
                    "settings here; two versions are not mixed"
                )
    return others


def living_trials(sweep: Sweep, version: str, study) -> list[FrozenTrial]:
    """Running trials whose worker lives: it holds its point's lock here, or its beat changes elsewhere."""
    folder = sweep.folder / "points" / version
    running = [trial for trial in study.get_trials(deepcopy=False) if trial.state.name == "RUNNING"]
    here = [trial for trial in running if trial.user_attrs.get("place") == this_place(folder)]
    for trial in here:
        lock = PointLock(folder / trial.user_attrs["point"])
        if not lock.acquire():
            return [trial]
        lock.release()
    elsewhere = {trial.number: trial for trial in running if trial not in here}
    heard = time.monotonic()
    while elsewhere and time.monotonic() - heard < 1.5 * BEAT_S:
        time.sleep(1)
        for trial in study.get_trials(deepcopy=False):
            known = elsewhere.get(trial.number)
            if known is not None and known.user_attrs.get("beat") != trial.user_attrs.get("beat"):
                return [trial]
    return []
