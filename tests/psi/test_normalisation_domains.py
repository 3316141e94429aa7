"""A website as somebody typed it becomes the registrable domain that its owner answers for, or nothing."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from escrow.psi.normalisation.escrow_1.domains import Domains
from escrow.psi.normalisation.escrow_1.tables import read_tables

DOMAINS = Domains(read_tables("escrow-1"))
TYPED = st.from_regex(
    r"(https?://)?(www\.)?[a-zA-Z0-9.-]{1,30}\.(com|co\.uk|github\.io|ck|zendesk\.com|zz)/?", fullmatch=True
)


@pytest.mark.parametrize(
    "typed",
    [
        "acme.de",
        "www.acme.de",
        "http://acme.de",
        "HTTPS://WWW.ACME.DE/Path?Q=1#Frag",
        "https://acme.de:8443/login",
        "http://user:pa55@www.acme.de/",
        "https://www.acme.de./en/",
        "  acme.de\t",
        "\u00a0www.acme.de\u200b",
        "<https://www.acme.de>",
        '"www.acme.de"',
        "//www.acme.de/about",
        "mailto:sales@acme.de",
        "Jane Doe <jane.doe@acme.de>",
        "jane(at)acme.de",
        "http:/www.acme.de",
        "http//www.acme.de",
        "https:\\\\www.acme.de\\",
        "https://https//acme.de",
        "shop.eu.acme.de",
        "ftp://ftp.acme.de/pub",
        "\uff41\uff43\uff4d\uff45\uff0e\uff44\uff45",
        "acme\u3002de",
        "Website: www.acme.de",
        "acme.de (corporate site)",
        "acme.de;",
        "[acme.de](https://acme.de)",
        "https://www.acme.de / https://blog.acme.de",
    ],
)
def test_every_spelling_of_an_address_gives_its_registrable_domain(typed: str) -> None:
    assert DOMAINS.of(typed) == "acme.de"


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "N/A",
        "-",
        "unknown",
        "https://",
        "https://www.",
        "www",
        "http://localhost:8080",
        "http://10.0.0.5:8080/",
        "192.168.1.1",
        "http://[2001:db8::1]/",
        "v1.2.3",
        "acme",
        "acme.c0m",
        ".com",
        "https://.com",
        "a..com",
        "-acme-.com",
        "under_score.com",
        "com",
        "co.uk",
        "github.io",
        "www.github.io",
        "info@",
        "mailto:",
        "example.com",
        "www.gmail.com",
    ],
)
def test_what_names_no_company_gives_nothing(typed: str) -> None:
    assert DOMAINS.of(typed) == ""


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("b.c.mm", "b.c.mm"),
        ("a.b.c.mm", "b.c.mm"),
        ("c.mm", ""),
        ("www.ck", "www.ck"),
        ("www.www.ck", "www.ck"),
        ("b.test.ck", "b.test.ck"),
        ("b.c.kobe.jp", "b.c.kobe.jp"),
        ("city.kobe.jp", "city.kobe.jp"),
        ("www.city.kobe.jp", "city.kobe.jp"),
        ("kobe.jp", "kobe.jp"),
        ("test.k12.ak.us", "test.k12.ak.us"),
        ("www.test.k12.ak.us", "test.k12.ak.us"),
        ("k12.ak.us", ""),
        ("b.example.uk.com", "example.uk.com"),
        ("mysite.br.com", "mysite.br.com"),
        ("x.github.io", "x.github.io"),
        ("my.domain.cloudfront.net", "domain.cloudfront.net"),
        ("3m.com.evil.org", "evil.org"),
    ],
)
def test_the_suffix_list_decides_with_wildcards_exceptions_and_its_private_section(typed: str, domain: str) -> None:
    assert DOMAINS.of(typed) == domain


@pytest.mark.parametrize(
    ("ascii_form", "native_form"),
    [
        ("xn--mllermilch-9db.de", "müllermilch.de"),
        ("www.XN--85X722F.com.cn", "食狮.com.cn"),
        ("https://xn--d1acpjx3f.xn--p1ai/", "ЯНДЕКС.рф"),
        ("xn--strae-oqa.de", "straße.de"),
    ],
)
def test_an_international_domain_is_the_same_in_both_forms(ascii_form: str, native_form: str) -> None:
    assert DOMAINS.of(ascii_form) == DOMAINS.of(native_form) != ""


@pytest.mark.parametrize("label", ["xn--a", "xn--abc-", "xn--\u00fc"])
def test_a_label_that_only_pretends_to_be_international_is_read_as_it_stands(label: str) -> None:
    assert DOMAINS.of(f"{label}.acme.de") in ("acme.de", "")


def test_tenants_of_a_platform_are_told_apart_from_it_and_from_each_other() -> None:
    assert DOMAINS.of("acme.zendesk.com") == "acme.zendesk.com"
    assert DOMAINS.of("globex.zendesk.com/hc") == "globex.zendesk.com"
    assert DOMAINS.of("https://www.zendesk.com/pricing") == "zendesk.com"


def test_a_page_on_somebody_elses_site_names_nobody_but_the_site_itself_is_a_company() -> None:
    assert DOMAINS.of("https://www.linkedin.com/company/acme") == ""
    assert DOMAINS.of("https://sites.google.com/view/acme") == ""
    assert DOMAINS.of("https://www.linkedin.com/") == "linkedin.com"


def test_free_mail_is_ignored_in_addresses_of_mail_only() -> None:
    assert DOMAINS.of("jane@cox.net") == ""
    assert DOMAINS.of("https://www.cox.net") == "cox.net"
    assert DOMAINS.of("jane@yahoo.co.jp, www.acme.de") == "acme.de"


@given(TYPED)
@example("K-elvin.com".replace("K", "\u212a"))
def test_the_fast_path_gives_what_the_long_way_gives(typed: str) -> None:
    assert DOMAINS.of(typed) == DOMAINS.of_any_spelling(typed)


@given(st.text())
def test_any_text_gives_a_domain_in_nfc_that_gives_itself_again(typed: str) -> None:
    domain = DOMAINS.of(typed)
    assert unicodedata.is_normalized("NFC", domain)
    assert DOMAINS.of(domain) == domain


@given(st.lists(st.one_of(TYPED, st.text(alphabet=st.characters(exclude_characters="\n"))), max_size=6))
@example(["", "acme.de", "", "n/a", ""])
@example(["com", "example.com", "WWW.ACME.CO.UK/", "https://github.io", "acme.github.io"])
@example(["acme.de\nglobex.de", "initech.com"])
def test_many_at_once_are_read_as_one_by_one(websites: list[str]) -> None:
    assert DOMAINS.of_each(websites) == [DOMAINS.of(website) for website in websites]
