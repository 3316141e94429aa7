"""A profile is an id, its code and its frozen files; match keys are what it makes of a row."""

from __future__ import annotations

import hashlib
from importlib.resources import files

import pytest

from escrow.errors import ProfileUnknown
from escrow.psi.matchkeys import MatchKey, MatchKeyClass
from escrow.psi.normalisation import LATEST, profile
from escrow.psi.profile_ids import PROFILE_IDS

FROZEN = {"escrow-1": "7e4faa04e9093f5e2ce2128deb837dc6b94dee1ddca83f65fe23d1d4293b5d72"}


@pytest.mark.parametrize("folder", FROZEN)
def test_the_data_of_a_profile_is_frozen(folder: str) -> None:
    digest = hashlib.sha256()
    for file in sorted(
        files("escrow.psi.normalisation").joinpath("data", folder).iterdir(), key=lambda file: file.name
    ):
        if file.name != "NOTICE.md":
            digest.update(file.name.encode() + b"\0" + file.read_bytes())
    assert digest.hexdigest() == FROZEN[folder], "a change to a profile's data needs a new profile id"


def test_the_profiles_id_names_the_day_of_its_suffix_list() -> None:
    suffix_list = files("escrow.psi.normalisation").joinpath("data", "escrow-1", "public_suffix_list.dat")
    assert f"// VERSION: {LATEST.removeprefix('escrow-1+psl-')}_" in suffix_list.read_text(encoding="utf-8")


def test_a_row_gives_a_domain_and_a_name() -> None:
    assert profile().match_keys("Acme Inc.", "https://www.acme.de/", "DE") == (
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
    assert [key.key_class for key in profile().match_keys(name, website)] == classes


def test_an_unknown_profile_is_refused() -> None:
    with pytest.raises(ProfileUnknown):
        profile("escrow-0+psl-1999-12-31")


@pytest.mark.parametrize("profile_id", PROFILE_IDS)
def test_every_profile_that_the_service_accepts_is_there(profile_id: str) -> None:
    assert profile(profile_id).id == profile_id


def test_many_rows_have_the_keys_that_each_has_alone() -> None:
    rows = [
        ("Acme Inc.", "https://www.acme.de/"),
        ("unknown", "n/a"),
        ("Globex", ""),
        ("", "initech.com"),
        ("Ünï AG", ""),
    ]
    names, websites = zip(*rows, strict=True)
    columns = profile().values_by_class(names, websites)
    for number, row in enumerate(rows):
        values = [MatchKey(key_class, column[number]) for key_class, column in columns if column[number]]
        assert tuple(values) == profile().match_keys(*row)
