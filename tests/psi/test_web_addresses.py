"""A website as somebody typed it becomes the domains that its owner answers for, or nothing."""

from __future__ import annotations

import pytest

from escrow.psi.normalisation.escrow_2.web import MOST_KEYS, WebAddresses
from escrow.psi.normalisation.escrow_2.web_tables import read_web_tables

WEB = WebAddresses(read_web_tables())


@pytest.mark.parametrize(
    "typed",
    [
        "acme.de",
        "www.acme.de",
        "HTTPS://WWW.ACME.DE/Path?Q=1#Frag",
        "https://acme.de:8443/login",
        "http://user:pa55@www.acme.de/",
        "https://www.acme.de./en/",
        "\u00a0www.acme.de\u200b",
        "\u202aacme.de\u202c",
        "ac\u00adme.de",
        "acme.de\x00",
        "<https://www.acme.de>",
        '"www.acme.de"',
        "\u201cacme.de\u201d",
        "//www.acme.de/about",
        "mailto:sales@acme.de",
        "Jane Doe <jane.doe@acme.de>",
        "jane(at)acme.de",
        "jane [at] acme [dot] de",
        "acme[.]de",
        "acme dot de",
        "http:/www.acme.de",
        "http//www.acme.de",
        "htp://www.acme.de",
        "http:acme.de",
        "https;//acme.de",
        "https:\\\\www.acme.de\\",
        "https://https//acme.de",
        "https%3A%2F%2Fwww.acme.de%2Fabout",
        "view-source:https://acme.de",
        "web:acme.de",
        "shop.eu.acme.de",
        "mail_1.acme.de",
        "acme..de",
        "ftp://ftp.acme.de/pub",
        "\uff41\uff43\uff4d\uff45\uff0e\uff44\uff45",
        "acme\u3002de",
        "Website: www.acme.de",
        "acme.de (corporate site)",
        "acme.de;",
        "[acme.de](https://acme.de)",
        "https://acme.de/a,globex.com",
        "https://www.acme.de / https://blog.acme.de",
        "www. acme.de",
        "acme .de",
        "acme. de",
        "acme,de",
        "* acme.de!",
        "acme%2Ede",
        "%20acme.de%20",
        "acme.de&nbsp;",
        "https//:acme.de",
        "-acme.de",
        "https://acme.dehttps://www.acme.de/about",
        "href=https://acme.de/",
        '<a href="https://acme.de">Acme</a>',
        '["acme.de", "www.acme.de"]',
    ],
)
def test_every_spelling_of_an_address_gives_its_registrable_domain(typed: str) -> None:
    assert WEB.keys_of(typed) == ("acme.de",)


@pytest.mark.parametrize(
    "typed",
    [
        *("", " ", "N/A", "-", "none yet", "unknown", "https://", "https://www.", "www", "mailto:", "info@", "@"),
        *("http://localhost:8080", "http://10.0.0.5:8080/", "192.168.1.1", "http://[2001:db8::1]/", "v1.2.3"),
        *(
            "acme",
            "acme.c0m",
            ".com",
            "https://.com",
            "under_score.com",
            "com",
            "co.uk",
            "a.b",
            "www.com",
            "acme-.-x.com",
        ),
        *("github.io", "www.github.io", "sharepoint.com", "example.com", "www.example.de", "test.com", "co.ltd"),
        *("www.gmail.com", "jane@hotmail.se", "jane@cox.net", "Acme Inc.", "Berlin, de", "Acme,co", "\ud800", "\x00"),
        "a" * 64 + ".com",
    ],
)
def test_what_names_no_company_gives_nothing(typed: str) -> None:
    assert WEB.keys_of(typed) == ()


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("a.b.c.mm", "b.c.mm"),
        ("www.www.ck", "www.ck"),
        ("b.c.kobe.jp", "b.c.kobe.jp"),
        ("city.kobe.jp", "city.kobe.jp"),
        ("www.test.k12.ak.us", "test.k12.ak.us"),
        ("mysite.br.com", "mysite.br.com"),
        ("x.github.io", "x.github.io"),
        ("my.domain.cloudfront.net", "domain.cloudfront.net"),
        ("3m.com.evil.org", "evil.org"),
    ],
)
def test_the_suffix_list_decides_with_wildcards_exceptions_and_its_private_section(typed: str, key: str) -> None:
    assert WEB.keys_of(typed) == (key,)


def test_several_addresses_in_a_cell_give_their_domains_in_order_and_none_twice() -> None:
    assert WEB.keys_of("acme.de; www.globex.com\nACME.de, n/a | initech.org") == (
        "acme.de",
        "globex.com",
        "initech.org",
    )


def test_a_cell_gives_a_few_domains_at_most() -> None:
    assert len(WEB.keys_of(" ".join(f"acme{number}.de" for number in range(100)))) == MOST_KEYS


