"""What each protocol lets a generator see, in words, and so what validation and test figures are worth."""

from __future__ import annotations

from dataclasses import dataclass

from synthtrial.errors import SynthtrialError


@dataclass(frozen=True)
class Protocol:
    """A protocol in words.

    Attributes:
        seen: which cases the generators saw.
        validation: what a validation figure is worth under it.
        leaky: whether judged cases were seen by a generator.
    """

    seen: str
    validation: str
    leaky: bool = False


PROTOCOLS = {
    "holdout": Protocol(
        seen="The generators saw the development cases only; the segmenters were trained by cross-validation inside "
        "them. No network saw a test case.",
        validation="The generators have seen these cases, so synthetic arms may look better here than they are; "
        "the verdict rests on the test cases alone.",
    ),
    "nested": Protocol(
        seen="There is one generator per fold, which saw the training part of that fold only. No network saw a test "
        "case or the validation cases of its own fold.",
        validation="No network saw the validation cases of its own fold, but training was watched on them; "
        "the verdict rests on the test cases alone.",
    ),
    "pooled": Protocol(
        seen="The generators saw every case, the test cases among them, as in much published work.",
        validation="The generators have seen these cases.",
        leaky=True,
    ),
}


def describe(name: str) -> Protocol:
    """The protocol of that name.

    Raises:
        SynthtrialError: when there is none.
    """
    if name not in PROTOCOLS:
        raise SynthtrialError(f"unknown protocol {name!r} (protocol.name); there are: {', '.join(PROTOCOLS)}")
    return PROTOCOLS[name]
