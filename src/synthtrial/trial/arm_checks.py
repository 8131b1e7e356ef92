"""Refusing arms that can't be filled, before a generator is trained for them."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence

from synthtrial.cohorts.augment_settings import AugmentSettings
from synthtrial.errors import ConfigError
from synthtrial.trial.arm import Arm
from synthtrial.trial.draw import Redraw
from synthtrial.trial.protocol import Protocol


def check_arms(
    arms: Sequence[Arm],
    *,
    protocol: Protocol,
    folds: int,
    test_fraction: float,
    augmentation: AugmentSettings | None,
    redraw: Redraw,
) -> None:
    """Refuse arms that can't be filled, before a generator is trained for them.

    Args:
        arms: the arms of a study.
        protocol: of the study.
        folds: number of folds; a fold trains on the development cases outside it.
        test_fraction: part of the cases in the test set.
        augmentation: which altered copies `prepare` makes of each development case; None for none.
        redraw: what is drawn, and how to draw more.

    Raises:
        ConfigError: for an unknown draw, or more synthetic cases or altered copies than there will be.
    """
    larger = protocol.split_per_training_case(folds, test_fraction)
    for arm in arms:
        check_copies(arm, augmentation)
        for draw, ratio in arm.synthetic.items():
            if draw not in redraw.draws:
                raise ConfigError(unknown_draw(arm, draw, redraw.draws))
            # How many cases of one class there will be is not known yet: `assemble` checks these.
            if not arm.of and ratio > redraw.per_real(draw) * larger + 1e-9:
                raise ConfigError(
                    f"arms.{arm.name} asks for {ratio:g} cases of {draw!r} per real one, but with "
                    f"per_real={redraw.per_real(draw):g} at most {redraw.per_real(draw) * larger:g} are drawn. Lower "
                    f"the arm's ratio, or draw more: {redraw.command(draw, ratio / larger)}"
                )


def check_copies(arm: Arm, augmentation: AugmentSettings | None) -> None:
    """Raise a ConfigError when an arm asks for more altered copies than `prepare.augment` makes of its real cases."""
    if not arm.augmented:
        return
    if augmentation is None:
        raise ConfigError(
            f"arms.{arm.name}.augmented asks for altered copies, but prepare.augment is null and makes none: choose "
            "prepare=ct_augmented, or give the study a prepare.augment as conf/prepare/ct_augmented.yaml has"
        )
    each = augmentation.copies * len(augmentation.kinds)
    if arm.augmented > each * arm.real + 1e-9:
        needed = math.ceil(arm.augmented / arm.real / len(augmentation.kinds) - 1e-9)
        raise ConfigError(
            f"arms.{arm.name} asks for {arm.augmented:g} altered copies per real case of a fold, but prepare.augment "
            f"makes {each} of each case ({augmentation.copies} by each of {', '.join(augmentation.kinds)}) and the arm "
            f"has {arm.real:g} of the cases: set prepare.augment.copies={needed}, lower the arm's number, or, where it "
            "belongs to the learning curve, leave out so small a share (learning_curve.shares)"
        )


def unknown_draw(arm: Arm, draw: str, known: Collection[str]) -> str:
    """What to say when an arm names a draw that there is not."""
    there_are = ", ".join(known) or "none in this study"
    return f"arms.{arm.name}.synthetic names the generator {draw!r}; there are: {there_are}"
