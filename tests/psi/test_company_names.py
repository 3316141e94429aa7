"""Names as they stand on two lists, under the second profile: which of them share a key, and of which class."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from escrow.psi.normalisation.escrow_2.lexicon import read_lexicon
from escrow.psi.normalisation.escrow_2.names import LONGEST_NAME, MOST_VARIANTS, CompanyNames

NAMES = CompanyNames(read_lexicon())


def words_of(name: str) -> set[str]:
    keys = NAMES.keys_of(name)
    return {keys.name, *keys.variants} - {""}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Example Example Pty Limited", "Example Example Pty Ltd"),
        ("Acme GmbH & Co. KG", "ACME"),
        ("Acme S. A. de C. V.", "acme"),
        ("Acme Sp. z o.o. Sp. k.", "acme"),
        ("Johnson and Johnson", "Johnson & Johnson"),
        ("Müller und Söhne", "Müller & Söhne"),
        ("Crédit Agricole S.A.", "Credit Agricole"),
        ("Deviant Art", "DeviantArt"),
        ("株式会社トヨタ", "トヨタ株式会社"),
        ("(주)카카오", "주식회사 카카오"),
        ("ООО «Ромашка»", "Ромашка"),
        ("Packaging Corp of Elbonia", "Packaging Corporation of Elbonia"),
        ("Globex Labs International", "Globex Laboratories Intl"),
        ("Globex (member)", "Globex"),
        ("Globex Corp /DE/", "Globex Corporation"),
        ("Globex Inc. - Class A Common Stock", "Globex Inc"),
        ("Globex, Inc. and its subsidiaries", "Globex Inc"),
        ("Coyote Company (The)", "The Coyote Company"),
        ("GlobexCorporation", "Globex Corp"),
        ("USGLOBEXGmbH", "US Globex"),
        ("Globex.ai", "Globex"),
        ("www.hotels.com", "Hotels.com"),
        ("Globex Svcs", "Globex Services"),
    ],
)
def test_spellings_of_one_name_have_one_core_name(one: str, other: str) -> None:
    assert NAMES.keys_of(one).name == NAMES.keys_of(other).name != ""


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Globex Holdings", "Globex Group"),
        ("Globex Technologies India Private Limited", "Globex"),
        ("Shanghai Globex Information Technology Co., Ltd.", "Globex Information"),
        ("Grupa Globex Sp. z o.o.", "Globex"),
        ("Initrode, LLC d/b/a Globex", "Globex"),
        ("Initrode, Inc. (formerly Globex Inc.)", "Globex"),
        ("Initrode (Globex)", "Globex"),
        ("Globex, Investigative Diligence Unit", "Globex"),
        ("Globex Research - Norway", "Globex"),
        ("globex.com", "Globex"),
        ("Globex.co.uk Ltd", "Globex"),
        ("Globex Web Services", "Globex"),
        ("Globex Samoa", "Globex"),
        ("WAYNE T ROWAN GROUP INC", "T. Rowan Wayne"),
        ("Müller Glas", "Mueller Glas"),
        ("Ромашка", "Romashka"),
        ("다이소", "Daiso"),
    ],
)
def test_names_that_differ_in_what_says_little_share_a_word(one: str, other: str) -> None:
    assert words_of(one) & words_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("American Airlines", "American Tower"),
        ("First National Bank", "First National Insurance"),
        ("Constellation Energy", "Constellation Brewing"),
        ("Globex", "Globes"),
        ("Web Hosting Canada", "Webhosting.dk"),
        ("International Business Machines", "International Paper"),
        ("Globex (member)", "Initrode (member)"),
        ("Initrode (Norway)", "Norway"),
        ("Weather.example", "Weather"),
        ("Hotels.com", "Hotels"),
        ("City-Data.com", "CityData"),
        ("Globexdrive", "Globex"),
        ("Incorporated", "Inc"),
        ("\u0430pple", "apple"),
        ("app\u04cfe Inc", "apple"),
        ("\u03bfrange", "orange"),
        ("\u0430\u0440\u0440\u04cf\u0435", "apple"),
    ],
)
def test_names_of_other_companies_share_no_word(one: str, other: str) -> None:
    assert not words_of(one) & words_of(other)


@pytest.mark.parametrize(
    ("name", "fallback"),
    [
        ("Globex Automation", "globex"),
        ("Globex", "globex"),
        ("Old Dominion Freight Line", "olddominion"),
        ("Charles Schwab", "charlesschwab"),
        ("American Airlines", ""),
        ("First Data", ""),
        ("Mississippi Weather", ""),
        ("H1 Insights", "h1insight"),
        ("Zé Tortuga", "zetortuga"),
        ("H1", "h1"),
        ("H1 Research of Norway", "h1"),
        ("Mi Account", ""),
        ("Umbrages and Others", "umbrage"),
        ("People Searchers", "peoplesearcher"),
        ("PeopleSearcher", "peoplesearcher"),
        ("Quillon Campus", "quillon"),
        ("Umbragus", "umbragus"),
        ("Four Umbrages", "4umbrage"),
        ("4Umbrage", "4umbrage"),
    ],
)
def test_the_fallback_is_the_beginning_up_to_the_first_rare_word(name: str, fallback: str) -> None:
    assert NAMES.keys_of(name).fallback == fallback


def test_each_form_on_the_way_to_the_stem_is_a_variant() -> None:
    assert NAMES.keys_of("Globex Technologies Services of India").variants == (
        "globex",
        "globextechnologiesservices",
        "globextechnologies",
    )


@pytest.mark.parametrize("name", ["AMBA", "COOP", "IKS APS", "The The", "Inc. Co. Ltd.", "3M", "X Corp.", "III", "O2"])
def test_a_real_name_is_never_cleaned_to_nothing(name: str) -> None:
    assert NAMES.keys_of(name).name


@pytest.mark.parametrize(
    "name",
    [
        *("", " ", "-", "?", "n/a", "None", "unknown", "Self-employed", "test", "TEST Inc.", "xxxx", "aaaaaa"),
        *("independent user", "No Company", "I don't have one", "Freelance IT Specialist", "dsadsadsadsad"),
        *("aaa", "fsfsf", "Univerisity", "Unallocated"),
        *("没有", "个人", "フリーランス", "неизвестно", "\u202e\u200b", "x" * (LONGEST_NAME + 1)),
    ],
)
def test_what_people_type_instead_of_a_company_gives_no_key(name: str) -> None:
    keys = NAMES.keys_of(name)
    assert (keys.name, keys.variants, keys.fallback) == ("", (), "")


PHRASES = st.sampled_from(
    [
        *(
            "acme",
            "inc",
            "Ltd.",
            ",",
            " - ",
            "&",
            "'s",
            "dba",
            "d/b/a",
            "formerly",
            "and its",
            "common stock",
            "class a",
        ),
        *("of", "doing business as", "also known as", "on behalf of", "acme.com", "(member)", "/de/", "o", "the", "  "),
        *(
            "globex",
            "ab",
            "7",
            "industries",
            "technolgies",
            "technologies",
            "intl",
            "holding",
            "group",
            "co",
            "and",
            "s",
            "a",
            "bank",
        ),
        *("globexcorporation", "usgmbh", "globex.ai", "first.com", "middle east", "university"),
    ]
)


@given(st.lists(PHRASES, max_size=7))
@example(["acme", "on behalf of", "inc"])
@example(["globex", "industries", ", ", "inc."])
@example(["acme", "globex", "s", "a", "co", "ltd"])
@example(["globex\n", "inc"])
def test_the_fast_ways_give_what_the_long_way_gives(phrases: list[str]) -> None:
    names = [" ".join(phrases), "".join(phrases)]
    long_way = [NAMES.keys_of_any_script(name) for name in names]
    assert [NAMES.keys_of(name) for name in names] == NAMES.keys_of_each(names) == long_way


@pytest.mark.parametrize(
    "mistyped", ["Globex Technolgies", "Globex Limitied", "Globex Corpration", "Globex Tecnhologies Inc"]
)
def test_a_slip_in_a_long_corporate_word_does_not_tell_companies_apart(mistyped: str) -> None:
    assert "globex" in words_of(mistyped)


@pytest.mark.parametrize("name", ["Limitied Edition", "Globex Compact", "Technolgies"])
def test_a_slip_is_corrected_in_no_short_word_and_not_at_the_beginning(name: str) -> None:
    assert NAMES.keys_of(name).name == name.replace(" ", "").lower()


def test_a_name_does_not_end_in_the_word_that_joined_a_place_to_it() -> None:
    assert not words_of("University of Texas at Austin") & words_of("University of Texas at Dallas")
    assert words_of("Globex at Dallas") & words_of("Globex")
    assert words_of("AT&T Services") & words_of("AT&T")


def test_a_name_of_common_words_is_one_that_a_place_ends_with() -> None:
    assert "pacificeast" in NAMES.keys_of("Pacific East Research Inc").variants


@pytest.mark.parametrize(
    ("label", "name"),
    [
        ("getglobex", "globex"),
        ("theglobex", "globex"),
        ("globexgroup", "globex"),
        ("globextechnologies", "globex"),
        ("globexcorp", "globex"),
        ("globex", ""),
        ("getglobexgroup", "globexgroup"),
        ("thebank", ""),
        ("getty", ""),
        ("group", ""),
        ("", ""),
    ],
)
def test_a_label_may_say_a_name_and_a_word_around_it(label: str, name: str) -> None:
    assert NAMES.in_label(label) == name


def test_one_name_gives_a_bounded_number_of_variants() -> None:
    name = "Globex, (Initech) [Initrode] {Hooli} Inc. dba Umbrella; Soylent / Tyrell - Wonka aka Cyberdyne"
    assert len(NAMES.keys_of(name).variants) == MOST_VARIANTS
