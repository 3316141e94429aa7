"""Servers on this machine that enforce what Salesforce and HubSpot document, as far as the client uses it.

Salesforce: the client credentials flow, sessions that lapse, sObject Collections of at most 200 records with results in
order, query pages with a locator, and a daily limit. HubSpot: bearer tokens, batches of at most 100 inputs that answer
207 where some fail, search of at most 10,000 results by pages of at most 100, and a limit on calls that answers 429.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

__all__ = ["HubSpotServer", "SalesforceServer", "serving"]

Json = Any
Answered = tuple[int, Json, dict[str, str]]


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Json:
        return json.loads(self.body)


@contextmanager
def serving(answer: Callable[[Asked], Answered]) -> Iterator[str]:
    """Serve on a real socket of this machine; give the address."""

    class Handler(BaseHTTPRequestHandler):
        def _answer(self) -> None:
            parts = urlsplit(self.path)
            query = {name: values[0] for name, values in parse_qs(parts.query).items()}
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, told, headers = answer(Asked(self.command, parts.path, query, dict(self.headers), body))
            content = json.dumps(told).encode()
            self.send_response(status)
            for name, value in {**headers, "Content-Type": "application/json"}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = do_PATCH = _answer  # noqa: N815  # names that the base class looks for

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@dataclass
class SalesforceServer:
    """An org with one integration user."""

    url: str = ""
    #: Records by object and id (or external id).
    objects: dict[str, dict[str, dict[str, Json]]] = field(default_factory=dict)
    #: Ids whose writing a rule of the org refuses.
    invalid: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    calls_left: int = 1_000
    sessions: int = 0
    lapsed: set[str] = field(default_factory=set)
    page: int = 2_000
    queries: list[str] = field(default_factory=list)
    _found: list[dict[str, Json]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answered:  # noqa: PLR0911  # one line a refusal reads best in one place
        self.calls.append(f"{asked.method} {asked.path}")
        if asked.path == "/services/oauth2/token":
            return self._log_in(parse_qs(asked.body.decode()))
        token = asked.headers.get("Authorization", "").removeprefix("Bearer ")
        if token in self.lapsed or token != f"session-{self.sessions}":
            return 401, [{"message": "Session expired or invalid", "errorCode": "INVALID_SESSION_ID"}], {}
        if self.calls_left <= 0:
            return 403, [{"message": "TotalRequests Limit exceeded.", "errorCode": "REQUEST_LIMIT_EXCEEDED"}], {}
        self.calls_left -= 1
        if found := re.fullmatch(r"/services/data/v\d+\.0/composite/sobjects(?:/(\w+)/(\w+))?", asked.path):
            return self._written(asked, found[1], found[2])
        if re.fullmatch(r"/services/data/v\d+\.0/queryAll", asked.path):
            return self._queried(asked.query["q"])
        if found := re.fullmatch(r"/services/data/v\d+\.0/query/locator-(\d+)", asked.path):
            return self._page_of(int(found[1]))
        return 404, [{"message": "no such resource", "errorCode": "NOT_FOUND"}], {}

    def _log_in(self, form: dict[str, list[str]]) -> Answered:
        if form != {"grant_type": ["client_credentials"], "client_id": ["id"], "client_secret": ["hush"]}:
            return 400, {"error": "invalid_client", "error_description": "invalid client credentials"}, {}
        self.sessions += 1
        return 200, {"access_token": f"session-{self.sessions}", "instance_url": self.url, "token_type": "Bearer"}, {}

    def _written(self, asked: Asked, object_name: str | None, key: str | None) -> Answered:
        records = asked.json["records"]
        if asked.method != "PATCH" or len(records) > 200 or asked.json["allOrNone"] is not False:
            return 400, [{"message": "at most 200", "errorCode": "EXCEEDED_MAX_TYPES_LIMIT"}], {}
        if object_name is not None and object_name not in self.objects:
            return 404, [{"message": "no such object", "errorCode": "NOT_FOUND"}], {}
        return 200, [self._one(record, object_name, key) for record in records], {}

    def _one(self, record: dict[str, Json], object_name: str | None, key: str | None) -> Json:
        kind = record["attributes"]["type"]
        assert object_name in {None, kind}
        assert (key is None) == ("id" in record), "an id in an update, and in no upsert"
        id_ = str(record["id"] if key is None else record[key])
        held = self.objects.setdefault(kind, {})
        if id_ in self.invalid:
            error = {"statusCode": "FIELD_CUSTOM_VALIDATION_EXCEPTION", "message": f"not {id_}", "fields": []}
            return {"success": False, "errors": [error]}
        if key is None and id_ not in held:
            return {"success": False, "errors": [{"statusCode": "ENTITY_IS_DELETED", "message": "gone", "fields": []}]}
        is_new = id_ not in held
        values = {name: value for name, value in record.items() if name not in {"attributes", "id"}}
        held[id_] = {**held.get(id_, {}), **values}
        return {"id": f"a0{id_[-4:]}", "success": True, "errors": [], "created": is_new}

    def _queried(self, soql: str) -> Answered:
        self.queries.append(soql)
        found = re.fullmatch(r"SELECT (.+) FROM (\w+)(?: WHERE SystemModstamp >= (\S+))?", soql)
        if found is None:
            return 400, [{"message": "unexpected token", "errorCode": "MALFORMED_QUERY"}], {}
        fields, since = found[1].split(", "), found[3] or ""
        held = self.objects.get(found[2], {})
        self._found = [
            {"attributes": {"type": found[2]}, **{name.partition(".")[0]: _of(record, name) for name in fields}}
            for record in held.values()
            if str(record["SystemModstamp"]) >= since
        ]
        return self._page_of(0)

    def _page_of(self, start: int) -> Answered:
        end = start + self.page
        is_done = end >= len(self._found)
        following = {} if is_done else {"nextRecordsUrl": f"/services/data/v62.0/query/locator-{end}"}
        told = {"totalSize": len(self._found), "done": is_done, "records": self._found[start:end], **following}
        return 200, told, {}


def _of(record: dict[str, Json], name: str) -> Json:
    """Give a field, or a field of a parent, as Salesforce nests them."""
    first, _, rest = name.partition(".")
    return record.get(first) if not rest else {rest: record.get(name)}


@dataclass
class HubSpotServer:
    """An account with one private app."""

    objects: dict[str, dict[str, dict[str, Json]]] = field(default_factory=dict)
    invalid: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    #: How many of the next calls come too fast.
    too_fast: int = 0
    most_found: int = 10_000
    #: Says of a batch what it wrote, and nothing of what it did not.
    silent: bool = False

    def answer(self, asked: Asked) -> Answered:
        self.calls.append(f"{asked.method} {asked.path}")
        if asked.headers.get("Authorization") != "Bearer pat-hush":
            return 401, {"status": "error", "category": "INVALID_AUTHENTICATION", "message": "who"}, {}
        if self.too_fast:
            self.too_fast -= 1
            told = {"status": "error", "category": "RATE_LIMITS", "policyName": "TEN_SECONDLY_ROLLING"}
            return 429, told, {"Retry-After": "0"}
        found = re.fullmatch(r"/crm/v3/objects/([\w-]+)(?:/(batch/update|batch/upsert|search))?", asked.path)
        if found is None or found[1] not in self.objects:
            return 404, {"status": "error", "category": "OBJECT_NOT_FOUND", "message": "no such type"}, {}
        match found[2]:
            case "search":
                return self._searched(self.objects[found[1]], asked.json)
            case None:
                return self._listed(self.objects[found[1]], asked.query)
        return self._written(self.objects[found[1]], asked.json["inputs"], is_upsert=found[2].endswith("upsert"))

    def _written(self, held: dict[str, dict[str, Json]], inputs: list[Json], *, is_upsert: bool) -> Answered:
        if len(inputs) > 100 or len({each["id"] for each in inputs}) != len(inputs):
            return 400, {"status": "error", "category": "VALIDATION_ERROR", "message": "at most 100"}, {}
        results, missing, refused = [], [], []
        for each in inputs:
            assert is_upsert == ("idProperty" in each)
            if each["id"] in self.invalid:
                refused.append(each["id"])
            elif not is_upsert and each["id"] not in held:
                missing.append(each["id"])
            else:
                held[each["id"]] = {**held.get(each["id"], {}), **each["properties"]}
                results.append({"id": each["id"]})
        errors = [
            {"status": "error", "category": category, "message": "no", "context": {"ids": ids}}
            for category, ids in (("OBJECT_NOT_FOUND", missing), ("VALIDATION_ERROR", refused))
            if ids
        ]
        told = {"status": "COMPLETE", "results": results}
        if self.silent:
            return 207, told, {}
        return (207, {**told, "numErrors": len(errors), "errors": errors}, {}) if errors else (200, told, {})

    def _listed(self, held: dict[str, dict[str, Json]], query: dict[str, str]) -> Answered:
        assert int(query["limit"]) <= 100
        return 200, _page(sorted(held, key=int), held, int(query.get("after", 0)), int(query["limit"])), {}

    def _searched(self, held: dict[str, dict[str, Json]], body: Json) -> Answered:
        ((modified, by_id),) = (group["filters"] for group in body["filterGroups"])
        after = int(body.get("after", 0))
        if body["limit"] > 100 or after + body["limit"] > self.most_found:
            return 400, {"status": "error", "category": "VALIDATION_ERROR", "message": "too deep"}, {}
        assert (modified["operator"], by_id["operator"]) == ("GTE", "GT")
        found = [
            id_
            for id_ in sorted(held, key=int)
            if _milliseconds(held[id_][modified["propertyName"]]) >= int(modified["value"])
            and int(id_) > int(by_id["value"])
        ]
        return 200, {"total": len(found), **_page(found, held, after, body["limit"])}, {}


def _milliseconds(value: Json) -> int:
    """A time as search takes it; in properties it is ISO 8601."""
    return int(datetime.fromisoformat(str(value)).timestamp() * 1000)


def _page(ids: list[str], held: dict[str, dict[str, Json]], after: int, limit: int) -> Json:
    results = [{"id": id_, "properties": held[id_], "archived": False} for id_ in ids[after : after + limit]]
    following = {"paging": {"next": {"after": str(after + limit)}}} if after + limit < len(ids) else {}
    return {"results": results, **following}
