"""All that a process of an arm of classic models needs, without torch: the fork server imports this once for all."""

import sklearn.linear_model  # noqa: F401

import synthtrial.classification.classic
import synthtrial.trial.classifying.classify_arm
import synthtrial.trial.running.fold_cases  # noqa: F401
