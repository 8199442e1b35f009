"""A world of production's size and shape, made from a seed, with every verdict planted in it and known beforehand.

``build`` is pure: the same seed, moment and scale give the same world, and the planted cases are the same at any scale.
"""

from demo.prodlike.build import build
from demo.prodlike.dataset import Dataset, Subject

__all__ = ["Dataset", "Subject", "build"]
