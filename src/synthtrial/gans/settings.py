"""Nested settings of a family: refuse a key that nothing reads."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from typing import Any

from synthtrial.errors import ConfigError
from synthtrial.params import suggestion


def check_keys(settings: dict[str, Any], name: str, target: Callable[..., Any], also: Sequence[str] = ()) -> None:
    """Check a subtree that becomes keyword-only arguments.

    Args:
        settings: the subtree.
        name: its key.
        target: the class or function that takes it.
        also: keys that the caller reads itself.

    Raises:
        ConfigError: for an unknown key; the message says which exist.
    """
    parameters = inspect.signature(target).parameters.values()
    names = [*also, *(parameter.name for parameter in parameters if parameter.kind is parameter.KEYWORD_ONLY)]
    for key in settings:
        if key not in names:
            raise ConfigError(f"{name} has no key {key!r}; it has {', '.join(names)}{suggestion(key, names)}")
