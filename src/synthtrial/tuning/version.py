"""The version of a sweep: a hash of all that makes results comparable."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any

from synthtrial.tuning.settings import SweepSettings

LEFT_OUT = ("runtime", "launcher", "tracking", "report", "reproduces", "depends_on")
"""Keys of params.yaml that change no result of a point."""


def version_of(sweep: SweepSettings, params: Mapping[str, Any]) -> str:
    """Eight characters that change with the space, the objectives, the stages or the settings that all points share.

    `trials`, `retries` and `storage` are not in it: more points and more tries go on with the same sweep.
    """
    content = {
        "space": sweep.space,
        "objectives": sweep.objectives,
        "sampler": sweep.sampler,
        "stages": sweep.stages,
        "objective": sweep.objective,
        "pruning": sweep.pruning,
        "place": [sweep.generator, sweep.draw, sweep.split],
        "params": {key: value for key, value in params.items() if key not in LEFT_OUT},
    }
    # The order of the space's keys is that of a grid's points.
    text = json.dumps(content, sort_keys=True, default=list) + json.dumps(list(sweep.space))
    return hashlib.sha256(text.encode()).hexdigest()[:8]
