"""What `escrow explain` says of accounts: the profile's own keys, with words beside them."""

from __future__ import annotations

import io
import json
from importlib.resources import files
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from escrow.client.key_lines import LONGEST_LINE, KeyLines
from escrow.client.verdicts import verdict
from escrow.psi.matchkeys import MatchKey, MatchKeyClass
from escrow.psi.normalisation import LATEST, profile
from escrow.psi.normalisation.explaining import explainer
from escrow.psi.normalisation.reasons import NothingReason, Side
from escrow.psi.profile_ids import FIRST_PROFILE, PROFILE_IDS
from escrow.terms import Tier

UNEXPLAINED = ("as the rules of the profile make it",)
NAMES = (
    "Acme Holdings GmbH",
    "The Boeing Company (Member)",
    "Müller & Söhne AG",
    "J. P. Morgan Chase & Co",
    "Acme dba Bar Tools, Inc.",
    "General Solutions",
    "株式会社トヨタ",
    "Test Account",
    "",
)
WEBSITES = (
    "shop.acme.com",
    "https://www.google.com/url?q=https://acme.com",
    "xn--mller-kva.de",
    "acme.myshopify.com; acme.de",
    "info@gmail.com",
    "linkedin.com/company/acme",
    "www. acme.com",
    "co.uk",
    "",
)


def keys_of(name: str, website: str = "", profile_id: str = LATEST) -> list[MatchKey]:
    return [each.key for each in explainer(profile_id).explain(name, website).keys]


def answers(text: bytes, profile_id: str = LATEST) -> list[dict[str, Any]]:
    told = "".join(KeyLines(profile(profile_id)).answers(io.BytesIO(text)))
    return [json.loads(line) for line in told.splitlines()]


@pytest.mark.parametrize("profile_id", PROFILE_IDS)
@given(name=st.text(max_size=40) | st.sampled_from(NAMES), website=st.text(max_size=40) | st.sampled_from(WEBSITES))
def test_the_keys_that_are_explained_are_those_of_the_profile(profile_id: str, name: str, website: str) -> None:
    assert tuple(keys_of(name, website, profile_id)) == profile(profile_id).match_keys(name, website)


@pytest.mark.parametrize("profile_id", PROFILE_IDS)
@pytest.mark.parametrize("website", WEBSITES)
@pytest.mark.parametrize("name", NAMES)
def test_every_key_has_rules_that_made_it(profile_id: str, name: str, website: str) -> None:
    explanation = explainer(profile_id).explain(name, website)
    assert [each.key for each in explanation.keys if each.rules == UNEXPLAINED or not each.rules] == []


def test_the_rules_behind_a_name_are_told_in_words() -> None:
    explanation = explainer(LATEST).explain("Acme Holdings GmbH", "acme.myshopify.com")
    assert {(each.key.key_class, each.rules) for each in explanation.keys} >= {
        (MatchKeyClass.DOMAIN, ("host of tenants: the tenant's own page",)),
        (MatchKeyClass.NAME, ("legal form `gmbh` taken off",)),
    }


@pytest.mark.parametrize(
    ("website", "reason"),
    [
        ("info@gmail.com", NothingReason.FREE_MAIL),
        ("gmail.com", NothingReason.FREE_MAIL),
        ("example.com", NothingReason.PLACEHOLDER),
        ("linkedin.com/company/acme", NothingReason.PLATFORM_PAGE),
        ("co.uk", NothingReason.PUBLIC_SUFFIX),
        ("localhost", NothingReason.NO_DOMAIN),
        ("", NothingReason.EMPTY),
    ],
)
def test_a_website_without_a_key_has_a_reason(website: str, reason: NothingReason) -> None:
    found = explainer(LATEST).explain("Acme", website).nothing
    assert [each.reason for each in found if each.side is Side.WEBSITE] == [reason]


@pytest.mark.parametrize("profile_id", PROFILE_IDS)
@pytest.mark.parametrize(
    ("name", "reason"),
    [("", NothingReason.EMPTY), ("x", NothingReason.NO_NAME), ("Test Account", NothingReason.PLACEHOLDER)],
)
def test_a_name_without_a_key_has_a_reason(profile_id: str, name: str, reason: NothingReason) -> None:
    found = explainer(profile_id).explain(name, "acme.com").nothing
    assert [each.reason for each in found if each.side is Side.NAME] == [reason]


