"""The OpenAPI document: complete, in words, and the same whenever it is asked for."""

from __future__ import annotations

import json
import re
from typing import Any

from pydantic import BaseModel

from escrow import wire
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
    assert {path for path, _, _ in operations()} - set(asking) == {"/healthz", "/readyz", "/errors/{code}"}


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
    text, there = json.dumps(DOCUMENT), DOCUMENT["components"]
    references = [f"#/components/{kind}/{name}" for kind in ("schemas", "examples") for name in there[kind]]
    for reference in references:
        assert f'"{reference}"' in text
    assert text.count('"$ref"') == sum(text.count(f'"$ref": "{reference}"') for reference in references)


def test_every_operation_says_who_may_call_it_and_what_it_refuses() -> None:
    for path, method, said in operations():
        assert {"apiKey"} == said["security"][0].keys() if path.startswith("/v1/") else "security" not in said
        assert path == "/healthz" or any(status >= "400" for status in said["responses"]), (method, path)


def test_every_object_that_a_route_takes_or_gives_has_an_example_that_the_wire_takes() -> None:
    named = set(re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT["paths"]))) - {"Problem"}
    assert named
    for name in named:
        (example,) = DOCUMENT["components"]["schemas"][name]["examples"]
        model: type[BaseModel] = getattr(wire, name)
        assert model.model_validate_json(json.dumps(example)).model_dump(mode="json") == example, name


def test_every_body_but_raw_bytes_has_an_example() -> None:
    for path, method, said in operations():
        held = [said[part] for part in ("requestBody",) if part in said]
        held += [answer for status, answer in said["responses"].items() if status < "400" and "content" in answer]
        for content in (each["content"] for each in held):
            for media_type, body in content.items():
                assert media_type == "application/octet-stream" or is_shown(body), (method, path)


def test_every_refusal_of_a_route_has_an_example_by_its_code() -> None:
    for path, method, said in operations():
        for status, answer in said["responses"].items():
            if status >= "400":
                shown = answer["content"]["application/problem+json"]["examples"]
                assert [f"`{code}`" for code in shown] == answer["description"].split(", "), (method, path)
                for code in shown:
                    value = DOCUMENT["components"]["examples"][code]["value"]
                    assert (value["code"], value["status"]) == (code, int(status))
                    assert wire.Problem.model_validate_json(json.dumps(value)).detail


def is_shown(body: dict[str, Any]) -> bool:
    schema = body["schema"]
    name = schema.get("$ref", "").rpartition("/")[2]
    return bool({"example", "examples"} & body.keys() or DOCUMENT["components"]["schemas"][name].get("examples"))


def test_codes_travel_as_words() -> None:
    cell = DOCUMENT["components"]["schemas"]["ReportCell"]["properties"]
    assert cell["level"]["enum"] == ["hidden", "counts", "accounts", "details"]
    assert cell["state"]["enum"] == ["hidden", "withheld", "public"]


def test_the_document_is_the_same_each_time() -> None:
    assert openapi_document() == DOCUMENT
