"""The routes of policies: what is repaired without a person, and letting it go on after it has paused itself."""

import azure.durable_functions as df
import azure.functions as func

from adapters.services import Services, services
from reconciliation.policy import Policy
from runs import policies
from triggers.principal import may_apply, may_approve, person_of
from triggers.problems import NotFoundError, json_response, responded
from triggers.requests import ResumePolicy, read_repair

bp = df.Blueprint()


async def list_policies() -> func.HttpResponse:
    """Every policy that the settings switch on, also one that a setting pauses."""
    app = services()
    shown = [await policies.shown(app, policy) for policy in app.settings.policies.values()]
    return json_response({"policies": shown})


async def resume(req: func.HttpRequest) -> func.HttpResponse:
    """Let a policy go on that has paused itself: 200."""
    app = services()
    given = read_repair(ResumePolicy, req.get_body(), names_itself=not app.settings.platform_authenticates)
    person = person_of(app.settings, {name.lower(): value for name, value in req.headers.items()}, given.by)
    may_approve(person)
    may_apply(app.settings)
    policy = _policy_of(app, req.route_params.get("profile") or "")
    return json_response(await policies.resume(app, policy, person, given.reason))


def _policy_of(app: Services, profile: str) -> Policy:
    policy = app.settings.policies.get(profile)
    if policy is None:
        raise NotFoundError("There is no policy of that profile. GET /policies lists those there are.")
    return policy


@bp.route(route="policies", methods=["GET"])
async def get_policies(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding needs the name
    return await responded(list_policies())


@bp.route(route="policies/{profile}/resume", methods=["POST"])
async def resume_policy(req: func.HttpRequest) -> func.HttpResponse:
    return await responded(resume(req))
