"""The API's own description."""

import azure.durable_functions as df
import azure.functions as func

from triggers.openapi.document import DOCUMENT
from triggers.problems import answer, responded

bp = df.Blueprint()


async def describe() -> func.HttpResponse:
    """The OpenAPI document; it is the same as long as the app runs."""
    return answer(DOCUMENT)


@bp.route(route="openapi.json", methods=["GET"])
async def get_openapi(req: func.HttpRequest) -> func.HttpResponse:  # noqa: ARG001 - the binding needs the name
    """GET /openapi.json."""
    return await responded(describe())
