"""The OpenAPI document: complete, in words, and the same whenever it is asked for."""

from __future__ import annotations

import json
from typing import Any

from escrow.api.app import openapi_document

DOCUMENT = openapi_document()


def operations() -> list[tuple[str, str, dict[str, Any]]]:
    return [(path, method, said) for path, methods in DOCUMENT["paths"].items() for method, said in methods.items()]


def test_every_operation_has_an_id_of_its_own_and_says_what_it_does() -> None:
    ids = [said["operationId"] for _, _, said in operations()]
    assert len(ids) == len(set(ids))
    assert all(said["summary"] and said["description"] for _, _, said in operations())


def test_every_operation_but_the_health_checks_asks_for_a_key() -> None:
    asking = [
        path for path, _, said in operations() if [list(each) for each in said.get("security", [])] == [["apiKey"]]
    ]
    assert {path for path, _, _ in operations()} - set(asking) == {"/healthz", "/readyz"}


def test_every_operation_that_asks_for_a_scope_documents_the_refusal() -> None:
    for path, method, said in operations():
        scopes = said["security"][0]["apiKey"] if "security" in said else []
        assert ("403" in said["responses"]) == bool(scopes), (method, path)


def test_every_refusal_is_a_problem_document() -> None:
    for path, _, said in operations():
        for status, answer in said["responses"].items():
            if int(status) >= 400:
                assert list(answer["content"]) == ["application/problem+json"], (path, status)


def test_every_operation_that_takes_a_body_documents_its_limits() -> None:
    for path, _, said in operations():
        if "requestBody" in said:
            assert {"413", "415", "422"} <= said["responses"].keys(), path


def test_every_reference_leads_somewhere_and_every_schema_is_referred_to() -> None:
    text = json.dumps(DOCUMENT)
    for name in DOCUMENT["components"]["schemas"]:
        assert f'"#/components/schemas/{name}"' in text
    assert text.count('"$ref"') == sum(
        text.count(f'"$ref": "#/components/schemas/{name}"') for name in DOCUMENT["components"]["schemas"]
    )


def test_codes_travel_as_words() -> None:
    cell = DOCUMENT["components"]["schemas"]["ReportCell"]["properties"]
    assert cell["level"]["enum"] == ["hidden", "counts", "accounts", "details"]
    assert cell["state"]["enum"] == ["hidden", "withheld", "public"]


def test_the_document_is_the_same_each_time() -> None:
    assert openapi_document() == DOCUMENT
