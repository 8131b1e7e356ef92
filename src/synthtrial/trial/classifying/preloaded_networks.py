"""All that a process of an arm of networks needs: the fork server imports this once for all."""

import gc

gc.disable()  # it would search a hundred thousand new objects again and again, for a fifth of the time

import synthtrial.classification.network_training  # noqa: E402
import synthtrial.trial.classifying.classify_arm  # noqa: E402
import synthtrial.trial.running.fold_cases  # noqa: E402, F401

gc.freeze()  # so that the processes forked from here go on sharing these objects' memory
gc.enable()
