"""What is posted is as the terms of the moment allow, for machines and in a chat."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from standardwebhooks.webhooks import Webhook

from escrow import audit, partnerships, wire
from escrow.changes import last_change
from escrow.deliveries import endpoints, slack
from escrow.deliveries.filters import CellFilter, Filter
from escrow.deliveries.news import Reader, changed_overlaps
from escrow.deliveries.rendering import is_echo
from escrow.deliveries.sentences import CellLine
from escrow.presets import DISCLOSURE_PRESETS
from escrow.psi.matchkeys import MatchKeyClass
from escrow.reports.trail import shared_trail
from escrow.store.database import Database
from escrow.store.states import DeliveryState, EndpointKind, EventType
from escrow.terms import Cell, Level, Population, Side
from escrow.webhooks.egress import Answer
from tests.deliveries.posting import Desk, desk_of
from tests.partnership_makers import seat
from tests.psi.making_lists import Account, records_of
from tests.submission_makers import Desk as Lists
from tests.submission_makers import new_desk


@pytest.fixture
def desk(database: Database) -> Desk:
    """An organization."""
    return desk_of(database)


def test_the_body_is_the_event_as_the_feed_has_it_and_the_independent_implementation_verifies_it(desk: Desk) -> None:
    endpoint_id, secret = desk.add()
    assert secret is not None
    desk.confirm(endpoint_id)
    desk.now = datetime.now(UTC)  # which the independent implementation asks the machine for
    desk.tell()
    desk.dispatch()
    sent = desk.egress.posted[0]
    Webhook(secret.presented).verify(sent.body, dict(sent.headers))
    event = json.loads(sent.body)
    assert event["type"] == "endpoint.disabled"
    assert event["id"] == sent.headers["webhook-id"]


def test_the_secret_before_the_newest_signs_too_until_its_time_is_over(desk: Desk) -> None:
    endpoint_id, first = desk.add()
    desk.confirm(endpoint_id)
    with desk.database.transaction("rotate") as tx:
        _, second = endpoints.rotate_secret(tx, desk.caller, endpoint_id, lasting=timedelta(days=1), by=desk.by)
    desk.tell()
    desk.dispatch()
    desk.later(days=1)
    desk.tell()
    desk.dispatch()
    during, after = (each.headers["webhook-signature"].split(" ") for each in desk.egress.posted)
    assert (len(during), len(after)) == (2, 1)
    assert first is not None
    assert first.presented != second.presented


@pytest.mark.parametrize(
    ("answer", "holds"),
    [
        (b"abc", True),
        (b' "abc"\n', True),
        (b'{"challenge":"abc"}', True),
        (b'{"challenge":"abc","data":{}}', False),
        (b'{"data":{"challenge":"abc"}}', False),
        (b'{"challenge":["abc"]}', False),
        (b"abcd", False),
        (b"", False),
        (b"\xff", False),
        (b"[" * 100_000, False),
    ],
)
def test_only_the_challenge_and_nothing_else_is_an_echo(answer: bytes, *, holds: bool) -> None:
    assert is_echo("abc", answer) is holds


CUSTOMERS, *_ = Population
RELEASES = Filter(frozenset({EventType.RELEASE_MADE}))
BOTH_CUSTOMERS = Cell(CUSTOMERS, CUSTOMERS)


def shared(first: int, size: int) -> dict[int, Account]:
    """Make customers, each with a domain."""
    return {each: (CUSTOMERS, frozenset({(MatchKeyClass.DOMAIN, each)})) for each in range(first, first + size)}


@pytest.fixture
def lists(database: Database, tmp_path: Path) -> Lists:
    """Two partners who share counts, of whom twelve customers are both's."""
    lists = new_desk(database, tmp_path)
    lists.share(Level.COUNTS)
    lists.applied(Side.LEFT, records_of(shared(1, 60)))
    lists.applied(Side.RIGHT, records_of(shared(49, 60)))
    return lists


@pytest.fixture
def reader(lists: Lists) -> Desk:
    """The left one of them."""
    return Desk(lists.database, lists.couple.left, lists.couple.service_key, now=lists.clock())


def released(reader: Desk, lists: Lists, number: int = 1) -> None:
    """Tell that a release was made."""
    reader.tell(EventType.RELEASE_MADE, lists.couple.partnership_id, number=number)
    reader.dispatch()


def test_a_chat_is_told_which_cell_how_many_and_which_play(reader: Desk, lists: Lists) -> None:
    reader.settings = reader.settings.model_copy(update={"webhook_link": "https://crm.example.com/{partnership_id}"})
    reader.enabled(kind=EndpointKind.SLACK)
    released(reader, lists)
    (said,) = reader.egress.bodies
    section, actions = said["blocks"]
    assert "*12* our customers × their customers: Connect the two products" in section["text"]["text"]
    assert actions["elements"][0]["url"] == f"https://crm.example.com/{lists.couple.partnership_id}"
    assert said["text"].startswith("New overlap counts with Globex")


def test_a_chat_is_told_which_numbers_noise_was_added_to(database: Database, tmp_path: Path) -> None:
    lists = new_desk(database, tmp_path)
    lists.share(Level.COUNTS, disclosure=DISCLOSURE_PRESETS["guarded"])
    lists.applied(Side.LEFT, records_of(shared(1, 400)))
    lists.applied(Side.RIGHT, records_of(shared(101, 400)))
    reader = Desk(lists.database, lists.couple.left, lists.couple.service_key, now=lists.clock())
    reader.enabled(kind=EndpointKind.SLACK)
    released(reader, lists)
    (said,) = reader.egress.bodies
    assert re.search(r"\*≈ [0-9]+\* our customers × their customers: ", said["blocks"][0]["text"]["text"])


