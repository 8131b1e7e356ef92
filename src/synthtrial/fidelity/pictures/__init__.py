"""Figures of fidelity: one kind per file."""
