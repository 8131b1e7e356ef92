"""Metrics of two sets of features or of images: one kind per file, each a pure function."""
