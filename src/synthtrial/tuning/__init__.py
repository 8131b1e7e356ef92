"""Sweeps: many settings of one study, each tried once, by many workers, whatever is killed meanwhile."""
