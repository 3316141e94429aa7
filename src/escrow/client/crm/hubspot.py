"""HubSpot's CRM interface: batches of objects, and pages of what was modified since.

What HubSpot answers is told by its categories alone: its messages repeat values. Search shows at most 10,000 results,
so that a long list is gone through by the record id.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from escrow.client.calling import Called, Caller, check_called
from escrow.client.named_secrets import Secret
from escrow.errors import ClientError, SinkFailed

__all__ = ["MOST_INPUTS", "HubSpot", "HubSpotCall"]

#: The most inputs of one batch.
MOST_INPUTS = 100
_PAGE = 100
#: Search gives no results beyond this many.
_MOST_FOUND = 10_000


@dataclass(frozen=True, slots=True)
class HubSpotCall:
    """A call that writes records, as it is made and as a dry run prints it."""

    path: str
    body: Mapping[str, Any] = field(repr=False)
    method: str = "POST"


class HubSpot:
    """One account, by the token of a private app; ``error`` is what failures are told as."""

    def __init__(
        self,
        url: str,
        token: Secret,
        caller: Caller,
        *,
        error: type[ClientError] = SinkFailed,
        most_found: int = _MOST_FOUND,
    ) -> None:
        self._url = url
        self._token = token
        self._caller = caller
        self._error = error
        self._most_found = most_found

    def write(self, call: HubSpotCall) -> dict[str, str]:
        """Make a call; give the ids that were not written, by the category of why.

        A batch answers 207 where some were written. An error that names no id is of the whole batch.
        """
        answer = self._call("POST", call.path, json=call.body)
        if answer.status not in {200, 201, 207} or not isinstance(answer.json, dict):
            raise self._failed(answer)
        asked = {each["id"] for each in call.body["inputs"]}
        refused: dict[str, str] = {}
        for error in answer.json.get("errors") or ():
            ids, category = _ids_of(error)
            refused |= dict.fromkeys(asked.intersection(ids), category)
            if not asked.issuperset(ids) or not ids:
                raise self._error(f"HubSpot refused a batch ({category}); {_LOOK}")
        if len(answer.json.get("results") or ()) + len(refused) < len(asked):
            raise self._error(f"HubSpot did not write all of a batch, and does not say which; {_LOOK}")
        return refused

    def listed(self, object_type: str, properties: Sequence[str]) -> Iterator[Mapping[str, Any]]:
        """Yield every object that is not archived."""
        query = {"limit": str(_PAGE), "properties": ",".join(properties), "archived": "false"}
        while True:
            page = self._page(self._call("GET", f"/crm/v3/objects/{object_type}", query=query))
            yield from page["results"]
            if (after := _after(page)) is None:
                return
            query = {**query, "after": after}

    def modified(
        self, object_type: str, properties: Sequence[str], *, since: int, by: str
    ) -> Iterator[Mapping[str, Any]]:
        """Yield the objects whose property ``by`` is a time since then, in milliseconds; by id, where they are many."""
        last_id = "0"
        while True:
            found = 0
            for record in self._searched(object_type, properties, since=since, by=by, last_id=last_id):
                found += 1
                last_id = str(record.get("id"))
                yield record
            if found < self._most_found:
                return

    def close(self) -> None:
        """Give the connections back."""
        self._caller.close()

    def _searched(
        self, object_type: str, properties: Sequence[str], *, since: int, by: str, last_id: str
    ) -> Iterator[Mapping[str, Any]]:
        filters = [
            {"propertyName": by, "operator": "GTE", "value": str(since)},
            {"propertyName": "hs_object_id", "operator": "GT", "value": last_id},
        ]
        body: dict[str, object] = {
            "filterGroups": [{"filters": filters}],
            "sorts": [{"propertyName": "hs_object_id", "direction": "ASCENDING"}],
            "properties": list(properties),
            "limit": _PAGE,
        }
        for found in range(_PAGE, self._most_found + 1, _PAGE):
            page = self._page(self._call("POST", f"/crm/v3/objects/{object_type}/search", json=body))
            yield from page["results"]
            after = _after(page)
            if after is None or found == self._most_found:
                return
            body = {**body, "after": after}

    def _page(self, answer: Called) -> Mapping[str, Any]:
        if answer.status != 200 or not isinstance(answer.json, dict) or "results" not in answer.json:
            raise self._failed(answer)
        page: Mapping[str, Any] = answer.json
        return page

    def _call(self, method: str, path: str, *, json: object = None, query: Mapping[str, str] | None = None) -> Called:
        url = check_called(self._url, "HubSpot", error=self._error)
        headers = {"Authorization": f"Bearer {self._token.text}"}
        return self._caller.call(method, f"{url}{path}", headers=headers, json=json, query=query, error=self._error)

    def _failed(self, answer: Called) -> ClientError:
        category = _word(answer.json.get("category")) if isinstance(answer.json, dict) else "unknown"
        told = _WHAT_TO_DO.get(answer.status, _LOOK)
        return self._error(f"HubSpot answered {answer.status} ({category}); {told}")


_LOOK = "look at the object, its properties, and the scopes of the private app"
_WHAT_TO_DO = {
    401: "the token of the private app is not taken: it was replaced, or the app was removed",
    403: "the private app lacks a scope for these objects",
    429: "the account has used up its calls; the next sync goes on",
}


def _after(page: Mapping[str, Any]) -> str | None:
    following = (page.get("paging") or {}).get("next") or {}
    return str(following["after"]) if following.get("after") else None


def _ids_of(error: object) -> tuple[list[str], str]:
    """Read of which inputs an error is, and its category."""
    told = error if isinstance(error, Mapping) else {}
    context = told.get("context")
    ids = context.get("ids") if isinstance(context, Mapping) else None
    return [str(each) for each in ids] if isinstance(ids, list) else [], _word(told.get("category"))


def _word(category: object) -> str:
    return category if isinstance(category, str) and category.replace("_", "").isalnum() else "unknown"
