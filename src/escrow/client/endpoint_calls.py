"""Webhook endpoints as methods of the SDK: `Escrow` has them all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from uuid import UUID

from escrow import wire
from escrow.client.calls import Calls

__all__ = ["EndpointCalls"]

_ALL = "/v1/webhook-endpoints"


class EndpointCalls(Calls):
    """Where events are posted to; the API key needs the scope ``webhooks``."""

    def add_webhook(self, endpoint: wire.NewEndpoint) -> wire.NewSecret:
        """Add an endpoint; the secret in the answer is shown this once."""
        return self._post(_ALL, endpoint, wire.NewSecret)

    def webhooks(self) -> Sequence[wire.Endpoint]:
        """Every endpoint that the API key may know of, oldest first."""
        return self._get(_ALL, wire.Endpoints).items

    def webhook(self, endpoint_id: UUID) -> wire.Endpoint:
        """One endpoint, and where it stands."""
        return self._get(_at(endpoint_id), wire.Endpoint)

    def change_webhook(self, endpoint_id: UUID, change: wire.EndpointChange) -> wire.Endpoint:
        """Change what ``change`` was made with; what it was made without stays."""
        return self._patch(_at(endpoint_id), change, wire.Endpoint)

    def remove_webhook(self, endpoint_id: UUID) -> None:
        """Remove an endpoint, its secrets and its log."""
        self._delete(_at(endpoint_id))

    def confirm_webhook(self, endpoint_id: UUID) -> wire.Endpoint:
        """Have a challenge posted; the endpoint is enabled once it is answered."""
        return self._post(_at(endpoint_id, "confirm"), wire.Nothing(), wire.Endpoint)

    def try_webhook(self, endpoint_id: UUID) -> wire.Endpoint:
        """Have ``endpoint.test`` posted once."""
        return self._post(_at(endpoint_id, "test"), wire.Nothing(), wire.Endpoint)

    def rotate_webhook_secret(self, endpoint_id: UUID) -> wire.NewSecret:
        """Replace the secret; the one before signs too until ``previous_secret_until``."""
        return self._post(_at(endpoint_id, "secret"), wire.Nothing(), wire.NewSecret)

    def webhook_deliveries(self, endpoint_id: UUID) -> Iterator[wire.Delivery]:
        """Yield what was delivered or is to be, newest first, with every attempt."""
        for page in self._pages(_at(endpoint_id, "deliveries"), wire.DeliveryPage):
            yield from page.items

    def replay_webhook(self, endpoint_id: UUID, first: int, last: int) -> wire.Replayed:
        """Have settled deliveries made again, by their numbers, both included: the first thousand of them."""
        return self._post(_at(endpoint_id, "replay"), wire.Replay(first=first, last=last), wire.Replayed)


def _at(endpoint_id: UUID, *parts: str) -> str:
    return "/".join((_ALL, str(endpoint_id), *parts))
