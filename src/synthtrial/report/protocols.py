"""What each protocol lets a generator see, in words, and so what validation and test figures are worth."""

from __future__ import annotations

from dataclasses import dataclass

from synthtrial.trial.protocol import protocol_of


@dataclass(frozen=True)
class ProtocolInWords:
    """A protocol in words.

    Attributes:
        seen: which cases the generators saw.
        validation: what a validation figure is worth under it.
        judged: the cases that the verdict rests on.
        leaky: whether judged cases were seen by a generator.
    """

    seen: str
    validation: str
    judged: str
    leaky: bool


TEST_CASES = "the test cases"
"""What every protocol but leave-one-site-out judges on."""

WORDS = {
    "holdout": {
        "seen": "The generators saw the development cases only; the models were trained by cross-validation inside "
        "them. No network saw a test case.",
        "validation": "The generators have seen these cases, so synthetic arms may look better here than they are; "
        "the verdict rests on the test cases alone.",
        "judged": TEST_CASES,
    },
    "nested": {
        "seen": "There is one generator per fold, which saw the training part of that fold only. No network saw a test "
        "case or the validation cases of its own fold.",
        "validation": "No network saw the validation cases of its own fold, but training was watched on them; "
        "the verdict rests on the test cases alone.",
        "judged": TEST_CASES,
    },
    "pooled": {
        "seen": "The generators saw every case, the test cases among them, as in much published work. So no real case "
        "is left that they have not seen, and the audit of copies has none to compare with.",
        "validation": "The generators have seen these cases.",
        "judged": TEST_CASES,
    },
    "site_out": {
        "seen": "Each fold is a site, and there is one generator per fold, which saw the other sites only. Every model "
        "was judged on the site that neither it nor its generator had seen.",
        "validation": "These are the cases of the site that was left out, on which the verdict rests, too; training "
        "was watched on them, but nothing was chosen by them.",
        "judged": "the cases of the site that a model has not seen",
    },
}
"""By protocol; `trial.protocol` says which there are and which are leaky."""


def describe(name: str) -> ProtocolInWords:
    """The protocol of that name.

    Raises:
        ConfigError: when there is none.
    """
    return ProtocolInWords(**WORDS[protocol_of(name).name], leaky=protocol_of(name).leaky)
