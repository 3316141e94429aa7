"""How many posts may begin: receivers that are slow or dead take no place of others."""

from __future__ import annotations

from escrow.deliveries.lanes import Lane, Room, UnderWay, most_threads, room


def posts(lane: Lane, count: int, *, since: float = 100) -> list[UnderWay]:
    """So many posts of one lane."""
    return [UnderWay(lane, since)] * count


def test_receivers_that_fail_or_are_slow_have_half_as_many_places_beside_the_others() -> None:
    assert room([], places=8, now=100) == Room(8, 4)
    assert room(posts(Lane.PATIENT, 4), places=8, now=100) == Room(8, 0)
    assert room(posts(Lane.QUICK, 8), places=8, now=100) == Room(0, 4)


def test_a_post_that_turns_out_to_be_slow_leaves_its_place_to_another() -> None:
    turned_slow = posts(Lane.QUICK, 8, since=98)
    assert room(turned_slow, places=8, now=100) == Room(8, 4)
    assert room([*turned_slow, *posts(Lane.QUICK, 3)], places=8, now=100) == Room(5, 4)


def test_posts_that_wait_for_slow_receivers_are_bounded() -> None:
    assert room(posts(Lane.QUICK, 30, since=98), places=8, now=100) == Room(2, 4)
    assert room(posts(Lane.QUICK, 32, since=98), places=8, now=100) == Room(0, 4)


def test_there_is_a_thread_for_each_post_that_may_begin() -> None:
    for places in (1, 2, 8, 64):
        full = posts(Lane.QUICK, most_threads(places) - room([], places=places, now=100).patient, since=98)
        assert room(full, places=places, now=100).quick == 0
        assert room(full[1:], places=places, now=100).quick == 1
