"""Refuse a two-class study whose classifiers, arms and generators don't fit each other, before anything runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from synthtrial.errors import ConfigError

if TYPE_CHECKING:
    from synthtrial.cohorts.case import Reader
    from synthtrial.trial.arm import Arm


def check_class_study(params: Mapping[str, Any], arms: Sequence[Arm], reader: Reader) -> None:
    """Check all that only a study of classifiers has.

    Args:
        params: of the study.
        arms: its arms.
        reader: of its cohort.

    Raises:
        ConfigError: for the first thing that can't be, as the functions below do.
    """
    from synthtrial.trial.classifying.thresholds import check_rule
    from synthtrial.trial.protocol import protocol_of

    protocol = params["protocol"]
    if not protocol["positive"]:
        raise ConfigError("protocol.positive is null: name the class that counts as positive, such as malignant")
    check_rule(protocol["threshold"], protocol_of(protocol["name"]))
    check_classifiers(params, arms, reader)
    check_draws_have_classes(params, arms)
    check_two_names(params, arms)
    for arm in arms:
        check_classes_of_arm(arm, classes_made(params, arm))


def check_classifiers(params: Mapping[str, Any], arms: Sequence[Arm], reader: Reader) -> None:
    """Check how classifiers are trained, and that the reference and the cohort suit them."""
    from synthtrial.classification.checking import check_classifier
    from synthtrial.classification.settings import can_take, read_classifier

    reference = next((arm for arm in arms if arm.name == params["protocol"]["reference"]), None)
    for name, settings in params["classifiers"].items():
        place = f"classifiers.{name}"
        check_classifier(
            settings,
            place,
            spatial_dims=reader.spatial_dims,
            channels=reader.channels,
            shape=tuple(params["prepare"]["shape"]),
        )
        if reference and (why := can_take(settings, balance=reference.balance, pretrain=reference.pretrain)):
            raise ConfigError(f"{place} can't be trained on the reference arm {reference.name}: {why}")
        if settings.get("features") == "lesion_size":
            everywhere = read_classifier(settings, place).arms == "all"
            check_lesions(place, arms if everywhere else [arm for arm in arms if arm is reference], reader)


def check_lesions(place: str, arms: Sequence[Arm], reader: Reader) -> None:
    """Refuse a classifier of lesion sizes where a case has none.

    Args:
        place: of the classifier.
        arms: those that it is trained on.
        reader: of the cohort.
    """
    if not reader.labels:
        raise ConfigError(
            f"{place}.features is lesion_size, but the cohort {reader.name} has no masks to take a size from: leave "
            f"{place} out; brightness_only is a baseline that needs none"
        )
    if made := [arm.name for arm in arms if any(arm.synthetic.values()) or arm.augmented]:
        raise ConfigError(
            f"{place}.features is lesion_size, which real cases alone have, and {place} is trained on the arm "
            f"{made[0]}, which has others: set {place}.arms to reference, and let the reference arm have real cases"
        )


def check_draws_have_classes(params: Mapping[str, Any], arms: Sequence[Arm]) -> None:
    """Refuse an arm with cases of which nobody will know the class."""
    from synthtrial.gans.roles import makes_classes

    positive = params["protocol"]["positive"]
    for arm in arms:
        for draw in arm.synthetic:
            generator = params["draws"][draw]["generator"]
            if not makes_classes(params["generators"][generator]):
                raise ConfigError(
                    f"arms.{arm.name} takes cases of {draw!r}, but generator {generator!r} does not tell the class of "
                    f"what it makes: set generators.{generator}.classes to [{positive}] for cases of one class, or to "
                    "both classes for a family that makes the one asked for"
                )


def check_two_names(params: Mapping[str, Any], arms: Sequence[Arm]) -> None:
    """Refuse a study that names more than two classes: a slip of the pen would show hours later."""
    places = {str(params["protocol"]["positive"]): "protocol.positive"}
    if of_class := str(params["protocol"]["metric"]).partition("/")[2]:
        places.setdefault(of_class, "protocol.metric")
    for arm in arms:
        places.setdefault(arm.of, f"arms.{arm.name}.of")
    for name, generator in (params.get("generators") or {}).items():
        for class_name in generator.get("classes") or []:
            places.setdefault(str(class_name), f"generators.{name}.classes")
        domains = generator.get("domains") or {}
        for role in ("source", "target") if domains.get("column") == "label" else ():
            places.setdefault(str(domains.get(role) or ""), f"generators.{name}.domains.{role}")
    places.pop("", None)
    if len(places) > 2:
        told = ", ".join(f"{class_name!r} ({place})" for class_name, place in places.items())
        raise ConfigError(f"a classifier tells two classes apart, and this study names {len(places)}: {told}")


def classes_made(params: Mapping[str, Any], arm: Arm) -> dict[str, str]:
    """The one class that each draw of an arm makes; empty for a draw that makes several, or as its cases come."""
    made = {}
    for draw, ratio in arm.synthetic.items():
        generator = params["generators"][params["draws"][draw]["generator"]]
        classes, domains = generator.get("classes") or [], generator.get("domains") or {}
        if domains:
            classes = [domains["target"]] if domains.get("column") == "label" else []
        if ratio:
            made[draw] = str(classes[0]) if len(classes) == 1 else ""
    return made


def check_classes_of_arm(arm: Arm, made: Mapping[str, str]) -> None:
    """Refuse an arm that would learn from one class alone, or whose `of` is another class than its draws make.

    Args:
        arm: the arm.
        made: the one class that each of its draws makes; empty where there are several.
    """
    other = [draw for draw, class_name in made.items() if arm.of and class_name not in ("", arm.of)]
    if other:
        raise ConfigError(
            f"arms.{arm.name}.of is {arm.of!r}, but {other[0]!r} makes cases of the class {made[other[0]]!r}: take a "
            f"generator with classes: [{arm.of}], or leave arms.{arm.name}.of out"
        )
    if (arm.pretrain or not arm.real) and len(names := set(made.values())) == 1 and "" not in names:
        alone = "first trains" if arm.pretrain else "trains"
        raise ConfigError(
            f"arms.{arm.name} {alone} on synthetic cases alone, and all of them are of the class {names.pop()!r}, so "
            "that nothing can be told apart: give it a draw of the other class, too, or mix in real cases"
        )
