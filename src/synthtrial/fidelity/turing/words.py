"""What the numbers of a visual Turing test say, in sentences."""

from __future__ import annotations

from synthtrial.fidelity.turing.results import OfRater, Results
from synthtrial.fidelity.turing.together import Estimate

ALPHA = 0.05


def sentences(results: Results) -> list[str]:
    """The verdict first, then how small an effect the test could have seen, then agreement."""
    return [_verdict(results), _reach(results), _agreement(results)]


def shown(estimate: Estimate, digits: int = 2) -> str:
    """A value with its interval."""
    return f"{estimate.value:.{digits}f} ({estimate.low:.{digits}f} to {estimate.high:.{digits}f})"


def shown_p(p: float) -> str:
    """A p value."""
    return "< 0.001" if p < 0.001 else f"{p:.3f}"


def rater_line(rater: OfRater) -> str:
    """One rater on one line."""
    return (
        f"{rater.rater} ({rater.experience}): mean score real {shown(rater.mean_real, 1)}, synthetic "
        f"{shown(rater.mean_synthetic, 1)}; AUC {shown(rater.auc)}, p {shown_p(rater.p)}; "
        f"accuracy {rater.accuracy:.2f}; {rater.median_seconds:.0f} s per case"
    )


def _verdict(results: Results) -> str:
    estimate, p = (
        (results.pooled.auc, results.pooled.p) if results.pooled else (results.raters[0].auc, results.raters[0].p)
    )
    who = f"{len(results.raters)} raters together" if results.pooled else "The rater"
    number = f"AUC {estimate.value:.2f}, 95 % interval {estimate.low:.2f} to {estimate.high:.2f}, p {shown_p(p)}"
    if p >= ALPHA:
        return (
            f"{who}: no evidence that synthetic cases can be told from real ones ({number}). This is not proof that "
            "they can't: every AUC in the interval fits these ratings."
        )
    if estimate.value > 0.5:
        return f"{who} can tell synthetic from real cases ({number})."
    return (
        f"{who} took synthetic cases for real, and real ones for made ({number}): a difference is seen, but read the "
        "wrong way. Or the scale was turned round: 0 is real, 10 is made."
    )


def _reach(results: Results) -> str:
    facts = results.key.facts
    smallest = results.pooled.smallest if results.pooled else results.smallest_auc
    estimate = results.pooled.auc if results.pooled else results.raters[0].auc
    cases = f"{facts['n_real']} real and {facts['n_synthetic']} synthetic cases"
    found = f"an AUC of {smallest:.2f} or more" if smallest < 1 else "hardly any AUC, even one near 1"
    return (
        f"With {cases} this test finds {found} in four of five tries; "
        f"the interval's half-width is {(estimate.high - estimate.low) / 2:.2f}."
    )


def _agreement(results: Results) -> str:
    if len(results.raters) == 1:
        return "Agreement: none, there is one rater. What is said here is true of this rater alone."
    if results.alpha is None:
        return "Agreement: can't be said, all scores are equal."
    return (
        f"Agreement of the raters, Krippendorff's alpha: {shown(results.alpha)}, where 1 is full agreement and 0 what "
        "chance gives."
    )
