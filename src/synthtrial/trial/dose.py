"""Dose and response: arms that differ in the amount of one draw alone."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace

from synthtrial.trial.arm import Arm


@dataclass(frozen=True)
class Doses:
    """One series of arms.

    Attributes:
        draw: whose amount differs.
        arms: synthetic cases per real training case to the name of the arm, the smallest dose first.
        beside: what else all arms have: `real cases`, the names of other draws, and how a classifier is balanced; empty
            for the draw alone.
    """

    draw: str
    arms: Mapping[float, str]
    beside: Sequence[str]


def dose_series(arms: Sequence[Arm]) -> list[Doses]:
    """Find the series among a study's arms: at least two doses above zero, everything else being equal.

    The arm without the draw is the dose 0, where there is one. An arm of several draws may belong to several series.
    """
    draws = list(dict.fromkeys(draw for arm in arms for draw in arm.synthetic))
    series = []
    for draw in draws:
        groups: dict[Hashable, dict[float, Arm]] = {}
        with_it = [arm for arm in arms if arm.synthetic.get(draw)]
        for arm in with_it:
            groups.setdefault(_all_but(arm, draw), {}).setdefault(arm.synthetic[draw], arm)
        for group in groups.values():
            if len(group) >= 2:
                first = next(iter(group.values()))
                without = [arm for arm in arms if arm not in with_it and _is_dose_zero(arm, first, draw)]
                if without:
                    group[0.0] = without[0]
                doses = {dose: group[dose].name for dose in sorted(group)}
                series.append(Doses(draw, doses, _beside(first, draw)))
    return series


def _beside(arm: Arm, draw: str) -> list[str]:
    """What an arm holds beside one draw."""
    others = [name for name, ratio in arm.synthetic.items() if name != draw and ratio]
    others += [] if arm.balance == "none" else [arm.balance.replace("_", " ")]
    return ["real cases", *others] if arm.real else others


def _is_dose_zero(arm: Arm, dosed: Arm, draw: str) -> bool:
    """Whether an arm is a dosed one without its draw; the class that numbers are of is no matter if there are none."""
    counts = [*arm.synthetic.values(), arm.duplicated, arm.augmented]
    return _all_but(arm if any(counts) else replace(arm, of=dosed.of), draw) == _all_but(dosed, draw)


def _all_but(arm: Arm, draw: str) -> Hashable:
    """What an arm is made of, but for its name and the amount of one draw."""
    others = tuple((name, ratio) for name, ratio in sorted(arm.synthetic.items()) if name != draw and ratio)
    return others, tuple(value for key, value in asdict(arm).items() if key not in ("name", "synthetic"))
