"""The verdict in plain words."""

from __future__ import annotations

from typing import Any

from synthtrial.trial.verdict import NO_EVIDENCE


def in_words(verdict: dict[str, Any]) -> list[str]:
    """One plain sentence per arm, the reference first; under a leaky protocol it says so.

    Args:
        verdict: content of `verdict.json`.
    """
    several = len(verdict["models"]) > 1
    sentences = []
    for model, block in verdict["models"].items():
        prefix = f"{model}, " if several else ""
        n_compared = len(block["arms"]) - 1
        for arm, entry in block["arms"].items():
            sentences.append(f"{prefix}{arm}: {_sentence(entry, verdict, n_compared)}")
    return sentences


def in_short(verdict: dict[str, Any]) -> list[str]:
    """The same for a study of several models: arms of a model without a finding share one sentence.

    Args:
        verdict: content of `verdict.json`.
    """
    sentences = []
    for model, block in verdict["models"].items():
        n_compared = len(block["arms"]) - 1
        open_ones = {arm: entry for arm, entry in block["arms"].items() if _left_open(entry, verdict["alpha"])}
        for arm, entry in block["arms"].items():
            if arm not in open_ones:
                sentences.append(f"{model}, {arm}: {_sentence(entry, verdict, n_compared)}")
        if open_ones:
            reach = sorted(entry["smallest_detectable"] for entry in open_ones.values())
            effects = f"{reach[0]:.3f}" if len(reach) == 1 else f"{reach[0]:.3f} to {reach[-1]:.3f}, by arm"
            sentences.append(
                f"{model}: {_finding(NO_EVIDENCE, verdict)} for {', '.join(open_ones)}; this trial could have seen an "
                f"effect of {effects}"
            )
    return sentences


def counts_in_words(entry: dict[str, Any], protocol: str) -> str:
    """Over what a mean was taken, such as `20 patients and 5 fold models`."""
    from synthtrial.trial.protocol import protocol_of

    patients, models, repeats = (entry[f"n_{name}"] for name in ("patients", "models", "repeats"))
    if protocol_of(protocol).judged_on_folds:
        return f"{models} sites with {patients} patients" + (f", {repeats} trainings each" if repeats > 1 else "")
    return f"{patients} patients and " + (
        f"{models} folds with {repeats} trainings each" if repeats > 1 else f"{models} fold models"
    )


def coverage(alpha: float) -> str:
    """Coverage of the intervals, such as `95 %`."""
    return f"{100 * (1 - alpha):g} %"


def _sentence(entry: dict[str, Any], verdict: dict[str, Any], n_compared: int) -> str:
    from synthtrial.trial.metric_words import in_words as metric_in_words

    metric = metric_in_words(verdict["metric"])
    if "verdict" not in entry:
        counts = counts_in_words(entry, verdict["protocol"])
        return f"reference, mean {metric} {entry['mean']:.3f} (ensemble {entry['ensemble_mean']:.3f}) over {counts}"
    finding = _finding(entry["verdict"], verdict)
    direction = "" if verdict["larger_is_better"] else ", smaller is better"
    sentence = (
        f"{finding}: {entry['difference']:+.3f} {metric}{direction} "
        f"({coverage(verdict['alpha'])} interval {entry['ci_low']:+.3f} to {entry['ci_high']:+.3f})"
    )
    if entry["verdict"] != NO_EVIDENCE:
        return sentence
    if entry["p"] < verdict["alpha"]:
        sentence += f"; the interval leaves out zero, but not after Holm's correction over {n_compared} arms"
    return sentence + f"; this trial could have seen an effect of {entry['smallest_detectable']:.3f}"


def _left_open(entry: dict[str, Any], alpha: float) -> bool:
    """Whether nothing was found of an arm, not even before Holm's correction; the reference is not asked about."""
    return entry.get("verdict") == NO_EVIDENCE and entry["p"] >= alpha


def _finding(word: str, verdict: dict[str, Any]) -> str:
    """A verdict's word in a sentence; under a leaky protocol it says so."""
    from synthtrial.trial.protocol import protocol_of

    finding = "no evidence of a difference" if word == NO_EVIDENCE else word
    return f"LEAKY, {finding}" if protocol_of(verdict["protocol"]).leaky else finding
