"""Read `params.yaml`: a stage sees what `dvc.yaml` tracks for it, and no more."""

from __future__ import annotations

import difflib
import hashlib
import importlib
import inspect
import json
import re
from pathlib import Path
from typing import Any

from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from synthtrial.errors import ConfigError

PIPELINE = Path("dvc.yaml")
UNTRACKED = ("runtime", "tracking", "study.name")
"""Keys that any stage may read: they can't change a result."""


def load_params(overrides: list[str] | None = None, path: Path = Path("params.yaml")) -> DictConfig:
    """Read the frozen study.

    Args:
        overrides: extra `a.b=value` words for a quick try; the keys must exist.
        path: the file that `pipelines/compose.py` wrote.

    Raises:
        ConfigError: when the file is missing or older than the conf files it came from, or a key is unknown.
    """
    if not path.is_file():
        raise ConfigError(f"no {path} here: write it with `python pipelines/compose.py study=demo`")
    check_fresh(path)
    try:
        params = OmegaConf.load(path)
        for word in overrides or []:
            key, equals, _ = word.partition("=")
            if not equals:
                raise ConfigError(f"{word!r} is not a setting; write key=value, such as study.seed=1")
            if problem := missing_key(params, key):
                raise ConfigError(problem)
        params = OmegaConf.merge(params, OmegaConf.from_dotlist(overrides or []))
    except OmegaConfBaseException as error:
        raise ConfigError(f"{path}: {' '.join(str(error).split())}") from error
    if not isinstance(params, DictConfig):
        raise ConfigError(f"{path} is not a mapping of keys to values")
    OmegaConf.set_readonly(params, True)
    return params


def suggestion(word: str, names: list[str]) -> str:
    """Return ` (did you mean ...?)` when one of the names is close to the word, else nothing."""
    close = difflib.get_close_matches(word, names, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def missing_key(params: Any, key: str) -> str | None:
    """Say where a dotted key leaves what the parameters know, and which keys there are; None when the key exists."""
    place = ""
    for part in key.split("."):
        names = [str(name) for name in params] if isinstance(params, dict | DictConfig) else []
        if part not in names:
            known = f"{place or 'the study'} has {', '.join(names) or 'no keys below it'}"
            return f"unknown key {key!r}: {known}{suggestion(part, names)}"
        params, place = params[part], f"{place}.{part}".lstrip(".")
    return None


def hash_files(files: list[Path]) -> str:
    """SHA-256 over the contents of the files, in order; a missing file counts as empty."""
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.read_bytes() if file.is_file() else b"")
        digest.update(b"\0")
    return digest.hexdigest()


def read_header(path: Path = Path("params.yaml")) -> list[str]:
    """Comment lines of params.yaml: the command that wrote it, the files it came from, their hash."""
    with path.open(encoding="utf-8") as lines:
        return [line.removeprefix("# ").rstrip("\n") for line in lines if line.startswith("#")]


def check_fresh(path: Path) -> None:
    """Raise a ConfigError when the conf files have changed since `path` was composed from them."""
    header = read_header(path)
    if len(header) < 3 or not header[1].startswith("composed from "):
        raise ConfigError(f"{path} was not written by pipelines/compose.py; compose it: `make study STUDY=name`")
    files = [path.parent / name for name in header[1].removeprefix("composed from ").split()]
    if hash_files(files) != header[2].removeprefix("sha256 "):
        raise ConfigError(f"{path} is older than conf/: write it again with `{header[0]}`")


def tracked_keys(stage: str, item: dict[str, str], pipeline: Path = PIPELINE) -> list[str]:
    """Dotted keys that `dvc.yaml` lists under `params:` for a stage, with `${item.x}` filled in."""
    keys = plain(OmegaConf.load(pipeline).stages[stage].get("params", []), resolve=False)
    return [re.sub(r"\$\{item\.(\w+)\}", lambda match: item[match[1]], key) for key in keys]


def stage_params(stage: str, overrides: list[str] | None = None, **item: str) -> DictConfig:
    """The subtrees of `params.yaml` that DVC watches for a stage, plus `runtime`, `tracking` and `study.name`.

    A stage that reads any other key fails, so that a change of a key always re-runs the stages it can change.

    Args:
        stage: the stage's name in `dvc.yaml`.
        overrides: extra `a.b=value` words.
        item: the stage's place in the matrix, such as `generator="hagan", split="development"`.

    Raises:
        ConfigError: when the study has no such generator, arm or segmenter, and as `load_params` does.
    """
    params = load_params(overrides)
    check_item(params, item)
    whole = plain(params)
    visible: dict[str, Any] = {}
    for key in (*tracked_keys(stage, item), *UNTRACKED):
        *parents, last = key.split(".")
        source, target = whole, visible
        for parent in parents:
            source, target = source[parent], target.setdefault(parent, {})
        target[last] = source[last]
    config = OmegaConf.create(visible)
    OmegaConf.set_readonly(config, True)
    OmegaConf.set_struct(config, True)
    return config


def check_item(params: DictConfig, item: dict[str, str]) -> None:
    """Raise a ConfigError when the study in params.yaml has no such generator, arm, segmenter or split."""
    lists = {"generator": "generator_names", "arm": "arm_names", "segmenter": "segmenter_names", "split": "splits"}
    for kind, name in item.items():
        names = list(params[lists[kind]])
        if name not in names:
            raise ConfigError(f"study {params.study.name!r} has no {kind} {name!r}; there are: {', '.join(names)}")


def plain(config: Any, resolve: bool = True) -> Any:
    """Plain dicts and lists of a configuration subtree."""
    return OmegaConf.to_container(config, resolve=resolve)


def build(config: dict[str, Any], **extra: Any) -> Any:
    """Build the object that a subtree names by `_target_`, with its other keys as keyword arguments.

    Raises:
        ConfigError: when the target can't be imported or doesn't take one of the keys.
    """
    settings = {key: value for key, value in config.items() if key != "_target_"} | extra
    module_name, _, name = config["_target_"].rpartition(".")
    try:
        target = getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"_target_ {config['_target_']!r} can't be imported: {error}") from error
    takes = inspect.signature(target).parameters
    unknown = [key for key in settings if key not in takes]
    if unknown and not any(parameter.kind is parameter.VAR_KEYWORD for parameter in takes.values()):
        raise ConfigError(f"{config['_target_']} has no key {unknown[0]!r}; it has {', '.join(takes)}")
    return target(**settings)


def params_hash(params: DictConfig) -> str:
    """Hash of everything in params.yaml that can change a result."""
    content = {key: value for key, value in plain(params).items() if key not in ("runtime", "tracking")}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
