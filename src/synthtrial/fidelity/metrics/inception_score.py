"""The Inception Score of class probabilities."""

from __future__ import annotations

import numpy as np

from synthtrial.errors import SynthtrialError


def inception_score(probabilities: np.ndarray, splits: int = 1) -> tuple[float, float]:
    r"""How sure a classifier is of each image, and how many classes it sees in all of them.

    .. math:: \exp \frac{1}{n} \sum_i KL(p(y | x_i) \,\|\, p(y)), \quad p(y) = \frac{1}{n} \sum_i p(y | x_i)

    (Salimans et al. 2016, "Improved techniques for training GANs", section 4.) Of equal rows it is 1, of perfectly sure
    and balanced ones the number of classes. Salimans et al. took ten splits of 50,000 images. No score is above the
    number of images in a split, so with few images leave it at one split.

    Do not rely on it (Barratt & Sharma 2018, "A note on the Inception Score"). No real image enters it, so it can't say
    whether images look like the cohort, and copies of the training images score as well as they do. It does not see
    loss of variety within a class. The 1,000 classes of ImageNet are animals and things: what such a network says of a
    CT or MR slice has no meaning, and the score of real slices may be below that of noise. It is here to compare with
    publications that report it, with the same network and preprocessing.

    Args:
        probabilities: of each class for each image, `(n, classes)`, rows sum to 1.
        splits: parts, in the order given, that are scored one by one; shuffle the rows if they are sorted.

    Returns:
        Mean and standard deviation of the scores of the splits; the deviation is 0 for one split.

    Raises:
        SynthtrialError: for rows that are not probabilities, or fewer than two images in a split.
    """
    probabilities = np.asarray(probabilities, np.float64)
    _check(probabilities, splits)
    scores = [_score(part) for part in np.array_split(probabilities, splits)]
    return float(np.mean(scores)), float(np.std(scores))


def _score(probabilities: np.ndarray) -> float:
    from scipy.special import rel_entr

    return float(np.exp(rel_entr(probabilities, probabilities.mean(axis=0)).sum(axis=1).mean()))


def _check(probabilities: np.ndarray, splits: int) -> None:
    if splits < 1:
        raise SynthtrialError(f"the Inception Score takes at least 1 split, not {splits}")
    if probabilities.ndim != 2:
        raise SynthtrialError(
            f"the Inception Score takes class probabilities (n, classes), not shape {probabilities.shape}"
        )
    if len(probabilities) < 2 * splits:
        raise SynthtrialError(
            f"an Inception Score over {splits} split(s) needs at least {2 * splits} images, "
            f"here are {len(probabilities)}"
        )
    if not np.isfinite(probabilities).all():
        raise SynthtrialError("the Inception Score can't be had of NaN or infinite probabilities: look at the images")
    if (probabilities < 0).any() or not np.allclose(probabilities.sum(axis=1), 1, atol=1e-4):
        raise SynthtrialError(
            "the Inception Score takes probabilities, at least 0 and with sum 1 in each row: "
            "put the classifier's outputs through a softmax first"
        )
