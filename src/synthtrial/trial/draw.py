"""Draws: the ways in which a study draws synthetic cases from its generators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.setting_types import suggestion


def complete_draws(
    draws: Mapping[str, Any], generators: Mapping[str, Any], synthesis: Mapping[str, Any]
) -> dict[str, dict[str, Any]]:
    """Complete a study's `draws:`; every generator is one by itself, and a study may name others.

    Args:
        draws: name to `generator` and the keys of conf/synthesis that differ from what the generator's own draw has.
        generators: name to configuration, which may have a `synthesis` of its own: keys that differ from the study's.
        synthesis: the study's `synthesis`.

    Returns:
        Name to `generator` and all keys of conf/synthesis.

    Raises:
        ConfigError: for an unknown generator or key.
    """
    complete = {}
    for name, own in ({name: {} for name in generators} | dict(draws)).items():
        generator = own.get("generator", name)
        if generator not in generators:
            known = ", ".join(generators) or "none in this study"
            raise ConfigError(f"draws.{name}.generator is {generator!r}; there are: {known}")
        of_generator = generators[generator].get("synthesis") or {}
        for place, keys in ((f"draws.{name}", own), (f"generators.{generator}.synthesis", of_generator)):
            for key in keys:
                if key not in (*synthesis, "generator"):
                    raise ConfigError(f"unknown key {place}.{key}{suggestion(key, list(synthesis))}")
        complete[name] = {"generator": generator, **synthesis, **of_generator, **own}
    return complete


def draw_places(study: str, draws: Mapping[str, Any], splits: Sequence[str]) -> dict[str, dict[str, str]]:
    """Every draw of every split, as `dvc.yaml` goes through them, by the name of its stage."""
    return {
        f"{study}-{name}-{split}": {"draw": name, "generator": draw["generator"], "split": split}
        for name, draw in draws.items()
        for split in splits
    }
