"""The HTTP application: routes, problems and limits put together, and the contract that they amount to."""

from __future__ import annotations

from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute

from escrow import wire
from escrow.api.bodies import BoundedBodies
from escrow.api.dependencies import Service
from escrow.api.observing import Observed
from escrow.api.problems import handle_problems
from escrow.api.routes import details, overlaps, partnerships, releases, service, submissions, terms

__all__ = ["create_app", "openapi_document"]

_ROUTERS = (
    service.router,
    partnerships.router,
    terms.router,
    submissions.router,
    releases.router,
    overlaps.router,
    details.router,
)


def create_app(serving: Service) -> FastAPI:
    """Build the application around one running service."""
    app = _routed()
    app.state.service = serving
    app.add_middleware(BoundedBodies, settings=serving.settings)
    app.add_middleware(Observed)
    return app


def openapi_document() -> dict[str, Any]:
    """Give the whole contract as an OpenAPI 3.1 document; it needs no running service."""
    return _routed().openapi()


class _Contract(FastAPI):
    """An application whose document says that every problem is a problem document."""

    def openapi(self) -> dict[str, Any]:
        """Give the document, with the schema that the problems refer to."""
        document = super().openapi()
        schema = wire.Problem.model_json_schema(ref_template="#/components/schemas/{model}")
        document["components"]["schemas"] |= schema.pop("$defs") | {"Problem": schema}
        return document


def _routed() -> FastAPI:
    app = _Contract(
        title="escrow",
        version="1",
        summary="Two companies learn what their CRM lists have in common, and nothing else.",
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
        generate_unique_id_function=_operation_id,
        telemetry={"tracing": False},
    )
    for router in _ROUTERS:
        app.include_router(router)
    handle_problems(app)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name
