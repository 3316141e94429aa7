"""The keyring's content as JSON, before it is sealed and after it is opened."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypeVar
from uuid import UUID

from escrow.client.seats import ConfirmedTerms, Consent, Exchange, FreshPairing, Invited, Seat, Standing
from escrow.errors import KeyringInvalid
from escrow.presets import DISCLOSURE_PRESETS
from escrow.psi.encoding import b64url, unb64url
from escrow.psi.keys import GenerationKeys
from escrow.psi.matchkeys import Suite
from escrow.terms import CELLS, Cell, DisclosureRule, Level, Population, Side, Terms, Tier

__all__ = ["Object", "Reader", "read_object", "read_seat", "seat_object", "write_object"]

Object = dict[str, object]
T = TypeVar("T")


def write_object(form: Object) -> bytes:
    """Give the bytes of a JSON object."""
    return json.dumps(form, separators=(",", ":"), ensure_ascii=False).encode()


def read_object(sealed_text: bytes, read: Callable[[Reader], T]) -> T:
    """Read an object that was sealed by this client.

    Raises:
        KeyringInvalid: it has another form.
    """
    try:
        return read(Reader(json.loads(sealed_text)))
    except (KeyError, ValueError, TypeError):
        raise KeyringInvalid("the file was written by another version of escrow; use that version") from None


class Reader:
    """Takes typed values out of a JSON object; a wrong type raises."""

    def __init__(self, of: object) -> None:
        if not isinstance(of, dict):
            raise TypeError
        self._of = of

    def has(self, name: str) -> bool:
        return name in self._of

    def text(self, name: str) -> str:
        value = self._of[name]
        if not isinstance(value, str):
            raise TypeError
        return value

    def number(self, name: str) -> int:
        value = self._of[name]
        if not isinstance(value, int):
            raise TypeError
        return value

    def binary(self, name: str) -> bytes:
        return unb64url(self.text(name))

    def uuid(self, name: str) -> UUID:
        return UUID(self.text(name))

    def texts(self, name: str) -> tuple[str, ...]:
        return tuple(str(value) for value in self._list(name))

    def objects(self, name: str) -> list[Reader]:
        return [Reader(value) for value in self._list(name)]

    def part(self, name: str) -> Reader:
        return Reader(self._of[name])

    def optional(self, name: str, read: Callable[[str], T]) -> T | None:
        # A file of an earlier version lacks what came later.
        return None if self._of.get(name) is None else read(name)

    def _list(self, name: str) -> list[object]:
        value = self._of[name]
        if not isinstance(value, list):
            raise TypeError
        return value


def seat_object(seat: Seat) -> Object:
    """Write a seat."""
    return {
        "partnership_id": str(seat.partnership_id),
        "label": seat.label,
        "side": seat.side.value,
        "standing": seat.standing.value,
        "partner_id": None if seat.partner_id is None else str(seat.partner_id),
        "partner_name": seat.partner_name,
        "invited": None if seat.invited is None else _invited_object(seat.invited),
        "exchange": None if seat.exchange is None else _exchange_object(seat.exchange),
        "keys": None if seat.keys is None else _keys_object(seat.keys),
        "check": seat.check,
        "terms": _terms_object(seat.confirmed),
        "asked": None if seat.asked is None else _terms_object(ConfirmedTerms(seat.asked, 0)),
        "highest_release": seat.highest_release,
        "consent": None if seat.consent is None else {"g": seat.consent.g, "profile": seat.consent.profile_id},
        "building": None if seat.building is None else _keys_object(seat.building),
        "fresh": None if seat.fresh is None else _fresh_object(seat.fresh),
        "complete_since": None if seat.complete_since is None else seat.complete_since.isoformat(),
    }


def read_seat(form: Reader) -> Seat:
    """Read a seat."""
    partnership_id = form.uuid("partnership_id")
    return Seat(
        partnership_id=partnership_id,
        label=form.text("label"),
        side=Side(form.text("side")),
        standing=Standing(form.text("standing")),
        partner_id=form.optional("partner_id", form.uuid),
        partner_name=form.text("partner_name"),
        invited=form.optional("invited", lambda name: _read_invited(form.part(name))),
        exchange=form.optional("exchange", lambda name: _read_exchange(form.part(name))),
        keys=form.optional("keys", lambda name: _read_keys(partnership_id, form.part(name))),
        check=form.optional("check", form.text),
        confirmed=_read_terms(form.part("terms")),
        asked=form.optional("asked", lambda name: _read_terms(form.part(name)).terms) if form.has("asked") else None,
        highest_release=form.number("highest_release"),
        consent=form.optional("consent", lambda name: _read_consent(form.part(name))),
        building=form.optional("building", lambda name: _read_keys(partnership_id, form.part(name))),
        fresh=form.optional("fresh", lambda name: _read_fresh(partnership_id, form.part(name))),
        complete_since=form.optional("complete_since", lambda name: datetime.fromisoformat(form.text(name))),
    )


def _fresh_object(fresh: FreshPairing) -> Object:
    return {
        "g": fresh.g,
        "standing": fresh.standing.value,
        "profile": fresh.profile_id,
        "invited": None if fresh.invited is None else _invited_object(fresh.invited),
        "exchange": None if fresh.exchange is None else _exchange_object(fresh.exchange),
        "keys": None if fresh.keys is None else _keys_object(fresh.keys),
        "check": fresh.check,
    }


def _read_fresh(partnership_id: UUID, form: Reader) -> FreshPairing:
    return FreshPairing(
        g=form.number("g"),
        standing=Standing(form.text("standing")),
        profile_id=form.text("profile"),
        invited=form.optional("invited", lambda name: _read_invited(form.part(name))),
        exchange=form.optional("exchange", lambda name: _read_exchange(form.part(name))),
        keys=form.optional("keys", lambda name: _read_keys(partnership_id, form.part(name))),
        check=form.optional("check", form.text),
    )


def _read_consent(form: Reader) -> Consent:
    return Consent(form.number("g"), form.text("profile"))


def _invited_object(invited: Invited) -> Object:
    return {
        "psk": b64url(invited.psk),
        "private": b64url(invited.private),
        "public": b64url(invited.public),
        "profile": invited.profile_id,
        "expires_at": invited.expires_at.isoformat(),
    }


def _read_invited(form: Reader) -> Invited:
    return Invited(
        psk=form.binary("psk"),
        private=form.binary("private"),
        public=form.binary("public"),
        profile_id=form.text("profile"),
        expires_at=datetime.fromisoformat(form.text("expires_at")),
    )


def _exchange_object(exchange: Exchange) -> Object:
    return {
        "inviter_public": b64url(exchange.inviter_public),
        "acceptor_public": b64url(exchange.acceptor_public),
        "own_tag": b64url(exchange.own_tag),
        "expected_tag": b64url(exchange.expected_tag),
        "lookup": None if exchange.lookup is None else b64url(exchange.lookup),
    }


def _read_exchange(form: Reader) -> Exchange:
    return Exchange(
        inviter_public=form.binary("inviter_public"),
        acceptor_public=form.binary("acceptor_public"),
        own_tag=form.binary("own_tag"),
        expected_tag=form.binary("expected_tag"),
        lookup=form.optional("lookup", form.binary),
    )


def _keys_object(keys: GenerationKeys) -> Object:
    return {
        "g": keys.g,
        "suite": keys.suite.value,
        "profile": keys.profile_id,
        "match_key": b64url(keys.match_key),
        "head_key": b64url(keys.head_key),
        "next_root": b64url(keys.next_root),
        "given_up": keys.given_up,
    }


def _read_keys(partnership_id: UUID, form: Reader) -> GenerationKeys:
    return GenerationKeys(
        partnership_id=partnership_id,
        g=form.number("g"),
        suite=Suite(form.number("suite")),
        profile_id=form.text("profile"),
        match_key=form.binary("match_key"),
        head_key=form.binary("head_key"),
        next_root=form.binary("next_root"),
        given_up=form.number("given_up") if form.has("given_up") else 0,
    )


def _terms_object(confirmed: ConfirmedTerms) -> Object:
    terms = confirmed.terms
    return {
        "number": confirmed.number,
        "levels": [{"ours": cell.ours, "theirs": cell.theirs, "level": terms.levels[cell]} for cell in CELLS],
        "fields": list(terms.fields),
        "counts_from": terms.counts_from,
        "reveals_from": terms.reveals_from,
        "largest_list": terms.largest_list,
        "disclosure": _rule_object(terms.disclosure),
    }


def _rule_object(rule: DisclosureRule) -> Object:
    return {
        "threshold": rule.threshold,
        "step": rule.step,
        "interval_seconds": int(rule.interval.total_seconds()),
        "least_changes": rule.least_changes,
        "noise": int(rule.noise),
    }


def _read_rule(form: Reader) -> DisclosureRule:
    return DisclosureRule(
        threshold=form.number("threshold"),
        step=form.number("step"),
        interval=timedelta(seconds=form.number("interval_seconds")),
        least_changes=form.number("least_changes"),
        noise=bool(form.number("noise")),
    )


def _read_terms(form: Reader) -> ConfirmedTerms:
    terms = Terms(
        levels=dict(_read_level(each) for each in form.objects("levels")),
        fields=form.texts("fields"),
        counts_from=Tier(form.number("counts_from")),
        reveals_from=Tier(form.number("reveals_from")),
        largest_list=form.number("largest_list"),
        # A file from before rules belonged to the terms was confirmed under what is called `trusted` now.
        disclosure=_read_rule(form.part("disclosure")) if form.has("disclosure") else DISCLOSURE_PRESETS["trusted"],
    )
    return ConfirmedTerms(terms, form.number("number"))


def _read_level(form: Reader) -> tuple[Cell, Level]:
    return Cell(Population(form.number("ours")), Population(form.number("theirs"))), Level(form.number("level"))
