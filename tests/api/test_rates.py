"""How many requests an organization may send, and what it is told past that."""

from __future__ import annotations

from pathlib import Path
from uuid import uuid4

import pytest

from escrow.api.rates import Rates
from escrow.errors import RateExceeded
from tests.api.serving import served


def test_a_burst_of_a_minute_is_taken_and_then_no_more() -> None:
    rates, organization = Rates(), uuid4()
    for _ in range(60):
        rates.take(organization, per_minute=60, at=0.0)
    with pytest.raises(RateExceeded) as refused:
        rates.take(organization, per_minute=60, at=0.5)
    assert refused.value.seconds == 1
    rates.take(organization, per_minute=60, at=1.0)
    with pytest.raises(RateExceeded):
        rates.take(organization, per_minute=60, at=1.0)


def test_whoever_waits_as_long_as_is_said_is_answered() -> None:
    rates, organization = Rates(), uuid4()
    rates.take(organization, per_minute=1, at=0.0)
    with pytest.raises(RateExceeded) as refused:
        rates.take(organization, per_minute=1, at=0.0)
    assert refused.value.seconds == 60
    rates.take(organization, per_minute=1, at=60.0)


def test_a_long_silence_saves_up_one_minute() -> None:
    rates, organization = Rates(), uuid4()
    rates.take(organization, per_minute=2, at=0.0)
    for _ in range(2):
        rates.take(organization, per_minute=2, at=10_000.0)
    with pytest.raises(RateExceeded):
        rates.take(organization, per_minute=2, at=10_000.0)


def test_one_organization_does_not_use_up_what_another_may_send() -> None:
    rates = Rates()
    rates.take(uuid4(), per_minute=1, at=0.0)
    rates.take(uuid4(), per_minute=1, at=0.0)


def test_zero_counts_nothing() -> None:
    rates, organization = Rates(), uuid4()
    for _ in range(10):
        rates.take(organization, per_minute=0, at=0.0)


def test_past_the_limit_a_caller_is_told_how_long_to_wait(database_url: str, tmp_path: Path) -> None:
    with served(database_url, tmp_path, limits={"requests_per_minute": 2}) as api:
        answers = [api.left.http.get("/v1/service") for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 429]
        assert answers[2].json()["code"] == "rate-exceeded"
        assert answers[2].headers["retry-after"] == "30"
        assert answers[2].headers["ratelimit"] == '"organization";r=0;t=30'
        assert answers[2].headers["ratelimit-policy"] == '"organization";q=2;w=60'
        assert api.right.http.get("/v1/service").status_code == 200
        assert api.nobody.get("/healthz").status_code == 200
