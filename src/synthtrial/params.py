"""Read `params.yaml`: a stage sees what `dvc.yaml` tracks for it, and no more."""

from __future__ import annotations

import hashlib
import importlib
import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import yaml
from omegaconf import DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from synthtrial.errors import ConfigError
from synthtrial.setting_types import check_arguments, suggestion
from synthtrial.study_keys import check_keys

T = TypeVar("T")

PIPELINE = Path("dvc.yaml")
UNTRACKED = ("runtime", "tracking", "study.name")
"""Keys that any stage may read: they can't change a result."""


def load_params(
    overrides: list[str] | None = None, path: Path = Path("params.yaml"), launcher: dict[str, Any] | None = None
) -> DictConfig:
    """Read the frozen study.

    Args:
        overrides: extra `a.b=value` words for a quick try; the keys must exist.
        path: the file that `pipelines/compose.py` wrote.
        launcher: a `conf/launcher` file's content to put in the place of the study's own.

    Raises:
        ConfigError: when the file is missing, broken or older than the conf files it came from, a key is unknown, or a
            value can't be.
    """
    if not path.is_file():
        raise ConfigError(f"no {path} here: write it with `python pipelines/compose.py study=demo`")
    check_fresh(path)
    try:
        params = OmegaConf.load(path)
        OmegaConf.resolve(params)
    except (OmegaConfBaseException, yaml.YAMLError, UnicodeDecodeError) as error:
        problem = " ".join(str(error).split())
        raise ConfigError(f"{path} can't be read; write it again with `{read_header(path)[0]}`: {problem}") from error
    if not isinstance(params, DictConfig):
        raise ConfigError(f"{path} is not a mapping of keys to values")
    if launcher:
        params.launcher = launcher
    params = with_words(params, overrides or [])
    check_keys(plain(params))
    OmegaConf.set_readonly(params, True)
    return params


def with_words(config: Any, words: list[str], name: str = "the study") -> Any:
    """Set `a.b=value` words on top of a configuration called `name`.

    Raises:
        ConfigError: for a word without `=`, a key that does not exist, or a value that can't stand there.
    """
    for word in words:
        key, equals, _ = word.partition("=")
        if not equals:
            raise ConfigError(f"{word!r} is not a setting; write key=value, such as study.seed=1")
        if problem := missing_key(config, key, name):
            raise ConfigError(problem)
        try:
            changed = OmegaConf.merge(config, OmegaConf.from_dotlist([word]))
            old, new = OmegaConf.select(config, key), OmegaConf.select(changed, key)
        except (OmegaConfBaseException, yaml.YAMLError) as error:
            raise ConfigError(f"{word!r} can't be read as YAML: {' '.join(str(error).split())}") from error
        if isinstance(old, DictConfig) and not isinstance(new, DictConfig | None):
            raise ConfigError(f"{word!r}: {key} is a group of keys ({', '.join(map(str, old))}); set one of them")
        config = changed
    return config


def missing_key(params: Any, key: str, name: str = "the study") -> str | None:
    """Say where a dotted key leaves what the parameters know, and which keys there are; None when the key exists."""
    place = ""
    for part in key.split("."):
        names = [str(name) for name in params] if isinstance(params, dict | DictConfig) else []
        if part not in names:
            known = f"{place or name} has {', '.join(names) or 'no keys below it'}"
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
    with path.open(encoding="utf-8", errors="replace") as lines:
        return [line.removeprefix("# ").rstrip("\n") for line in lines if line.startswith("#")]


def composed_with(path: Path = Path("params.yaml")) -> list[str]:
    """The words that `pipelines/compose.py` was given when it wrote params.yaml, such as `study=demo`."""
    return shlex.split(read_header(path)[0])[2:]


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
    entry = OmegaConf.load(pipeline).stages[stage]
    keys = plain(entry.get("do", entry).get("params", []), resolve=False)
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
        if problem := missing_key(whole, key):
            raise ConfigError(f"{problem}. Compose params.yaml again: `{read_header()[0]}`")
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
    lists = {"split": "splits"}
    for kind, name in item.items():
        names = list(params[lists.get(kind, f"{kind}_names")])
        if name not in names:
            raise ConfigError(f"study {params.study.name!r} has no {kind} {name!r}; there are: {', '.join(names)}")


def plain(config: Any, resolve: bool = True) -> Any:
    """Plain dicts and lists of a configuration subtree."""
    return OmegaConf.to_container(config, resolve=resolve)


def build(config: dict[str, Any], **extra: Any) -> Any:
    """Build the object that a subtree names by `_target_`, with its other keys as keyword arguments.

    Raises:
        ConfigError: when the target can't be imported, lacks one of the keys, or takes other types.
    """
    settings = {key: value for key, value in config.items() if key != "_target_"} | extra
    target = target_of(config)
    return construct(target, settings, target.__name__)


def target_of(config: dict[str, Any]) -> Callable[..., Any]:
    """The class or function that a subtree names by `_target_`.

    Raises:
        ConfigError: when there is no such key, or it can't be imported.
    """
    if "." not in str(config.get("_target_")):
        raise ConfigError(f"the keys {', '.join(config)} lack `_target_`, which names the class that takes them")
    module_name, _, name = config["_target_"].rpartition(".")
    try:
        return getattr(importlib.import_module(module_name), name)
    except (ImportError, AttributeError) as error:
        raise ConfigError(f"_target_ {config['_target_']!r} can't be imported: {error}") from error


def construct(target: Callable[..., T], settings: Any, place: str) -> T:
    """Call a class with settings as keyword arguments, once they are known to fit; `place` is where they stand.

    Raises:
        ConfigError: for an unknown or a missing key, or a value of the wrong type.
    """
    check_arguments(target, settings, place)
    return target(**settings)


def params_hash(params: DictConfig) -> str:
    """Hash of everything in params.yaml that can change a result."""
    content = {key: value for key, value in plain(params).items() if key not in ("runtime", "launcher", "tracking")}
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]