def test_tenants_of_a_platform_are_told_apart_from_it_and_from_each_other() -> None:
    assert WEB.keys_of("acme.zendesk.com") == ("acme.zendesk.com",)
    assert WEB.keys_of("https://globex.zendesk.com/hc") == ("globex.zendesk.com",)
    assert WEB.keys_of("https://support.zendesk.com/hc") == ("zendesk.com",)
    assert WEB.keys_of("https://www.zendesk.com/pricing") == ("zendesk.com",)
    assert WEB.keys_of("https://acme.eu.auth0.com/login") == ("acme.eu.auth0.com",)
    assert WEB.keys_of("https://blog.hp.zendesk.com") == ("hp.zendesk.com",)
    assert WEB.keys_of("acme.en.alibaba.com") == ("acme.en.alibaba.com",)
    assert WEB.keys_of("https://acme.1688.com/page/offerlist.htm") == ("acme.1688.com",)
    assert WEB.keys_of("https://www.1688.com") == ("1688.com",)
    assert WEB.keys_of("http://acme.free.fr/index.html") == ("acme.free.fr",)


def test_a_host_that_customers_share_names_none_of_them() -> None:
    assert WEB.keys_of("privacyportal.onetrust.com/webform/1") == ()
    assert WEB.keys_of("acme.privacy.saymine.io") == ()
    assert WEB.keys_of("https://spb.hh.ru/employer/1") == ()
    assert WEB.keys_of("https://www.onetrust.com/solutions") == ("onetrust.com",)


@pytest.mark.parametrize(
    "page",
    [
        "https://www.linkedin.com/company/acme",
        "https://de.linkedin.com/company/acme/about",
        "facebook.com/acme",
        "m.facebook.com/acme",
        "https://x.com/acme",
        "https://twitter.com/#!/acme",
        "github.com/acme",
        "https://www.crunchbase.com/organization/acme",
        "https://sites.google.com/view/acme",
        "https://apps.apple.com/app/acme/id1",
        "https://www.amazon.co.uk/stores/acme",
        "https://www.ebay.de/str/acme",
        "https://www.amazon.com/dp/acme",
        "https://www.amazon.com/en/stores/acme",
        "https://bit.ly/abc",
        "https://boards.greenhouse.io/acme",
        "https://www.yell.com/biz/acme-1/",
        "https://www.societe.com/societe/acme-1.html",
        "https://www.mercadolibre.com.ar/perfil/ACME",
        "https://ameblo.jp/acme/",
        "http://perso.wanadoo.fr/acme",
        "https://www.afternic.com/domain/acme.com",
        "https://forsale.godaddy.com/forsale/acme.com",
        "https://teams.microsoft.com",
        "https://login.microsoftonline.com/common",
    ],
)
def test_a_page_on_somebody_elses_site_names_nobody(page: str) -> None:
    assert WEB.keys_of(page) == ()


@pytest.mark.parametrize(
    ("typed", "key"),
    [
        ("https://www.linkedin.com/", "linkedin.com"),
        ("https://www.facebook.com/?ref=bookmarks", "facebook.com"),
        ("https://github.com/about", "github.com"),
        ("https://x.com/en/privacy", "x.com"),
        ("https://about.linkedin.com/newsroom", "linkedin.com"),
        ("https://www.ebay.com/help/home", "ebay.com"),
        ("https://aws.amazon.com/s3", "amazon.com"),
        ("https://www.yell.com/", "yell.com"),
        ("https://corp.rakuten.co.jp/about", "rakuten.co.jp"),
    ],
)
def test_a_sites_own_pages_name_the_site(typed: str, key: str) -> None:
    assert WEB.keys_of(typed) == (key,)


def test_free_mail_is_ignored_in_addresses_of_mail_only() -> None:
    assert WEB.keys_of("https://www.cox.net") == ("cox.net",)
    assert WEB.keys_of("jane@starbucks.com") == ("starbucks.com",)
    assert WEB.keys_of("jane@yahoo.co.jp, www.acme.de") == ("acme.de",)
    assert WEB.keys_of("name@domain.com") == ()
    assert WEB.keys_of("https://www.domain.com") == ("domain.com",)


@pytest.mark.parametrize(
    "wrapped",
    [
        "https://www.google.com/url?q=https%3A%2F%2Fwww.acme-tools.de%2F&sa=D",
        "https://www.google.de/url?sa=t&url=https%3A%2F%2Fwww.acme-tools.de%2F",
        "https://www.google.com/amp/s/www.acme-tools.de/news",
        "https://web.archive.org/web/2020/https://www.acme-tools.de/",
        "https://l.facebook.com/l.php?u=https%3A%2F%2Facme-tools.de%2F",
        "https://translate.google.com/translate?u=acme-tools.de",
        "https://acme--tools-de.translate.goog/",
        "https://eur01.safelinks.protection.outlook.com/?url=http%3A%2F%2Fwww.acme-tools.de%2F&data=1",
        "https://urldefense.com/v3/__https://www.acme-tools.de__;!!abc",
    ],
)
def test_an_address_that_only_leads_to_another_gives_that_one(wrapped: str) -> None:
    assert WEB.keys_of(wrapped) == ("acme-tools.de",)


@pytest.mark.parametrize(
    ("key", "brand"),
    [
        ("deviantart.com", "deviantart"),
        ("acme.co.uk", "acme"),
        ("acme.uk.com", "acme"),
        ("müller.de", "müller"),
        ("acme.zendesk.com", ""),
        ("acme.github.io", ""),
        ("domain.cloudfront.net", ""),
        ("group.com", ""),
        ("x.com", ""),
        ("411.com", "411"),
        ("12.hu", ""),
    ],
)
def test_the_label_of_a_companys_own_domain_is_its_brand(key: str, brand: str) -> None:
    assert WEB.brand_of(key) == brand
