"""The API's own description."""

import os

import azure.durable_functions as df
import azure.functions as func

from adapters.enabled import enabled_profiles
from triggers.openapi.document import document
from triggers.problems import json_response, responded

bp = df.Blueprint()


async def describe() -> func.HttpResponse:
    """The OpenAPI document, which does not change while the app runs."""
    return json_response(document(list(enabled_profiles(os.environ).values())))


@bp.route(route="openapi.json", methods=["GET"])
async def get_openapi(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding needs the name
    return await responded(describe())
