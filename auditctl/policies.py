"""Executes the commands about policies: what is repaired without a person."""

from collections.abc import Iterator

from auditctl.client import Api
from auditctl.fields import Fields
from auditctl.outcome import Outcome
from auditctl.output import choose_output, print_json
from auditctl.repair_commands import ListPolicies, ResumePolicy
from auditctl.service import Service


def execute_policy(api: Api, command: ListPolicies | ResumePolicy) -> int:
    """Returns the exit code; raises AuditctlError."""
    if isinstance(command, ListPolicies):
        _list(api, command)
    else:
        _resume(api, command)
    return Outcome.CLEAN.value


def _list(api: Api, command: ListPolicies) -> None:
    """Print every policy, where it is, and how it goes on."""
    response = api.policies()
    if command.as_json:
        print_json(response.document)
        return
    policies = response.fields.objects("policies")
    lines = [line for policy in policies for line in _lines(policy, api.service)]
    print("\n".join(lines or ["Nothing is repaired without a person."]), flush=True)


def _resume(api: Api, command: ResumePolicy) -> None:
    """Let a policy go on that has paused itself."""
    given = {"reason": command.reason, "by": command.by}
    api.resume_policy(command.profile, {name: value for name, value in given.items() if value is not None})
    choose_output(api.service).done(f"The policy of {command.profile} goes on with the next scheduled audit.")


def _lines(policy: Fields, service: Service) -> Iterator[str]:
    profile, state = policy.text("profile"), policy.text("state")
    yield f"{profile}: {state}"
    yield f"  approves {policy.text('approves')}"
    yield f"  by {policy.text('setting')} = {policy.text('value')}"
    if state == "off":
        yield "  A setting pauses it: AUDIT_AUTO_REPAIRS_PAUSED or AUDIT_SCHEDULES_PAUSED."
    if (why := policy.optional_text("why")) is not None:
        yield f"  paused itself at {policy.text('paused_at')}: {why}"
        yield f"  let it go on: {service.command('repair', 'resume', profile, '--reason', 'TEXT', '--by', 'NAME')}"
    elif (resumed := policy.optional_text("resumed_at")) is not None:
        by, reason = policy.optional_text("resumed_by"), policy.optional_text("reason")
        yield f"  resumed at {resumed} by {by}: {reason}"
