"""What can be audited."""

import azure.durable_functions as df
import azure.functions as func

from profiles import PROFILES
from triggers.problems import answer, responded

bp = df.Blueprint()


async def list_profiles() -> func.HttpResponse:
    """Every profile with what may be asked of it and the verdicts it can give."""
    return answer(
        {
            "profiles": [
                {
                    "name": profile.name,
                    "title": profile.title,
                    "description": profile.description,
                    "statuses": list(profile.statuses),
                    "default_statuses": list(profile.default_statuses),
                    "default_grace_minutes": profile.default_grace_minutes,
                    "verdicts": [
                        {
                            "subject": kind.value,
                            "verdict": rule.verdict,
                            "severity": rule.severity.value,
                            "meaning": rule.meaning,
                        }
                        for kind, rule in profile.verdicts()
                    ],
                }
                for profile in PROFILES.values()
            ]
        }
    )


@bp.route(route="profiles", methods=["GET"])
async def get_profiles(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding needs the name
    """GET /profiles."""
    return await responded(list_profiles())
