"""Validating the trial itself: many small trials whose answer is known, and how often the verdict is wrong."""
