"""What can be audited."""

import os
from typing import Any

import azure.durable_functions as df
import azure.functions as func

from adapters.enabled import enabled_profiles
from reconciliation.options import Option
from triggers.problems import json_response, responded

bp = df.Blueprint()


async def list_profiles() -> func.HttpResponse:
    """Every enabled profile with its options and its verdicts."""
    return json_response(
        {
            "profiles": [
                {
                    "name": profile.name,
                    "title": profile.title,
                    "description": profile.description,
                    "modes": list(profile.modes),
                    "options": [_option(option) for option in profile.options],
                    "default_grace_minutes": profile.default_grace_minutes,
                    "verdicts": [
                        {
                            "subject": kind.name,
                            "verdict": rule.verdict,
                            "severity": rule.severity.value,
                            "meaning": rule.means,
                            "alarm": rule.alarm,
                            "repair": rule.repair,
                        }
                        for kind, rule in profile.verdicts()
                    ],
                }
                for profile in enabled_profiles(os.environ).values()
            ]
        }
    )


def _option(option: Option) -> dict[str, Any]:
    return {
        "name": option.name,
        "meaning": option.means,
        "allowed": option.allowed,
        "choices": list(option.choices),
        "default": list(option.default) if isinstance(option.default, tuple) else option.default,
    }


@bp.route(route="profiles", methods=["GET"])
async def get_profiles(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding needs the name
    return await responded(list_profiles())
