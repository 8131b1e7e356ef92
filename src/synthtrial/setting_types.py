"""Is a setting what the code that takes it expects? The type hints of a signature are its schema."""

from __future__ import annotations

import difflib
import inspect
import math
import types
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal, Union, get_args, get_origin

from synthtrial.errors import ConfigError

UNIONS = (Union, types.UnionType)
LISTS = (list, tuple, Sequence)
GROUPS = (dict, Mapping)
WORDS = {int: "a whole number", float: "a number", str: "text", bool: "true or false", type(None): "null"}


def check_arguments(target: Callable[..., Any], settings: Any, place: str) -> None:
    """Check keyword arguments against the signature of the class or function that takes them.

    Types are checked for our own classes only: those of other packages often take more than their hints tell.

    Args:
        target: the class or function.
        settings: its keyword arguments.
        place: where the user finds them, such as `prepare`; for the message.

    Raises:
        ConfigError: for an unknown key, a missing one, or a value of the wrong type.
    """
    check_type(settings, dict, place)
    ours = target.__module__.startswith("synthtrial.")
    signature = inspect.signature(target, eval_str=ours).parameters
    parameters = {name: p for name, p in signature.items() if p.kind not in (p.VAR_POSITIONAL, p.VAR_KEYWORD)}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in signature.values())
    for key in settings:
        if key not in parameters and not takes_any:
            names = list(parameters)
            raise ConfigError(f"{place} has no key {key!r}; it has {', '.join(names)}{suggestion(key, names)}")
    for name, parameter in parameters.items():
        if name in settings:
            check_type(settings[name], parameter.annotation if ours else Any, f"{place}.{name}")
        elif parameter.default is parameter.empty:
            raise ConfigError(f"{place}.{name} is missing")


def check_type(value: Any, hint: Any, key: str) -> None:
    """Raise a ConfigError unless a value is of the type that a hint tells."""
    if not fits(value, hint):
        raise ConfigError(f"{key}: expected {in_words(hint)}, but is {'null' if value is None else repr(value)}")


def suggestion(word: str, names: list[str]) -> str:
    """Return ` (did you mean ...?)` when one of the names is close to the word, else nothing."""
    close = difflib.get_close_matches(word, names, n=1)
    return f" (did you mean {close[0]!r}?)" if close else ""


def fits(value: Any, hint: Any) -> bool:
    """Whether a value read from YAML is of the type that a hint tells.

    A whole number is a number, too. NaN and infinity are none, and neither are `true` and `false`.
    """
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if kind in (Any, inspect.Parameter.empty):
        return True
    if kind in UNIONS:
        return any(fits(value, option) for option in inner)
    if kind is Literal:
        return value in inner
    if kind in (int, float):
        return isinstance(value, int | kind) and not isinstance(value, bool) and math.isfinite(value)
    if kind in LISTS:
        return isinstance(value, list | tuple) and all(fits(item, (*inner, Any)[0]) for item in value)
    if kind in GROUPS:
        of_key, of_value = inner or (Any, Any)
        return isinstance(value, Mapping) and all(fits(k, of_key) and fits(v, of_value) for k, v in value.items())
    return isinstance(value, kind)


def in_words(hint: Any) -> str:
    """A type hint for people, such as `a list (a whole number each) or null`."""
    kind, inner = get_origin(hint) or hint, get_args(hint)
    if kind in UNIONS:
        return " or ".join(in_words(option) for option in inner)
    if kind is Literal:
        return f"one of {', '.join(map(str, inner))}"
    if kind in LISTS:
        return f"a list ({in_words(inner[0])} each)" if inner else "a list"
    if kind in GROUPS:
        return f"a group of keys ({in_words(inner[1])} each)" if inner else "a group of keys"
    return WORDS.get(kind, str(hint))
