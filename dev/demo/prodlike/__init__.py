"""A world of production's size and shape, made from a seed, with every verdict planted in it and known beforehand.

``build`` is pure: the same seed, moment and scale give the same world, the planted cases are the same at any scale, and
the ids and verdicts are the same at any moment.
"""

from dev.demo.prodlike.build import build
from dev.demo.prodlike.dataset import Dataset, Subject

__all__ = ["Dataset", "Subject", "build"]
