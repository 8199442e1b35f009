"""Invented people. Their names stand in case references and legacy file names, and must never reach a report."""

from random import Random

SURNAMES = ("Smith", "Jones", "Okonkwo", "Featherstone", "O'Hara", "Van der Berg", "Nowakowska", "Llewellyn")

PERSONAL = (*SURNAMES, "Philippa", "featherstone@example.org")
"""Words to look for in everything that an audit writes."""


def case_reference(random: Random, number: int) -> str:
    """A reference of at most 25 characters, unique by its number."""
    return f"{random.choice(SURNAMES)[:12].upper()} {number:07}"


def legacy_name(random: Random, number: int) -> str:
    """The base name of an imported file, such as ``Smith v Jones 21-0001234``."""
    one, other = random.sample(SURNAMES, 2)
    return f"{one[:9]} v {other[:9]} {number:08}"
