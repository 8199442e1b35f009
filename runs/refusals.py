"""Requests that are valid but refused in the current state."""

from reconciliation.lifecycle import State


class RefusedError(Exception):
    """``members`` are facts that a caller can act on."""

    def __init__(self, why: str, **members: str) -> None:
        super().__init__(why)
        self.members = members


class ForbiddenError(RefusedError):
    """Not this person may do that."""


def nothing_to(verb: str, audit_id: str, state: State) -> RefusedError:
    return RefusedError(f"Audit {audit_id} is {state}: there is nothing to {verb}.", state=state.value)


def busy(profile: str, audit_id: str) -> RefusedError:
    why = f"Audit {audit_id} of profile {profile} is active. Wait for it, or cancel it."
    return RefusedError(why, active_id=audit_id)
