"""Addresses that only lead to another one: link wrappers of search engines, mail filters, archives and translators."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import unquote

from escrow.psi.normalisation.escrow_2.web_tables import WebTables

__all__ = ["Redirects"]

_HIDDEN_HYPHEN = "\x00"


class Redirects:
    """The addresses inside an address, by the frozen table of hosts that wrap links."""

    __slots__ = ("_by_host", "_hyphenated")

    def __init__(self, tables: WebTables) -> None:
        self._by_host = tables.redirects
        self._hyphenated = tuple(f".{host}" for host in tables.hyphenated)

    def inside(self, host: str, rest: str) -> Iterator[str]:
        """Yield the texts in which the address that this one leads to may stand."""
        if host.endswith(self._hyphenated):
            yield _unhyphenated(host.partition(".")[0])
        for name in (host, host.partition(".")[0] + ".*", "*." + host.partition(".")[2]):
            for redirect in self._by_host.get(name, ()):
                if rest.startswith(redirect.path):
                    yield from _inside(rest.removeprefix(redirect.path), redirect.parameter)


def _inside(rest: str, parameter: str) -> Iterator[str]:
    if parameter:
        value = re.search(rf"(?:^|[?&]){re.escape(parameter)}=([^&#]*)", rest)
        if value:
            yield unquote(value[1])
        return
    rest = unquote(rest).strip("_/?")
    yield rest
    # A date, a kind of page or the like may stand before the address.
    yield rest.partition("/")[2]


def _unhyphenated(label: str) -> str:
    """Read a host that is written as one label: a dot as a hyphen, a hyphen as two."""
    return label.replace("--", _HIDDEN_HYPHEN).replace("-", ".").replace(_HIDDEN_HYPHEN, "-")
