"""What the tests of orchestrators know of repairs."""

OF_REPAIRS = frozenset({"begin_look", "propose", "apply", "defer", "verify", "end_repair", "tell_of_repair"})
"""The activities that only repairs call."""

OF_POLICIES = frozenset({"begin_recovery", "approve_by_policy"})
"""The activities that only policies call."""
