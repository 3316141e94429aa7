"""What the operator's settings come to for posts."""

from __future__ import annotations

from escrow.settings import ServerSettings
from escrow.webhooks.egress import EgressLimits
from escrow.webhooks.targets import EgressRule

__all__ = ["egress_limits", "egress_rule"]


def egress_rule(settings: ServerSettings) -> EgressRule:
    """Say where may be posted to."""
    return EgressRule(settings.webhook_ports, settings.webhook_denied, settings.webhook_loopback)


def egress_limits(settings: ServerSettings) -> EgressLimits:
    """Say how long one post may take."""
    return EgressLimits(settings.webhook_connect_seconds, settings.webhook_read_seconds, settings.webhook_total_seconds)
