"""Hypothesis for this folder: a slow machine is no reason to fail."""

from hypothesis import settings

settings.register_profile("reconciliation", deadline=None)
settings.load_profile("reconciliation")
