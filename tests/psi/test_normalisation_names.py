"""A company's name as somebody typed it becomes its core name: one for all spellings, never nothing for a real name."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from escrow.psi.normalisation.escrow_1.names import CoreNames
from escrow.psi.normalisation.escrow_1.tables import read_tables

NAMES = CoreNames(read_tables("escrow-1"))


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Example Example Pty Limited", "Example Example Pty Ltd"),
        ("ACME, INC.", "Acme"),
        ("Acme GmbH & Co. KG", "acme"),
        ("Acme S.p.A.", "Acme SpA"),
        ("Acme S. A. de C. V.", "ACME SA DE CV"),
        ("Acme Sp. z o.o. Sp. k.", "Acme"),
        ("J.P. Morgan", "JP Morgan & Co."),
        ("Johnson and Johnson", "Johnson & Johnson"),
        ("Crédit Agricole S.A.", "Credit Agricole"),
        ("Łódź Textiles", "LODZ TEXTILES"),
        ("Straße AG", "Strasse"),
        ("McDonald\u2019s", "McDonald's Corporation"),
        ("The Home Depot", "Home Depot Inc"),
        ("Deviant Art", "DeviantArt"),
        ("Coca-Cola\u00ae", "coca cola company"),
        ("株式会社トヨタ", "トヨタ株式会社"),
        ("㈱トヨタ", "トヨタ"),
        ("ООО «Ромашка»", "Ромашка"),
        ("Paramount+", "Paramount Plus"),
        ("\uff21\uff23\uff2d\uff25", "acme"),
        ("AC\u200bME", "acme"),
    ],
)
def test_two_spellings_of_a_name_give_one_core_name(one: str, other: str) -> None:
    assert NAMES.of(one) == NAMES.of(other) != ""


@pytest.mark.parametrize(
    ("name", "core"),
    [
        ("AMBA", "amba"),
        ("COOP", "coop"),
        ("IKS APS", "iks"),
        ("Inc. Co. Ltd.", "inc"),
        ("X Corp.", "xcorp"),
        ("The The", "the"),
    ],
)
def test_a_name_made_of_legal_forms_is_never_cleaned_to_nothing(name: str, core: str) -> None:
    assert NAMES.of(name) == core


@pytest.mark.parametrize(
    "name", ["", "-", "****", "test", "Test Inc.", "UNKNOWN", "n/a", "#N/A", "N.A.", "none", "无", "1", "v"]
)
def test_what_people_type_instead_of_a_name_gives_nothing(name: str) -> None:
    assert NAMES.of(name) == ""


@pytest.mark.parametrize(
    ("name", "core"), [("정관장", "정관장"), ("हिन्दी कंपनी", "हिन्दीकंपनी"), ("Ελλάδα", "ελλαδα"), ("Ёлка", "елка")]
)
def test_other_scripts_keep_their_letters(name: str, core: str) -> None:
    assert NAMES.of(name) == core


@pytest.mark.parametrize(
    ("one", "other"), [("Delta Air Lines", "Delta Faucet"), ("Acme Holdings", "Acme"), ("AS Roma", "Roma")]
)
def test_different_names_stay_different(one: str, other: str) -> None:
    assert NAMES.of(one) != NAMES.of(other)


@given(st.text(alphabet=st.characters(max_codepoint=127)))
@example("A + B & C's, Inc.\x00\x1f")
def test_the_fast_path_gives_what_the_long_way_gives(name: str) -> None:
    assert NAMES.of(name) == NAMES.of_words(NAMES.words(name))


@given(st.text())
def test_any_text_gives_a_name_in_nfc_whatever_its_form_of_unicode(name: str) -> None:
    core = NAMES.of(name)
    assert unicodedata.is_normalized("NFC", core)
    assert NAMES.of(unicodedata.normalize("NFD", name)) == core