@pytest.mark.parametrize(
    ("ours", "theirs", "tier", "told"),
    [
        (("Acme", "acme.com"), ("Other", "www.acme.com"), Tier.CERTAIN, "the domain `acme.com`"),
        (("Acme Inc", ""), ("ACME", "acme.com"), Tier.LIKELY, "not both have a domain"),
        (("Acme Inc", "acme.de"), ("ACME", "acme.com"), Tier.POSSIBLE, "both have domains and share none"),
        (("Zorg Rockets", ""), ("Zorg Plumbing", ""), Tier.POSSIBLE, "both begin with `zorg`"),
        (("Acme Holdings", "acme.de"), ("Acme", "acme.com"), None, "no core name of both"),
        (("Bolt", "bolt.com"), ("Coil", "coil.com"), None, "no shared key"),
        (("Bolt", "bolt.com"), ("", ""), None, "the second account has no match key"),
    ],
)
def test_two_accounts_are_judged_as_the_service_would(
    ours: tuple[str, str], theirs: tuple[str, str], tier: Tier | None, told: str
) -> None:
    found = verdict(keys_of(*ours), keys_of(*theirs))
    assert found.tier == tier
    assert told in " ".join(found.told)


def test_lines_are_answered_in_their_order_with_the_keys_of_the_profile() -> None:
    lines = [{"id": str(at), "name": name, "website": WEBSITES[at]} for at, name in enumerate(NAMES)]
    found = answers("\n".join(map(json.dumps, lines)).encode())
    assert [line["id"] for line in found] == [line["id"] for line in lines]
    assert [[(key["class"], key["value"]) for key in line["keys"]] for line in found] == [
        [(key.key_class.name.lower(), key.value) for key in profile().match_keys(line["name"], line["website"])]
        for line in lines
    ]


@pytest.mark.parametrize(
    "line",
    [
        b"no json",
        b"[1]",
        b'{"name": "Acme"}',
        b'{"id": true}',
        b'{"id": "1", "name": 5}',
        b"\xff\xfe",
        b"[" * 10_000,
        b'{"id": "1", "name": "' + b"a" * LONGEST_LINE + b'"}',
        b'{"id": ' + b"9" * 5_000 + b"}",
    ],
)
def test_a_bad_line_is_answered_in_its_place_and_the_others_go_on(line: bytes) -> None:
    first, bad, last = answers(b'{"id": 1}\n' + line + b'\n{"id": "3", "name": "Acme"}\n')
    assert (first, last["id"]) == ({"id": 1, "keys": []}, "3")
    assert (bad["line"], bad["error"]["code"]) == (2, "line-invalid")


def test_a_line_longer_than_any_buffer_is_one_fault() -> None:
    (bad, last) = answers(b"x" * (1 << 20) + b'\n{"id": "2"}')
    assert bad["error"]["code"] == "line-invalid"
    assert last == {"id": "2", "keys": []}


def test_lone_surrogates_come_back_as_they_went_in() -> None:
    (found,) = answers(b'{"id": "\\ud800", "name": "Acme \\udfff Rockets"}', FIRST_PROFILE)
    assert found["id"] == "\ud800"


def test_lines_that_came_are_answered_before_more_is_read() -> None:
    class Slow(io.BytesIO):
        def read1(self, size: int | None = -1, /) -> bytes:
            return self.readline(size)

    lines = KeyLines(profile())
    stream = Slow(b'{"id": 1}\n{"id": 2}\n')
    assert json.loads(next(lines.answers(stream)))["id"] == 1
    assert stream.tell() == len(b'{"id": 1}\n')


def test_no_key_of_the_published_vectors_is_without_its_rules() -> None:
    vectors = json.loads(files("escrow.psi.vectors").joinpath("normalisation.json").read_text("utf-8"))
    for each in vectors["match_keys"]:
        explanation = explainer(each["profile_id"]).explain(each["name"], each["website"], each["country"])
        assert UNEXPLAINED not in [key.rules for key in explanation.keys]
