"""The vectors of normalisation: names and websites as people type them, and the keys that profile `escrow-2` makes.

Names are invented, or public facts; every company here is paired with forms that real lists show.
"""

from __future__ import annotations

from collections.abc import Iterator

from escrow.psi.normalisation import profile
from escrow.psi.profile_ids import LATEST_PROFILE
from tests.vectors.seeded import Document

_COMPANIES = ("Globex", "Initrode Systems", "Blue Coyote", "Quillon & Brandt", "Zé Tortuga", "North Ember Energy")
_FORMS = (
    *("{}", "  {} ", "{} Inc.", "{}, Inc", "{} INCORPORATED", "The {} Company", "{} Corp", "{} Corporation", "{} LLC"),
    *("{} L.L.C.", "{} Ltd.", "{} Limited", "{} Pty Ltd", "{} Pvt. Ltd.", "{} PLC", "{} GmbH", "{} GmbH & Co. KG"),
    *("{} AG", "{} e.V.", "{} S.A.", "{} SAS", "{} S.à r.l.", "{} S.p.A.", "{} S.r.l.", "{} B.V.", "{} N.V.", "{} AB"),
    *("{} A/S", "{} ApS", "{} Oy", "{} AS", "{} Sp. z o.o.", "{} s.r.o.", "{} Kft.", "{} d.o.o.", "{} OOD", "OOO {}"),
    *(
        "{} Ltda",
        "{} S.A. de C.V.",
        "{} Sdn Bhd",
        "{} Pte. Ltd.",
        "PT {} Tbk",
        "{} K.K.",
        "{} Co., Ltd.",
        "{} (member)",
    ),
    *("{} Holdings", "{} Group Holding Limited", "{} International", "{} Technologies India Private Limited"),
    *("{} Norway", "{} (UK) Ltd", "{} of North America", "{} USA, Inc.", "{} Research", "{} Consulting GmbH"),
    *("{} Corp /DE/", "{} INC/NY", "{} Inc. - Class A Common Stock", "{} (Class B)", "{} Company (The)"),
    *(
        "Umbrage LLC dba {}",
        "Umbrage, Inc. d/b/a {}",
        "{} (formerly Umbrage Inc.)",
        "{} f/k/a Umbrage",
        "{} aka Umbrage",
    ),
    *(
        "{} (Umbrage)",
        "{} / Umbrage",
        "{}; Umbrage",
        "{} - Umbrage Division",
        "{}, Umbrage and Others",
        "{}.com",
        "{}®",
    ),
    *(
        "{}, Inc. and its subsidiaries",
        "{} BANK",
        "{} Insurance Group",
        "{} Foods",
        "www.{}.com",
        "{} {}",
        "{}+",
        "{}!",
    ),
)
_NAMES = (
    *("AMBA", "COOP", "IKS APS", "3M", "AT&T", "J.P. Morgan", "A. O. Smith", "SMITH A O CORP", "L'Oréal", "Moody's"),
    *("Example Example Pty Limited", "Example Example Pty Ltd", "Delta", "Delta Air Lines", "Delta Faucet Company"),
    *("Deviant Art", "DeviantArt", "Paramount+", "Yahoo!", "Coca-Cola Company (The)", "COCA COLA CO", "Lilly (Eli)"),
    *("ELI LILLY & Co", "Alphabet Inc. (Class A)", "Bank of America", "BANK OF AMERICA CORP /DE/", "American Airlines"),
    *(
        "First National Bank",
        "United",
        "Best Buy",
        "Old Dominion Freight Line",
        "Charles Schwab",
        "SCHWAB CHARLES CORP",
        "Globex Technolgies Pvt Limitied",
        "Limitied Edition",
        "Univerisity",
        "fsfsf",
        "Unallocated",
    ),
    *("Müller Glas", "Mueller Glas", "Łódź Textiles", "Straße AG", "Ærø Færge", "İstanbul Şişe A.Ş.", "Ромашка"),
    *(
        "ООО «Ромашка»",
        "ЗАО Ромашка",
        "Яндекс",
        "株式会社トヨタ",
        "トヨタ株式会社",
        "㈱トヨタ",
        "上海启源信息技术有限公司",
    ),
    *(
        "삼성전자 주식회사",
        "(주)카카오",
        "다이소",
        "Ελλάδα ΑΕ",
        "شركة الاتصالات",
        "בזק בע\u05f4מ",
        "ＡＣＭＥ",
        "AC\u200bME",
    ),
    *(
        "Zo\u0308e",
        "Zöe",
        "ﬁnch",
        "Ⅷ Labs",
        "\u202eAcme",
        "Acme\u00a0Rockets",
        "Acme\tRockets",
        "ACME-ROCKETS",
        "acme_rockets",
    ),
    *("GlobexCorporation", "INITRODEINCORPORATED", "QuillonGmbH", "Unincorporated", "Globex.ai", "Blue Coyote.io"),
    *(
        "Mississippi Weather",
        "Globex of Nebraska",
        "Hotels.com",
        "Globex Svcs",
        "Univ of Globex",
        "Pacific East Research Inc",
        "Gl\u043ebex",
        "\u0430cme Inc.",
    ),
    *(
        "Quillon Technologies Services of India",
        "Quillon Web Services",
        "QB Research of Norway",
        "Quillon Searchers",
        "Four Umbrages",
        "City-Data.com",
        "University of Texas at Austin",
        "University of Texas at Dallas",
        "AT&T Services",
    ),
)
_NOT_NAMES = (
    *("", " ", "-", ".", "?", "n/a", "N.A.", "none", "None", "null", "unknown", "Unknown Company", "test", "TEST Inc."),
    *(
        "Test Company",
        "asdf",
        "qwerty",
        "xxx",
        "xxxx",
        "aaaaaaa",
        "111111",
        "abcabcabc",
        "dsadsadsadsad",
        "Self-employed",
    ),
    *("self employed", "Freelance", "Freelancer", "independent user", "Individual Contributor", "No Company", "no job"),
    *("Student", "unaffiliated", "Unafilliated", "Not Affiliated", "I don't have one", "Private person", "Home Based"),
    *("keine Angabe", "没有", "个人", "フリーランス", "없음", "неизвестно", "\u200b\u200b", "\u202e", "★", "()", "™"),
)
_WEBSITES = (
    *("globex.com", "www.globex.com", "https://www.globex.com/", "HTTPS://GLOBEX.COM/en?utm=1#x", "globex.com:8443"),
    *("info@globex.com", "mailto:info@globex.com", "someone@gmail.com", "shop.globex.co.uk", "globex.co.uk", "co.uk"),
    *(
        "müller.example",
        "xn--mller-kva.de",
        "müller.de",
        "globex-rockets.de",
        "n/a",
        "example.com",
        "localhost",
        "10.0.0.1",
    ),
    *("globex.github.io", "globex.zendesk.com", "linkedin.com/company/globex", "facebook.com/globex", "globex.com.au"),
    *(
        "globex.com, globex.de",
        "globex.com globex.com",
        "http://",
        "-",
        "test",
        "globex",
        "globex .com",
        "//globex.com",
    ),
    *("getglobex.com", "theglobex.com", "globexgroup.com", "globextech.de", "joinglobex.org", "gx.com", "ea.com"),
    *("getty.com", "thebank.com", "group.com", "globex-group.com", "1and1.com"),
    *("globex.1688.com", "globex.en.alibaba.com", "ameblo.jp/globex", "yell.com/biz/globex", "yell.com", "hh.ru"),
    *("spb.hh.ru/employer/1", "globex.pagesperso-orange.fr", "perso.wanadoo.fr/globex", "globex.app.link/x"),
    *("forsale.godaddy.com/forsale/globex.com", "afternic.com/domain/globex.com", "name@domain.com", "domain.com"),
    *("teams.microsoft.com", "login.microsoftonline.com/common"),
)


def document() -> Document:
    """Make normalisation.json."""
    return {"match_keys": [_vector(*row) for row in dict.fromkeys(_rows())]}


def _rows() -> Iterator[tuple[str, str, str]]:
    for company in _COMPANIES:
        for form in _FORMS:
            yield form.replace("{}", company), "", ""
    for name in (*_NAMES, *_NOT_NAMES):
        yield name, "", ""
    for website in _WEBSITES:
        yield "", website, ""
        yield "Globex Holdings", website, "DE"
    for name in _NAMES:
        yield name, "www.umbrage-rockets.com", "US"


def _vector(name: str, website: str, country: str) -> Document:
    keys = profile(LATEST_PROFILE).match_keys(name, website, country)
    return {
        "profile_id": LATEST_PROFILE,
        "name": name,
        "website": website,
        "country": country,
        "keys": [{"class": key.key_class.name.lower(), "value": key.value} for key in keys],
    }
