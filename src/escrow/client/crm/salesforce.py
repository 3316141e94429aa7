"""Salesforce's REST interface: the client credentials flow, sObject Collections, and queries page by page.

A session that has lapsed is renewed once. What Salesforce answers is told by its error codes alone: its messages repeat
values.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from escrow.client.calling import Called, Caller, check_called
from escrow.client.named_secrets import Secret
from escrow.errors import ClientError, SinkFailed

__all__ = ["API_VERSION", "MOST_RECORDS", "Salesforce", "SalesforceCall", "SalesforceKeys"]

API_VERSION = "v62.0"
#: The most records that one call of sObject Collections takes.
MOST_RECORDS = 200


@dataclass(frozen=True, slots=True)
class SalesforceKeys:
    """The org's address, ``https://NAME.my.salesforce.com``, and the client credentials of an app in it."""

    url: str
    client_id: Secret
    client_secret: Secret


@dataclass(frozen=True, slots=True)
class SalesforceCall:
    """A call that writes records, as it is made and as a dry run prints it."""

    method: str
    path: str
    body: Mapping[str, Any] = field(repr=False)


class Salesforce:
    """One org; ``error`` is what failures are told as."""

    def __init__(self, keys: SalesforceKeys, caller: Caller, *, error: type[ClientError] = SinkFailed) -> None:
        self._keys = keys
        self._caller = caller
        self._error = error
        self._session: tuple[str, str] | None = None

    def write(self, call: SalesforceCall) -> list[str | None]:
        """Make a call; give for each record its error code, or None if it was written, in the order of the records."""
        answer = self._call(call.method, call.path, json=call.body)
        results = answer.json
        if answer.status != 200 or not isinstance(results, list) or len(results) != len(call.body["records"]):
            raise self._failed(answer)
        told = [result if isinstance(result, Mapping) else {} for result in results]
        return [None if result.get("success") is True else _code(result.get("errors")) for result in told]

    def query(self, soql: str) -> Iterator[Mapping[str, Any]]:
        """Yield the records that a query finds, deleted ones too."""
        answer = self._call("GET", f"/services/data/{API_VERSION}/queryAll", query={"q": soql})
        while True:
            page = answer.json
            if answer.status != 200 or not isinstance(page, dict) or not isinstance(page.get("records"), list):
                raise self._failed(answer)
            yield from page["records"]
            following = page.get("nextRecordsUrl")
            if page.get("done") is not False or not isinstance(following, str):
                return
            answer = self._call("GET", following)

    def close(self) -> None:
        """Give the connections back."""
        self._caller.close()

    def _call(self, method: str, path: str, *, json: object = None, query: Mapping[str, str] | None = None) -> Called:
        if not path.startswith("/"):
            raise self._error("Salesforce named a next page that is no path of it")
        answer = self._called(method, path, json, query)
        if answer.status == 401:
            self._session = None
            answer = self._called(method, path, json, query)
        return answer

    def _called(self, method: str, path: str, json: object, query: Mapping[str, str] | None) -> Called:
        url, token = self._session = self._session or self._log_in()
        headers = {"Authorization": f"Bearer {token}"}
        return self._caller.call(method, f"{url}{path}", headers=headers, json=json, query=query, error=self._error)

    def _log_in(self) -> tuple[str, str]:
        url = check_called(self._keys.url, "Salesforce", error=self._error)
        form = {
            "grant_type": "client_credentials",
            "client_id": self._keys.client_id.text,
            "client_secret": self._keys.client_secret.text,
        }
        answer = self._caller.call("POST", f"{url}/services/oauth2/token", form=form, error=self._error)
        session = answer.json if isinstance(answer.json, dict) else {}
        token, instance = session.get("access_token"), session.get("instance_url")
        if answer.status != 200 or not isinstance(token, str) or not isinstance(instance, str):
            raise self._error(
                f"Salesforce gave no session ({answer.status}, {_code_of(answer)}); look at the client id and secret, "
                "and that the app allows the client credentials flow and has a user to run as"
            )
        instance = check_called(instance, "Salesforce", error=self._error)
        if not _is_same_site(url, instance):
            raise self._error("Salesforce names an instance that is not of the address in escrow.toml")
        return instance, token

    def _failed(self, answer: Called) -> ClientError:
        code = _code_of(answer)
        told = _WHAT_TO_DO.get(code, "look at the object, the fields and the rights of the user that the app runs as")
        return self._error(f"Salesforce answered {answer.status} ({code}); {told}")


_WHAT_TO_DO = {
    "REQUEST_LIMIT_EXCEEDED": "the org has used up its calls of the day; the next sync goes on",
    "INVALID_SESSION_ID": "the session is not taken; look at the app's rights",
    "NOT_FOUND": "there is no such object or external id field; docs/sync.md says what to make",
    "INVALID_FIELD": "a field that escrow.toml names is not there, or the user may not see it",
}


def _code_of(answer: Called) -> str:
    if isinstance(answer.json, dict):
        return _word(answer.json.get("error"))
    return _code(answer.json)


def _code(errors: object) -> str:
    """Read the code of the first error, under either of the names that it has."""
    first = errors[0] if isinstance(errors, Sequence) and not isinstance(errors, str) and errors else {}
    if not isinstance(first, Mapping):
        return "unknown"
    return _word(first.get("errorCode") or first.get("statusCode"))


def _word(code: object) -> str:
    return code if isinstance(code, str) and code.replace("_", "").isalnum() and len(code) <= 80 else "unknown"


def _is_same_site(url: str, instance: str) -> bool:
    """Hold the instance to the site of the address that somebody wrote: a token goes nowhere else."""
    named, given = urlsplit(url).hostname or "", urlsplit(instance).hostname or ""
    return given == named or (named.endswith(".salesforce.com") and given.endswith(".salesforce.com"))
