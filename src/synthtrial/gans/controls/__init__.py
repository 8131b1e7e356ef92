"""Control generators: what comes of their cases is known beforehand, so that they test the trial itself.

`control.py` tells what they have in common; `oracle.py`, `memoriser.py` and `noise.py` are one control each;
`learning.py` is their part of the stage `train_gan`.
"""
