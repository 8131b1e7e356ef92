"""Names of the metrics that the fidelity stage gives, known before it runs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from synthtrial.errors import ConfigError
from synthtrial.setting_types import suggestion

if TYPE_CHECKING:
    from synthtrial.fidelity.scale import SetMetric

DIVERSITY = "ms_ssim/pixels"
"""The one metric of images themselves among them."""


def bare(name: str) -> str:
    """A metric's name without the `_n<count>` of the cases that it compares."""
    return re.sub(r"_n\d+(?=$|/)", "", name)


def metric_names(features: Mapping[str, Any]) -> list[str]:
    """Names, without counts, of the metrics of `fidelity.features`, and of diversity."""
    from synthtrial.fidelity.scale import SET_METRICS, SUFFIX

    names = [
        f"{metric.name}{suffix}/{extractor}"
        for extractor, settings in features.items()
        if settings is not None
        for metric in SET_METRICS
        for suffix in SUFFIX.values()
    ]
    return [*names, DIVERSITY]


@dataclass(frozen=True)
class Wanted:
    """A few metrics, and what it takes to measure them.

    Attributes:
        names: of the metrics, without counts.
        features: settings of the extractors that they need.
        metrics: that compare sets of features.
        views: of the cases that they compare: image, mask, pair.
    """

    names: tuple[str, ...]
    features: dict[str, Any]
    metrics: tuple[SetMetric, ...]
    views: tuple[str, ...]


def wanted(names: Iterable[str], features: Mapping[str, Any]) -> Wanted:
    """Sort out what a few metrics need.

    Args:
        names: of the metrics, with or without counts.
        features: `fidelity.features` of params.yaml.

    Raises:
        ConfigError: for an unknown one; the message says which there are.
    """
    from synthtrial.fidelity.scale import SET_METRICS, SUFFIX

    wanted_names = tuple(bare(name) for name in names)
    check_names(wanted_names, metric_names(features), "--metrics", "fidelity")
    of_features = [name.split("/") for name in wanted_names if name != DIVERSITY]
    extractors = {extractor for _, extractor in of_features}
    firsts = {first for first, _ in of_features}
    found = [(one, view) for one in SET_METRICS for view, suffix in SUFFIX.items() if one.name + suffix in firsts]
    return Wanted(
        names=wanted_names,
        features={name: settings for name, settings in features.items() if name in extractors},
        metrics=tuple(dict.fromkeys(one for one, _ in found)),
        views=tuple(dict.fromkeys(view for _, view in found)),
    )


def check_names(names: Iterable[str], known: Sequence[str], place: str, giver: str) -> None:
    """Raise a ConfigError for a name that is not known; it says what `giver` gives."""
    for name in names:
        if bare(name) not in known:
            raise ConfigError(
                f"{place}: unknown metric {name!r}{suggestion(bare(name), list(known))}; {giver} gives "
                f"{in_short(known) or 'none'}"
            )


def in_short(names: Sequence[str]) -> str:
    """Names of metrics, those that are made of the same first words and the same ends said at once."""
    firsts: dict[str, list[str]] = {}
    for name in names:
        first, _, end = name.partition("/")
        firsts.setdefault(f"/{end}", []).append(first)
    ends: dict[str, list[str]] = {}
    for end, words in firsts.items():
        ends.setdefault(", ".join(words), []).append(end)
    return "; ".join(f"{words}, each with {' or '.join(places)}" for words, places in ends.items())