def test_a_chat_is_told_which_of_two_numbers_is_approximate() -> None:
    noisy, exact = (
        CellLine(BOTH_CUSTOMERS, 1_200, 31, is_approximate=True),
        CellLine(BOTH_CUSTOMERS, 7, 30, was_approximate=True),
    )
    assert slack.of_cells([noisy])[0].startswith("*≈ 1,200* our customers × their customers (was 31): ")
    assert slack.of_cells([exact])[0].startswith("*7* our customers × their customers (was ≈ 30): ")


@pytest.mark.parametrize(("most", "said"), [(3, "*3* our"), (2, "at least *2* our")])
def test_rows_that_were_not_all_counted_are_at_least_so_many(
    database: Database, tmp_path: Path, most: int, said: str
) -> None:
    lists = new_desk(database, tmp_path)
    lists.share(Level.ACCOUNTS)
    lists.applied(Side.LEFT, records_of(shared(1, 60)))
    lists.applied(Side.RIGHT, records_of(shared(49, 60)))
    reader = Reader(lists.couple.left.organization_id, "a test", lists.couple.service_key, lists.clock())
    with database.snapshot("where it ends") as tx:
        after = last_change(tx, seat(tx, lists.couple, Side.LEFT))
    lists.applied(Side.RIGHT, records_of(shared(46, 60)))
    with database.transaction("read") as tx:
        told = {"after": after, "through": after + 3, "reset": False}
        lines = changed_overlaps(tx, reader, lists.couple.partnership_id, told, most=most)
    assert lines is not None
    assert slack.of_cells(lines)[0].startswith(said)


def test_after_a_tightening_an_attempt_carries_nothing_that_it_forbade(reader: Desk, lists: Lists) -> None:
    reader.enabled(kind=EndpointKind.SLACK, wanted=RELEASES)
    reader.egress.answers = [Answer(500)]
    released(reader, lists)
    lists.share(Level.HIDDEN)
    reader.later(seconds=10)
    reader.dispatch()
    assert ["*12*" in each.body.decode() for each in reader.egress.posted] == [True, False]


def test_after_an_end_an_attempt_carries_no_number(reader: Desk, lists: Lists) -> None:
    reader.enabled(kind=EndpointKind.SLACK, wanted=RELEASES)
    reader.egress.answers = [Answer(500)]
    released(reader, lists)
    with reader.database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, lists.couple, Side.RIGHT), now=reader.now)
    reader.later(seconds=10)
    reader.dispatch()
    assert ["*12*" in each.body.decode() for each in reader.egress.posted] == [True, False]


def test_after_an_end_an_attempt_says_no_more_where_in_the_change_feed_to_look(reader: Desk, lists: Lists) -> None:
    reader.enabled(wanted=Filter(frozenset({EventType.OVERLAPS_CHANGED})))
    reader.egress.answers = [Answer(500)]
    reader.tell(EventType.OVERLAPS_CHANGED, lists.couple.partnership_id, after=41, through=48, reset=False)
    reader.dispatch()
    with reader.database.transaction("end") as tx:
        partnerships.end(tx, seat(tx, lists.couple, Side.RIGHT), now=reader.now)
    reader.later(seconds=10)
    reader.dispatch()
    assert [(each["data"]["after"], each["data"]["through"]) for each in reader.egress.bodies] == [
        (41, 48),
        (None, None),
    ]


@pytest.mark.parametrize(("crossed", "is_posted"), [(12, True), (13, False), (None, True)])
def test_a_cell_that_crosses_a_number_is_told_of_once_it_does(
    reader: Desk, lists: Lists, crossed: int | None, *, is_posted: bool
) -> None:
    endpoint_id = reader.enabled(wanted=Filter(cells=(CellFilter(BOTH_CUSTOMERS, crossed),)))
    released(reader, lists)
    assert bool(reader.egress.posted) is is_posted
    assert reader.log(endpoint_id)[-1].state is (DeliveryState.DELIVERED if is_posted else DeliveryState.DROPPED)


def test_a_cell_that_shows_what_it_showed_before_is_not_told_of(reader: Desk, lists: Lists) -> None:
    other = Cell(Population.PROSPECTS, CUSTOMERS)
    reader.enabled(wanted=Filter(cells=(CellFilter(other),)))
    released(reader, lists)
    assert reader.egress.posted == []


def test_what_a_chat_is_told_is_in_the_trail_as_read_by_the_endpoint(reader: Desk, lists: Lists) -> None:
    endpoint_id = reader.enabled(kind=EndpointKind.SLACK)
    released(reader, lists)
    with reader.database.snapshot("look") as tx:
        read = [
            each for each in audit.trail(tx, shared_trail(lists.couple.partnership_id)) if each.action == "report-read"
        ]
    assert [each.api_key_id for each in read] == [f"endpoint {endpoint_id}"]


def test_a_name_is_no_mention_and_no_link_in_a_chat() -> None:
    assert slack.plain("release.made", "<!channel> & <https://x|y>") == (
        "New overlap counts with &lt;!channel&gt; &amp; &lt;https://x|y&gt;."
    )


def test_every_type_of_event_has_its_sentence_in_a_chat() -> None:
    for kind in EventType:
        assert slack.plain(kind.value, "Globex").endswith(".")


def test_an_endpoint_may_ask_for_every_type_of_event_that_there_is() -> None:
    asked = wire.NewEndpoint(url="https://hooks.example.com/", types=tuple(kind.value for kind in EventType))
    assert asked.types is not None
    assert len(asked.types) == len(EventType)
    words = get_args(get_args(wire.EventTypeWord)[0])
    assert set(words) == {kind.value for kind in EventType}
