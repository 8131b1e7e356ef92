"""All that a process of an arm needs, and takes seconds to import: the fork server imports this module once for all."""

import gc

gc.disable()  # it would search a hundred thousand new objects again and again, for a fifth of the time

import monai.metrics.utils  # noqa: E402
import monai.networks.nets  # noqa: E402, F401
import scipy.ndimage  # noqa: E402, F401

import synthtrial.segmentation.training  # noqa: E402
import synthtrial.trial.segmenting.segment_arm  # noqa: E402, F401

gc.freeze()  # so that the processes forked from here go on sharing these objects' memory
gc.enable()
