"""The one form of URL that webhooks are posted to, and the addresses that they never go to."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest

from escrow.errors import WebhookUrlInvalid
from escrow.webhooks.targets import EgressRule, Target

RULE = EgressRule(ports=frozenset({443, 8443}))

#: Each is meant to reach a private address, or to be read as another host by another parser.
TRICKS = [
    "http://hooks.example.com/",
    "HTTPS://hooks.example.com/",
    "https:hooks.example.com/",
    "https:/hooks.example.com/",
    "https:///hooks.example.com/",
    "//hooks.example.com/",
    "file:///etc/passwd",
    "gopher://hooks.example.com/",
    "https://127.0.0.1/",
    "https://127.1/",
    "https://127.000.000.001/",
    "https://2130706433/",
    "https://017700000001/",
    "https://0177.0.0.1/",
    "https://0x7f000001/",
    "https://0x7f.0.0.1/",
    "https://0x7F.1/",
    "https://0/",
    "https://0.0.0.0/",
    "https://10.0.0.1/",
    "https://192.168.1.1/",
    "https://172.16.0.1/",
    "https://169.254.169.254/latest/meta-data/",
    "https://2852039166/",
    "https://0xa9fea9fe/",
    "https://0251.0376.0251.0376/",
    "https://127.0.0.1.:443/",
    "https://8.8.8.8/",
    "https://[::1]/",
    "https://[::]/",
    "https://[::ffff:127.0.0.1]/",
    "https://[::ffff:7f00:1]/",
    "https://[64:ff9b::7f00:1]/",
    "https://[2002:7f00:1::]/",
    "https://[fe80::1%25eth0]/",
    "https://[fe80::1%eth0]/",
    "https://[fd00:ec2::254]/",
    "https://[hooks.example.com]/",
    "https://localhost/",
    "https://LOCALHOST/",
    "https://localhost./",
    "https://localhost.localdomain/",
    "https://app.localhost/",
    "https://printer.local/",
    "https://metadata.google.internal/",
    "https://router.lan/",
    "https://nas.home.arpa/",
    "https://intranet/",
    "https://hooks.example.com./",
    "https://hooks..example.com/",
    "https://.example.com/",
    "https://-hooks.example.com/",
    "https://hooks.example.1/",
    "https://hooks.example.0x7f/",
    "https://user@hooks.example.com/",
    "https://user:secret@hooks.example.com/",
    "https://hooks.example.com@127.0.0.1/",
    "https://127.0.0.1#@hooks.example.com/",
    "https://hooks.example.com#@127.0.0.1/",
    "https://hooks.example.com\\@127.0.0.1/",
    "https://127.0.0.1\\.hooks.example.com/",
    "https:\\\\hooks.example.com/",
    "https://hooks.example.com%2f@127.0.0.1/",
    "https://127.0.0.1%00.example.com/",
    "https://%31%32%37.0.0.1/",
    "https://hooks.example.com:22/",
    "https://hooks.example.com:0/",
    "https://hooks.example.com:65536/",
    "https://hooks.example.com:0443/",
    "https://hooks.example.com:443:80/",
    "https://hooks.example.com:４43/",
    "https://hooks.example.com:/",
    "https://ⓛⓞⓒⓐⓛⓗⓞⓢⓣ/",
    "https://①②⑦.0.0.1/",
    "https://127。0。0。1/",
    "https://hook\u200bs.example.com/",
    "https://hooks.examp\u00adle.com/",
    "https://hooks.example.com\u202e/",
    "https://bücher.example/",
    "https://hooks.example.com/\r\nHost: 127.0.0.1",
    "https://hooks.example.com/ HTTP/1.1",
    "https://hooks.example.com\t/",
    " https://hooks.example.com/",
    "https://hooks.example.com/\n",
    "https://hooks.example.com/\x00",
    "https://hooks.example.com/#fragment",
    "https://hooks.example.com?a=b",
    "https://hooks_example.com/",
    "https://",
    "",
    f"https://hooks.example.com/{'a' * 2000}",
]


@pytest.mark.parametrize("url", TRICKS)
def test_a_url_in_any_other_form_is_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(WebhookUrlInvalid) as refused:
        Target.parse(url, RULE)
    assert len(url) < 12 or url not in refused.value.message


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://hooks.example.com", "hooks.example.com", 443, "/"),
        ("https://Hooks.Example.com/a/b?c=d%20e", "hooks.example.com", 443, "/a/b?c=d%20e"),
        ("https://xn--bcher-kva.example.com:8443/x", "xn--bcher-kva.example.com", 8443, "/x"),
        ("https://10-0-0-1.example.com/", "10-0-0-1.example.com", 443, "/"),
    ],
)
def test_a_public_name_over_https_is_taken(url: str, host: str, port: int, path: str) -> None:
    target = Target.parse(url, RULE)
    assert (target.host, target.port, target.path) == (host, port, path)


def test_neither_the_path_nor_the_query_of_a_url_is_shown() -> None:
    target = Target.parse("https://hooks.slack.example.com/services/T0/B0/secret?token=secret", RULE)
    assert target.masked == "https://hooks.slack.example.com/…"
    assert "secret" not in repr(target) + target.masked


DENIED = [
    "0.0.0.0",  # noqa: S104 - an address that is refused
    "0.1.2.3",
    "10.255.255.255",
    "100.64.0.1",
    "100.100.100.200",
    "127.0.0.1",
    "127.255.255.254",
    "168.63.129.16",
    "169.254.169.254",
    "172.31.0.1",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "192.168.0.1",
    "198.19.0.1",
    "203.0.113.7",
    "224.0.0.1",
    "239.255.255.250",
    "255.255.255.255",
    "::",
    "::1",
    "::ffff:8.8.8.8",
    "::8.8.8.8",
    "64:ff9b::808:808",
    "64:ff9b:1::1",
    "100::1",
    "2001::1",
    "2001:20::1",
    "2001:db8::1",
    "2002:808:808::1",
    "3fff::1",
    "5f00::1",
    "fc00::1",
    "fd00:ec2::254",
    "fe80::1",
    "fe80::1%eth0",
    "fec0::1",
    "ff02::1",
    "2606:4700::1%eth0",
]


@pytest.mark.parametrize("address", DENIED)
def test_no_address_of_a_network_that_is_not_the_public_one_is_permitted(address: str) -> None:
    assert not RULE.permits(ip_address(address))


@pytest.mark.parametrize("address", ["8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700::1111"])
def test_a_public_address_is_permitted(address: str) -> None:
    assert RULE.permits(ip_address(address))


def test_an_operator_denies_further_networks() -> None:
    rule = EgressRule(denied=(ip_network("8.8.8.0/24"), ip_network("127.0.0.0/8")), allows_loopback=True)
    assert not rule.permits(ip_address("8.8.8.8"))
    assert not rule.permits(ip_address("127.0.0.1"))


def test_loopback_is_taken_over_plain_http_only_where_the_operator_develops() -> None:
    rule = EgressRule(allows_loopback=True)
    assert Target.parse("http://127.0.0.1:9/", rule).port == 9
    assert rule.permits(ip_address("::1"))
    for url in ("http://hooks.example.com/", "http://10.0.0.1/", "http://127.0.0.1:99999/", "http://127.1/"):
        with pytest.raises(WebhookUrlInvalid):
            Target.parse(url, rule)
