"""A profile is an id, its code and its frozen files; match keys are what it makes of a row."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import pytest

from escrow.errors import ProfileUnknown
from escrow.psi import vectors
from escrow.psi.canary import normalised_digest
from escrow.psi.matchkeys import MatchKey, MatchKeyClass
from escrow.psi.normalisation import LATEST, profile
from escrow.psi.profile_ids import FIRST_PROFILE, PROFILE_IDS

#: Each file of a profile's data, but for the notice. A profile that no release has had yet may change: then also here.
FROZEN = {
    "escrow-1": "7e4faa04e9093f5e2ce2128deb837dc6b94dee1ddca83f65fe23d1d4293b5d72",
    "escrow-2": "acf513924157df90e39f9cb8755c933f56f48fb7da1387b3bdce603f9d209fc6",
}


@pytest.mark.parametrize("folder", FROZEN)
def test_the_data_of_a_profile_is_frozen(folder: str) -> None:
    digest = hashlib.sha256()
    for file in sorted(
        files("escrow.psi.normalisation").joinpath("data", folder).iterdir(), key=lambda file: file.name
    ):
        if file.name != "NOTICE.md":
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    assert digest.hexdigest() == FROZEN[folder], "a change to a profile's data needs a new profile id"


#: What comes out of the published rows: rules are part of a profile as its files are.
MADE = {
    FIRST_PROFILE: "6106d0beedec46ec8b1b53fa5ddc4c55d0ce8260658b0d6d3a6d4dbf5fcf66f2",
    LATEST: "396295fb07391070faf311bd4dcf1b02c5401c6d33081eec8684d19442385cd1",
}


@pytest.mark.parametrize("profile_id", PROFILE_IDS)
def test_what_a_profile_makes_is_frozen(profile_id: str) -> None:
    made = map(profile(profile_id).match_keys, *zip(*vectors.normalisation_inputs(), strict=True))
    assert normalised_digest(made).hex() == MADE[profile_id], "a change to a profile's rules needs a new profile id"


#: Characters that Unicode has had since 15.0, 15.1 or 16.0, or not yet; the tables of a new Python know some of them.
NEWER = ["\U0001fae8", "\U00011f04", "\U00010ec0", "\u2ffc", "\U00010d4a", "\ua7da", "\u0378"]


@pytest.mark.parametrize("newer", NEWER)
def test_characters_that_the_profiles_unicode_does_not_assign_are_dropped(newer: str) -> None:
    rules = profile(LATEST)
    assert rules.match_keys(f"Glo{newer}bex{newer}", f"glo{newer}bex.de") == rules.match_keys("Globex", "globex.de")
    assert rules.match_keys(newer, newer) == ()


@pytest.mark.parametrize("profile_id", PROFILE_IDS)
def test_the_profiles_id_names_the_day_of_its_suffix_list(profile_id: str) -> None:
    folder, _, day = profile_id.partition("+psl-")
    suffix_list = files("escrow.psi.normalisation").joinpath("data", folder, "public_suffix_list.dat")
    assert f"// VERSION: {day}_" in suffix_list.read_text(encoding="utf-8")


def test_a_row_of_the_first_profile_gives_a_domain_and_a_name() -> None:
    assert profile(FIRST_PROFILE).match_keys("Acme Inc.", "https://www.acme.de/", "DE") == (
        MatchKey(MatchKeyClass.DOMAIN, "acme.de"),
        MatchKey(MatchKeyClass.NAME, "acme"),
    )


@pytest.mark.parametrize(
    ("name", "website", "classes"),
    [
        ("Acme", "n/a", [MatchKeyClass.NAME]),
        ("unknown", "acme.de", [MatchKeyClass.DOMAIN]),
        ("unknown", "n/a", []),
    ],
)
def test_what_says_nothing_gives_no_key(name: str, website: str, classes: list[MatchKeyClass]) -> None:
    assert [key.key_class for key in profile(FIRST_PROFILE).match_keys(name, website)] == classes


def test_a_row_of_the_second_profile_gives_variants_and_a_fallback_too() -> None:
    assert profile(LATEST).match_keys("Acme Holdings Inc.", "https://www.acme-rockets.de/") == (
        MatchKey(MatchKeyClass.DOMAIN, "acme-rockets.de"),
        MatchKey(MatchKeyClass.NAME, "acmeholdings"),
        MatchKey(MatchKeyClass.VARIANT, "acme"),
        MatchKey(MatchKeyClass.VARIANT, "acmerockets"),
        MatchKey(MatchKeyClass.FALLBACK, "acme"),
    )


def test_a_website_without_a_name_still_says_a_brand() -> None:
    assert profile(LATEST).match_keys("unknown", "globex.com") == (
        MatchKey(MatchKeyClass.DOMAIN, "globex.com"),
        MatchKey(MatchKeyClass.VARIANT, "globex"),
    )


def test_a_domain_of_two_letters_says_a_brand_and_a_name_of_two_letters_is_no_variant() -> None:
    brand = MatchKey(MatchKeyClass.VARIANT, "ea")
    assert brand in profile(LATEST).match_keys("Electronic Arts", "https://www.ea.com")
    assert brand not in profile(LATEST).match_keys("EA Group", "")


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ProfileUnknown):
        profile("escrow-0+psl-1999-12-31")


@pytest.mark.parametrize("profile_id", PROFILE_IDS)
def test_every_profile_that_the_service_accepts_is_there(profile_id: str) -> None:
    assert profile(profile_id).id == profile_id


@pytest.mark.parametrize("profile_id", PROFILE_IDS)
def test_many_rows_have_the_keys_that_each_has_alone(profile_id: str) -> None:
    rows = [
        ("Acme Inc.", "https://www.acme.de/"),
        ("unknown", "n/a"),
        ("Globex", ""),
        ("", "initech.com"),
        ("Ünï AG", ""),
    ]
    names, websites = zip(*rows, strict=True)
    columns = profile(profile_id).values_by_class(names, websites)
    for number, row in enumerate(rows):
        values = [MatchKey(key_class, column[number]) for key_class, column in columns if column[number]]
        assert tuple(values) == profile(profile_id).match_keys(*row)
