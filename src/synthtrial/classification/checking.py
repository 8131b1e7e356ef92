"""Can a classifier be made for a cohort? Asked before anything trains."""

from __future__ import annotations

from typing import Any

from synthtrial.classification.settings import ClassicSettings, read_classifier
from synthtrial.errors import ConfigError
from synthtrial.supervised.augmentation import check_axes


def check_classifier(settings: Any, place: str, *, spatial_dims: int, channels: int, shape: tuple[int, ...]) -> None:
    """Raise a ConfigError for what a training would refuse of a classifier, without reading weights or cases.

    Args:
        settings: content of a `conf/classifier` file, which stands at `place`.
        place: for messages.
        spatial_dims: 2 or 3.
        channels: channels of the images.
        shape: of the prepared images, without channels.
    """
    classifier = read_classifier(settings, place)
    if isinstance(classifier, ClassicSettings):
        from synthtrial.classification.estimators import check_estimator
        from synthtrial.classification.features import features_from

        try:
            check_estimator(classifier)
            features_from(classifier.features, spatial_dims)
        except ConfigError as error:
            raise ConfigError(f"{place}: {error}") from error
        return

    from synthtrial.classification.network import check_network

    check_axes(classifier.train.augmentation.flip_axes, spatial_dims, f"{place}.train.augmentation.flip_axes")
    check_network(classifier, place, spatial_dims=spatial_dims, channels=channels, shape=shape)
