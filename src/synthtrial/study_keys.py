"""The keys of params.yaml that no class of ours takes: their types, and the numbers that make sense."""

from __future__ import annotations

import re
from collections.abc import Mapping
from math import inf
from typing import Any, Literal, NamedTuple

from synthtrial.errors import ConfigError
from synthtrial.secrets import holds_password
from synthtrial.setting_types import check_type

NAME = re.compile(r"\w[\w+-]*")
"""Names of studies, generators, arms, segmenters and classifiers also name files and DVC stages."""


class Key(NamedTuple):
    """What a key may hold: a type, and for numbers, and each of a list of them, the smallest and the largest value."""

    hint: Any
    low: float = -inf
    high: float = inf


KEYS = {
    "study": {"name": Key(str), "title": Key(str), "seed": Key(int, 0)},
    "synthesis": {
        "per_real": Key(float, 0),
        "threshold": Key(float, -1, 1),
        "components": Key(int | None, 1),
        "min_lesion_voxels": Key(int, 0),
        "limit_factor": Key(float, 1),
        "masks": Key(str),
        "copy_rate": Key(float | None, 1e-6, 0.5),
        "copy_limit": Key(float, 0.1, 1),
        "distance_gate": Key(dict | None),
        "snapshot": Key(int | None, 1),
    },
    "fidelity": {
        "features": Key(dict),
        "repeats": Key(int, 2),
        "batch_size": Key(int, 1),
        "pairs": Key(int, 1),
        "copy_rate": Key(float, 1e-6, 0.5),
        "copy_limit": Key(float, 0.1, 1),
        "perceptual_weights": Key(str | None),
        "amounts": Key(list[float], 1e-3),
        "bins": Key(int, 1),
        "page_cases": Key(int, 1),
    },
    "protocol": {
        "name": Key(Literal["holdout", "nested", "pooled", "site_out"]),
        "repeats": Key(int, 1),
        "reference": Key(str),
        "metric": Key(str),
        "nsd_tolerance_mm": Key(float, 0),
        "alpha": Key(float, 1e-4, 0.5),
        "positive": Key(str | None),
        "threshold": Key(Literal["half", "youden", "f1"]),
    },
    "trainer": {
        "accelerator": Key(Literal["auto", "cpu", "gpu"]),
        "devices": Key(int, 1),
        "nodes": Key(int, 1),
        "precision": Key(Literal["auto", "32-true", "bf16-mixed", "16-mixed"]),
        "channels_last": Key(bool | Literal["auto"]),
        "compile": Key(bool | Literal["auto"]),
        "fused": Key(bool | Literal["auto"]),
        "prefetch": Key(bool | Literal["auto"]),
    },
    "runtime": {
        "workers": Key(int | None, 1),
        "loader_workers": Key(int, 0),
        "threads": Key(int | None, 1),
        "fold_workers": Key(int | None, 1),
    },
    "launcher": {
        "executor": Key(Literal["none", "local", "slurm"]),
        "at_once": Key(int | None, 1),
        "cpus": Key(int, 1),
        "gpus": Key(int | None, 0),
        "memory_gb": Key(float | None, 0.1),
        "timeout_min": Key(float, 0.05),
        "warning_s": Key(int, 1),
        "requeues": Key(int, 0),
        "partition": Key(str | None),
        "account": Key(str | None),
        "qos": Key(str | None),
        "parameters": Key(dict),
        "setup": Key(list[str]),
        "logs": Key(str | None),
    },
    "tracking": {
        "enabled": Key(bool),
        "uri": Key(str | None),
        "artifacts": Key(str | None),
        "system_metrics": Key(bool),
    },
    "report": {"overlay_cases": Key(int, 0), "dpi": Key(int, 1)},
}

PARTS = {"generators": ("representation", "fits"), "segmenters": ("network", "train"), "classifiers": ()}
"""Groups that every generator, segmenter and classifier has; a generator's `train` is null where it is a control."""

LEARNED_FROM = {"classes": list[str] | None, "domains": dict | None, "start_from": str | None}
"""Keys of a generator that say what it learns from, and their types; null and missing are the same."""


def check_keys(params: Mapping[str, Any]) -> None:
    """Check the keys of a study, given whole as plain dicts and lists.

    Raises:
        ConfigError: for a group or a key that is missing, and a value of the wrong type or size.
    """
    for group in (*KEYS, "cohort", "prepare", "arms"):
        if not isinstance(params.get(group), Mapping) or not params[group]:
            raise ConfigError(f"{group}: expected a group of keys, but there is none")
    for group, keys in KEYS.items():
        for name, key in keys.items():
            if name not in params[group]:
                raise ConfigError(f"{group}.{name} is missing")
            check_key(params[group][name], key, f"{group}.{name}")
    for group, parts in PARTS.items():
        check_type(params.get(group), dict | None, group)
        for name, settings in (params.get(group) or {}).items():
            check_type(settings, dict, f"{group}.{name}")
            for part in parts:
                check_type(settings.get(part), dict, f"{group}.{name}.{part}")
    for name, draw in (params.get("draws") or {}).items():
        check_type(draw, dict, f"draws.{name}")
        check_type(draw.get("generator", name), str, f"draws.{name}.generator")
        for key in draw.keys() & KEYS["synthesis"]:
            check_key(draw[key], KEYS["synthesis"][key], f"draws.{name}.{key}")
    for name, generator in (params.get("generators") or {}).items():
        check_type(generator.get("synthesis"), dict | None, f"generators.{name}.synthesis")
        check_type(generator.get("train", ""), dict | None, f"generators.{name}.train")
        for word, hint in LEARNED_FROM.items():
            check_type(generator.get(word), hint, f"generators.{name}.{word}")
    tracking = params["tracking"]
    check_tracking(tracking)
    groups = ("arms", "segmenters", "classifiers", "generators", "draws")
    names = [name for group in groups for name in params.get(group) or {}]
    for name in map(str, [params["study"]["name"], *names]):
        if not NAME.fullmatch(name):
            raise ConfigError(f"the name {name!r} can't name a file and a key: use letters, digits and any of _ + -")


def check_tracking(tracking: Mapping[str, Any]) -> None:
    """Raise a ConfigError when MLflow's settings hold a password, or don't say where artifacts go."""
    for name in ("uri", "artifacts"):
        if holds_password(tracking[name]):
            raise ConfigError(
                f"tracking.{name} holds a password, and params.yaml is no place for one: leave it out, and set the "
                "environment variables MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD; of a database, set "
                "tracking.uri=null and give its whole URI as MLFLOW_TRACKING_URI"
            )
    uri, artifacts = tracking["uri"], tracking["artifacts"]
    if tracking["enabled"] and artifacts is None and uri and not uri.startswith(("http://", "https://")):
        raise ConfigError("tracking.artifacts is null, but only a tracking server keeps them itself: name a folder")


def check_key(value: Any, key: Key, place: str) -> None:
    """Raise a ConfigError unless a value is what its key may hold."""
    check_type(value, key.hint, place)
    numbers = value if isinstance(value, list) else [] if value is None else [value]
    if (key.low, key.high) != (-inf, inf) and not all(key.low <= number <= key.high for number in numbers):
        limits = f"at least {key.low:g}" if key.high == inf else f"from {key.low:g} to {key.high:g}"
        raise ConfigError(f"{place}: expected a number {limits}, but is {value!r}")
