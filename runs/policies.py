"""Policies as callers see them, and letting one go on that has paused itself."""

import secrets
from typing import Any

from adapters.services import Services
from adapters.telemetry import event
from reconciliation.people import Person, Sealed
from reconciliation.policy import Policy, PolicyState
from reconciliation.times import optional_text
from runs.refusals import RefusedError


async def shown(services: Services, policy: Policy) -> dict[str, Any]:
    """What a policy approves, and whether it does so now: *active*, *paused* (by itself), or *off* (by a setting)."""
    return _view(services, policy, await services.store.policies.state(policy.profile))


async def resume(services: Services, policy: Policy, person: Person, reason: str) -> dict[str, Any]:
    """Let a policy go on that has paused itself; what its changes led to before does not count any more.

    Raises ``RefusedError`` if it is not paused.
    """
    sealed, now = Sealed.of(person, secrets.token_hex(16)), services.now()
    before = await services.store.policies.state(policy.profile)
    if before.paused_at is None:
        raise RefusedError(f"The policy of {policy.profile} has not paused itself: there is nothing to resume.")

    def resumed(state: PolicyState) -> PolicyState:
        return state if state.paused_at is None else state.resumed(sealed, reason, now)

    after = await services.store.policies.change(policy.profile, resumed)
    event("policy.resumed", profile=policy.profile)
    return _view(services, policy, after)


def _view(services: Services, policy: Policy, state: PolicyState) -> dict[str, Any]:
    is_off = services.settings.policy_of(policy.profile) is None
    return {
        "profile": policy.profile,
        "state": "off" if is_off else "active" if state.paused_at is None else "paused",
        "approves": policy.text,
        "setting": policy.setting,
        "value": policy.value,
        "repairs": list(policy.repairs),
        "most": policy.most,
        "most_per_hour": policy.most_per_hour,
        "most_bytes": policy.most_bytes,
        "paused_at": optional_text(state.paused_at),
        "why": state.why or None,
        "resumed_at": optional_text(state.resumed_at),
        "resumed_by": None if state.resumed_by is None else state.resumed_by.name,
        "reason": state.reason or None,
    }
