"""Organizations have names that tell them apart, and keys of which only a digest is kept."""

from __future__ import annotations

import os
from datetime import timedelta
from uuid import uuid4

import pytest
from sqlalchemy import insert, select

from escrow import audit, organizations
from escrow.access import Grant, authenticate, make_api_key
from escrow.errors import NotAuthenticated, NotFound, OrganizationNameInvalid, OrganizationNameTaken
from escrow.store.database import Database
from escrow.store.states import Scope
from escrow.store.tables import api_keys
from tests.partnership_makers import NOON, active_partnership, new_caller


@pytest.mark.parametrize("other", ["acme gmbh", "ACME  GmbH", "Ａｃｍｅ GmbH"])
def test_two_names_do_not_differ_only_in_case_width_or_spaces(database: Database, other: str) -> None:
    with database.transaction("add") as tx:
        organizations.add_organization(tx, "Acme GmbH", organization_id=uuid4(), now=NOON)
        with pytest.raises(OrganizationNameTaken):
            organizations.add_organization(tx, other, organization_id=uuid4(), now=NOON)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 121])
def test_a_name_is_one_line_of_text(database: Database, name: str) -> None:
    with database.transaction("add") as tx, pytest.raises(OrganizationNameInvalid):
        organizations.add_organization(tx, name, organization_id=uuid4(), now=NOON)


def test_an_organization_is_found_by_its_name_however_it_is_written(database: Database) -> None:
    with database.transaction("add") as tx:
        added = organizations.add_organization(tx, "Acme", organization_id=uuid4(), now=NOON)
        assert organizations.organization_named(tx, " ACME ") == added
        assert organizations.organization(tx, added.organization_id) == added
        assert organizations.list_organizations(tx) == [added]


def test_what_is_not_there_is_not_found(database: Database) -> None:
    with database.transaction("look") as tx:
        with pytest.raises(NotFound):
            organizations.organization_named(tx, "Nobody")
        with pytest.raises(NotFound):
            organizations.add_api_key(tx, uuid4(), label="", random=os.urandom, now=NOON)
        with pytest.raises(NotFound):
            organizations.revoke_api_key(tx, "abcdefghijkl", now=NOON)


def test_only_a_digest_of_a_key_is_kept(database: Database) -> None:
    with database.transaction("add") as tx:
        added = organizations.add_organization(tx, "Acme", organization_id=uuid4(), now=NOON)
        key = organizations.add_api_key(tx, added.organization_id, label="cron", random=os.urandom, now=NOON)
        kept = tx.execute(select(api_keys)).one()
    secret = key.presented.split("_")[2]
    assert kept.digest == key.digest
    assert secret not in repr(kept)
    assert secret not in repr(key)


def test_a_revoked_key_opens_nothing_and_stays_revoked_since_the_first_time(database: Database) -> None:
    with database.transaction("revoke") as tx:
        added = organizations.add_organization(tx, "Acme", organization_id=uuid4(), now=NOON)
        key = organizations.add_api_key(tx, added.organization_id, label="cron", random=os.urandom, now=NOON)
        organizations.revoke_api_key(tx, key.api_key_id, now=NOON)
        organizations.revoke_api_key(tx, key.api_key_id, now=NOON + timedelta(days=1))
        with pytest.raises(NotAuthenticated):
            authenticate(tx, key.presented, now=NOON)
        assert [listed.revoked_at for listed in organizations.list_api_keys(tx, added.organization_id)] == [NOON]


def test_what_the_operator_does_is_on_the_organizations_trail(database: Database) -> None:
    with database.transaction("add") as tx:
        caller = new_caller(tx, "Acme")
        organizations.revoke_api_key(tx, caller.api_key_id, now=NOON)
        audit.verify(tx, caller.organization_id)
        told = [entry.action for entry in audit.trail(tx, caller.organization_id)]
    assert told == [audit.Action.ORGANIZATION_ADDED, audit.Action.API_KEY_ADDED, audit.Action.API_KEY_REVOKED]


def test_a_key_is_listed_with_what_it_may_be_used_for(database: Database) -> None:
    couple = active_partnership(database)
    grant = Grant(frozenset({Scope.READ, Scope.SUBMIT}), frozenset({couple.partnership_id}), NOON + timedelta(days=90))
    with database.transaction("add") as tx:
        owner = couple.left.organization_id
        key = organizations.add_api_key(tx, owner, label="cron", grant=grant, random=os.urandom, now=NOON)
        listed = {each.api_key_id: each for each in organizations.list_api_keys(tx, owner)}
        assert listed[key.api_key_id].grant == grant
        assert authenticate(tx, key.presented, now=NOON).grant == grant
        assert listed[couple.left.api_key_id].grant == Grant()


def test_a_key_is_bound_only_to_partnerships_that_its_organization_has_a_seat_in(database: Database) -> None:
    foreign = active_partnership(database).partnership_id
    with database.transaction("add") as tx:
        stranger = new_caller(tx, "Stranger")
        for partnership_id in (foreign, uuid4()):
            with pytest.raises(NotFound):
                organizations.add_api_key(
                    tx,
                    stranger.organization_id,
                    label="",
                    grant=Grant(partnership_ids=frozenset({partnership_id})),
                    random=os.urandom,
                    now=NOON,
                )


def test_a_key_that_the_release_before_added_may_be_used_for_everything_but_webhooks(database: Database) -> None:
    with database.transaction("add") as tx:
        owner = new_caller(tx, "Acme").organization_id
        key = make_api_key(random=os.urandom)
        row = {"api_key_id": key.api_key_id, "organization_id": owner, "digest": key.digest}
        tx.execute(insert(api_keys).values(**row, label="", created_at=NOON))
        assert authenticate(tx, key.presented, now=NOON).grant == Grant(frozenset(Scope) - {Scope.WEBHOOKS})
