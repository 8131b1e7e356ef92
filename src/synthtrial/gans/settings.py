"""Nested settings of a family: refuse a key that nothing reads, and a value of the wrong type."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.setting_types import check_type, suggestion

SIZES = ("image_channels", "latent", "width", "max_channels", "kernel")
"""Keys that count something there must be at least one of, wherever in a generator's configuration."""


def check_sizes(settings: dict[str, Any]) -> None:
    """Raise a ConfigError for a size below 1 in a generator's configuration or its subtrees."""
    for key, value in settings.items():
        if isinstance(value, dict):
            check_sizes(value)
        elif key in SIZES and isinstance(value, int) and value < 1:
            raise ConfigError(f"{key}={value} must be at least 1")


def check_keys(
    settings: dict[str, Any], name: str, target: Callable[..., Any], also: Mapping[str, Any] = MappingProxyType({})
) -> None:
    """Check a subtree that becomes keyword-only arguments.

    Args:
        settings: the subtree.
        name: its key.
        target: the class or function that takes it.
        also: keys that the caller reads itself, and their types.

    Raises:
        ConfigError: for an unknown key, and the message says which exist; or for a value of the wrong type.
    """
    signature = inspect.signature(target, eval_str=True).parameters.values()
    hints = {**also, **{p.name: p.annotation for p in signature if p.kind is p.KEYWORD_ONLY}}
    for key, value in settings.items():
        if key not in hints:
            raise ConfigError(f"{name} has no key {key!r}; it has {', '.join(hints)}{suggestion(key, list(hints))}")
        if value is not None:
            check_type(value, hints[key], f"{name}.{key}")
