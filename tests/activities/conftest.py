"""Hypothesis for this folder: a slow machine is no reason to fail."""

from hypothesis import settings

settings.register_profile("activities", deadline=None)
settings.load_profile("activities")
