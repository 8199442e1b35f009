"""The API's own description."""

import os

import azure.durable_functions as df
import azure.functions as func

from adapters.enabled import enabled_profiles
from triggers.openapi.document import document
from triggers.problems import answer, responded

bp = df.Blueprint()


async def describe() -> func.HttpResponse:
    """The OpenAPI document; it is the same as long as the app runs."""
    return answer(document(list(enabled_profiles(os.environ).values())))


@bp.route(route="openapi.json", methods=["GET"])
async def get_openapi(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding needs the name
    """GET /openapi.json."""
    return await responded(describe())
