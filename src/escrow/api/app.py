"""The HTTP application: routes, problems and limits put together, and the contract that they amount to."""

from __future__ import annotations

import json
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from escrow import __version__, wire
from escrow.api.admission import KeysFirst
from escrow.api.bodies import BoundedBodies
from escrow.api.concurrency import BoundedRequests
from escrow.api.dependencies import Service
from escrow.api.examples import with_examples
from escrow.api.observing import Observed
from escrow.api.problems import handle_problems
from escrow.api.routes import (
    allowances,
    changes,
    details,
    disputes,
    endpoints,
    error_pages,
    events,
    generations,
    mail_digests,
    overlaps,
    partnerships,
    releases,
    service,
    submissions,
    terms,
    trails,
)

__all__ = ["create_app", "openapi_document"]

_SCHEMAS = "#/components/schemas/"

_ROUTERS = (
    service.router,
    error_pages.router,
    partnerships.router,
    generations.router,
    terms.router,
    allowances.router,
    submissions.router,
    releases.router,
    overlaps.router,
    changes.router,
    details.router,
    disputes.router,
    events.router,
    trails.router,
    endpoints.router,
    mail_digests.router,
)


def create_app(serving: Service) -> FastAPI:
    """Build the application around one running service."""
    app = _routed()
    app.state.service = serving
    # The last is the outermost.
    app.add_middleware(BoundedBodies, settings=serving.settings)
    app.add_middleware(KeysFirst, service=serving)
    app.add_middleware(BoundedRequests, most=serving.settings.concurrent_requests)
    app.add_middleware(Observed)
    return app


def openapi_document() -> dict[str, Any]:
    """Give the whole contract as an OpenAPI 3.1 document; it needs no running service."""
    return _routed().openapi()


class _Contract(FastAPI):
    """An application whose document says that every problem is a problem document."""

    def openapi(self) -> dict[str, Any]:
        """Give the document, with the schemas that problems and chunks refer to."""
        document = super().openapi()
        problem = wire.Problem.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
        columns = wire.ColumnChunk.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
        beside = {"Problem": problem, "ColumnChunk": columns}
        schemas = document["components"]["schemas"] | problem.pop("$defs") | beside
        # FastAPI adds every enum that a model holds, by its code; on the wire they are words, and nothing refers to it.
        told = json.dumps([document["paths"], schemas])
        document["components"]["schemas"] = {
            name: schema for name, schema in schemas.items() if f'"{_SCHEMAS}{name}"' in told
        }
        return with_examples(document)


def _routed() -> FastAPI:
    app = _Contract(
        title="escrow",
        version=__version__,
        summary="Two companies learn what their CRM lists have in common, and nothing else.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        separate_input_output_schemas=False,
        telemetry={"tracing": False},
    )
    # Routes carry all they need; including their routers would analyse each of them a second time.
    app.router.routes.extend(route for router in _ROUTERS for route in router.routes)
    # A method that an address does not know is answered with all that it does, whichever route has them.
    app.state.routes = [route for route in app.routes if isinstance(route, APIRoute)]
    handle_problems(app)
    return app
