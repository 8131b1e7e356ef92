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
    for segmenter, block in verdict["models"].items():
        prefix = f"{segmenter}, " if several else ""
        n_compared = len(block["arms"]) - 1
        for arm, entry in block["arms"].items():
            sentences.append(f"{prefix}{arm}: {_sentence(entry, verdict, n_compared)}")
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


def _sentence(entry: dict[str, Any], verdict: dict[str, Any], n_compared: int) -> str:
    from synthtrial.segmentation.metrics import in_words as metric_in_words
    from synthtrial.trial.protocol import protocol_of

    metric = metric_in_words(verdict["metric"])
    if "verdict" not in entry:
        counts = counts_in_words(entry, verdict["protocol"])
        return f"reference, mean {metric} {entry['mean']:.3f} (ensemble {entry['ensemble_mean']:.3f}) over {counts}"
    finding = "no evidence of a difference" if entry["verdict"] == NO_EVIDENCE else entry["verdict"]
    finding = f"LEAKY, {finding}" if protocol_of(verdict["protocol"]).leaky else finding
    coverage = f"{100 * (1 - verdict['alpha']):g} %"
    direction = "" if verdict["larger_is_better"] else ", smaller is better"
    sentence = (
        f"{finding}: {entry['difference']:+.3f} {metric}{direction} ({coverage} interval {entry['ci_low']:+.3f} to "
        f"{entry['ci_high']:+.3f})"
    )
    if entry["verdict"] != NO_EVIDENCE:
        return sentence
    if entry["p"] < verdict["alpha"]:
        sentence += f"; the interval leaves out zero, but not after Holm's correction over {n_compared} arms"
    return sentence + f"; this trial could have seen an effect of {entry['smallest_detectable']:.3f}"
