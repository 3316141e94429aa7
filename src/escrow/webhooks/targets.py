"""Where the service may post to: the one form of URL it takes, and every address that it never connects to.

An endpoint's URL is chosen by an organization, and the service stands inside of its operator's network: whoever could
make it post to an address of that network would have walked around the firewall. So a URL has one plain form, in which
two parsers cannot read two hosts; and what a name resolves to is held to a list of our own, since the standard
library's ``is_global`` lets ways into private networks pass: NAT64, 6to4, multicast, the metadata address of one cloud.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_network

from escrow.errors import WebhookUrlInvalid

__all__ = ["Address", "EgressRule", "Network", "Target"]

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network

_LONGEST_URL = 2_000

#: Scheme, host, port, and path with query: no user, no fragment, no bracket, nothing beyond ASCII.
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9.-]{1,253})(:(?P<port>[1-9][0-9]{0,4}))?"
    r"(?P<path>/[A-Za-z0-9._~!$&'()*+,;=:@%/-]*(\?[A-Za-z0-9._~!$&'()*+,;=:@%/?-]*)?)?"
)
_LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
#: The last label of a name is a word; one that begins like a number may be read as an address by some resolver.
_LAST_LABEL = re.compile(r"[a-z][a-z0-9-]*[a-z0-9]")
#: Names that mean this machine or a network of its own, whatever they resolve to (RFC 6761, 6762, 8375, 9476).
_OWN_NAMES = ("localhost", "local", "localdomain", "internal", "intranet", "lan", "home.arpa", "test", "onion", "alt")

_LOOPBACK = (ip_network("127.0.0.0/8"), ip_network("::1/128"))

_DENIED_V4 = tuple(
    ip_network(each)
    for each in (
        "0.0.0.0/8",  # this network
        "10.0.0.0/8",  # private
        "100.64.0.0/10",  # carriers' NAT, and the metadata of one cloud
        "127.0.0.0/8",  # loopback
        "168.63.129.16/32",  # metadata of one cloud
        "169.254.0.0/16",  # link-local, and the metadata of most clouds
        "172.16.0.0/12",  # private
        "192.0.0.0/24",  # protocol assignments, and the metadata of one cloud
        "192.0.2.0/24",  # documentation
        "192.31.196.0/24",  # AS112
        "192.52.193.0/24",  # AMT
        "192.88.99.0/24",  # relays of 6to4
        "192.168.0.0/16",  # private
        "192.175.48.0/24",  # AS112
        "198.18.0.0/15",  # measurements
        "198.51.100.0/24",  # documentation
        "203.0.113.0/24",  # documentation
        "224.0.0.0/4",  # multicast
        "240.0.0.0/4",  # reserved, and broadcast
    )
)
#: Outside of it lie loopback, link-local, unique local, multicast, and all that carries an IPv4 address but 6to4.
_GLOBAL_V6 = ip_network("2000::/3")
_DENIED_V6 = tuple(
    ip_network(each)
    for each in (
        "2001::/23",  # protocol assignments: Teredo, ORCHID, benchmarks
        "2001:db8::/32",  # documentation
        "2002::/16",  # 6to4
        "2620:4f:8000::/48",  # AS112
        "3fff::/20",  # documentation
    )
)


@dataclass(frozen=True, slots=True)
class EgressRule:
    """What the operator decides: the ports, further networks that are denied, and loopback for development alone."""

    ports: frozenset[int] = frozenset({443})
    denied: tuple[Network, ...] = ()
    allows_loopback: bool = False

    def permits(self, address: Address) -> bool:
        """Tell whether the service may connect to an address."""
        if any(address in network for network in self.denied):
            return False
        if self.allows_loopback and any(address in network for network in _LOOPBACK):
            return True
        if isinstance(address, IPv4Address):
            return not any(address in network for network in _DENIED_V4)
        # A zone names a link of this machine.
        is_global = address.scope_id is None and address in _GLOBAL_V6
        return is_global and not any(address in network for network in _DENIED_V6)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL that the service may post to, as far as the URL tells; its path is a secret: who has it may post."""

    scheme: str
    host: str
    port: int
    path: str = field(repr=False)

    @classmethod
    def parse(cls, unverified: str, rule: EgressRule) -> Target:
        """Read a URL of the one form there is, or raise WebhookUrlInvalid; the refusal does not repeat it."""
        form = _URL.fullmatch(unverified) if len(unverified) <= _LONGEST_URL else None
        if form is None:
            raise WebhookUrlInvalid(
                "A webhook's URL has the form https://host/path, in ASCII and without a user, a fragment or a space; "
                "write an international name in its xn-- form."
            )
        scheme, host = form["scheme"], form["host"].lower()
        target = cls(scheme, host, int(form["port"] or (443 if scheme == "https" else 80)), form["path"] or "/")
        target._must_be_allowed(rule)
        return target

    @property
    def url(self) -> str:
        """The whole URL."""
        return f"{self.scheme}://{self.host}:{self.port}{self.path}"

    @property
    def masked(self) -> str:
        """What may be shown of it: the host alone, since path and query often hold the right to post."""
        return f"{self.scheme}://{self.host}/…"

    def _must_be_allowed(self, rule: EgressRule) -> None:
        if rule.allows_loopback and _is_loopback(self.host) and self.port <= 65_535:
            return
        if self.scheme != "https":
            raise WebhookUrlInvalid("A webhook's URL begins with https://.")
        if self.port not in rule.ports:
            ports = ", ".join(map(str, sorted(rule.ports)))
            raise WebhookUrlInvalid(f"Webhooks are posted to these ports alone: {ports}.")
        if not _is_public_name(self.host):
            raise WebhookUrlInvalid("A webhook's host is a public name such as hooks.example.com, and no address.")


def _is_loopback(host: str) -> bool:
    return host in {"localhost", "127.0.0.1"}


def _is_public_name(host: str) -> bool:
    *labels, last = host.split(".")
    is_name = bool(labels) and all(map(_LABEL.fullmatch, labels)) and _LAST_LABEL.fullmatch(last) is not None
    return is_name and not any(host.endswith(f".{own}") for own in _OWN_NAMES)
