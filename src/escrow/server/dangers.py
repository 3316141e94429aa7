"""What is not safe to serve with, though each setting by itself may be, and what an operator should think over."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from escrow.errors import (
    ListenerExposed,
    MailAddressInvalid,
    MailExposed,
    MailUnusable,
    ReleaseKeyExposed,
    SealingKeyExposed,
    TlsKeyExposed,
    WebhooksExposed,
)
from escrow.hosts import is_loopback
from escrow.presets import DISCLOSURE_PRESETS

if TYPE_CHECKING:
    from escrow.settings import ServerSettings

__all__ = [
    "check_egress",
    "check_listener",
    "check_mail",
    "must_be_private",
    "must_lie_outside",
    "warnings",
]

_SOON = timedelta(days=14)


def check_listener(settings: ServerSettings) -> None:
    """Refuse to let others read what is sent, or the key that HTTPS is served with."""
    if not (settings.tls_certificate or settings.trusted_proxies or is_loopback(settings.host)):
        raise ListenerExposed(
            f"Plain HTTP on {settings.host} could be read by others: give --tls-certificate and --tls-key, "
            "or --trusted-proxies with the address of the proxy that speaks HTTPS."
        )
    if settings.tls_key is not None and _mode(settings.tls_key) & stat.S_IRWXO:
        raise TlsKeyExposed(f"Others can read the key of the certificate: run 'chmod o= {settings.tls_key}'.")


def check_egress(settings: ServerSettings) -> None:
    """Refuse to post webhooks to this machine where others may name what they are posted to."""
    if settings.webhook_loopback and (settings.trusted_proxies or not is_loopback(settings.host)):
        raise WebhooksExposed(
            "Others reach this service, and could have webhooks posted to programs of this machine: "
            "unset ESCROW_WEBHOOK_LOOPBACK, or listen on 127.0.0.1 without a proxy."
        )


def check_mail(settings: ServerSettings) -> None:
    """Refuse a mail server that mail cannot be given to, or that it would reach in the open."""
    if not settings.mail_host:
        return
    from escrow.mail_digests.addresses import MailAddress
    from escrow.mail_digests.sending import tls_of

    if settings.mail_security == "none" and not is_loopback(settings.mail_host):
        raise MailExposed(
            f"Mail and its password would go to {settings.mail_host} in the open: set ESCROW_MAIL_SECURITY to starttls "
            "or tls."
        )
    for name, address in (("MAIL_FROM", settings.mail_from), ("MAIL_CONTACT", settings.mail_contact)):
        try:
            MailAddress.parse(address or settings.mail_from)
        except MailAddressInvalid:
            raise MailUnusable(f"ESCROW_{name} is not one plain address, like escrow@example.com.") from None
    tls_of(settings.mail_ca_file)


def must_lie_outside(settings: ServerSettings) -> None:
    """Refuse keys in the data folder."""
    if settings.sealing_key_file.resolve().is_relative_to(settings.data_folder.resolve()):
        raise SealingKeyExposed("The sealing key lies in the data folder, beside what it seals: keep it elsewhere.")
    if settings.release_key_file.resolve().is_relative_to(settings.data_folder.resolve()):
        raise ReleaseKeyExposed("The release key lies in the data folder: keep it elsewhere, beside the sealing key.")


def must_be_private(settings: ServerSettings) -> None:
    """Refuse keys that others can read."""
    if _mode(settings.sealing_key_file) & (stat.S_IRWXG | stat.S_IRWXO):
        raise SealingKeyExposed(f"Others can read the sealing key: run 'chmod 600 {settings.sealing_key_file}'.")
    if _mode(settings.release_key_file) & (stat.S_IRWXG | stat.S_IRWXO):
        raise ReleaseKeyExposed(f"Others can read the release key: run 'chmod 600 {settings.release_key_file}'.")


def warnings(settings: ServerSettings, places: Mapping[str, str]) -> Iterator[str]:
    """Say what is allowed, and what an operator should still think over."""
    if "@" in settings.database_url and places.get("database_url") == "ESCROW_DATABASE_URL":
        yield "Other programs may read an environment: give the database's URL by ESCROW_DATABASE_URL_FILE."
    if settings.on_sqlite and _mode(settings.data_folder) & (stat.S_IRWXG | stat.S_IRWXO):
        yield f"Others may enter the data folder, where the database lies: run 'chmod 700 {settings.data_folder}'."
    own = settings.own_preset
    if own is not None and not own.is_at_least(DISCLOSURE_PRESETS["trusted"]):
        yield f"Your preset {settings.own_preset_name} is looser than trusted: see the threat model for what it tells."
    if settings.tls_certificate is not None:
        yield from _warnings_of_certificate(settings.tls_certificate)


def _warnings_of_certificate(chain: Path) -> Iterator[str]:
    from cryptography import x509

    try:
        ends = x509.load_pem_x509_certificate(chain.read_bytes()).not_valid_after_utc
    except (OSError, ValueError):
        return  # it is refused, and that says more
    if ends < datetime.now(UTC) + _SOON:
        yield f"The certificate {chain} ends on {ends:%Y-%m-%d}: renew it."


def _mode(file: Path) -> int:
    """Tell who may use a file, where the system says so; what is not there is refused when it is read."""
    return stat.S_IMODE(file.stat().st_mode) if os.name == "posix" and file.exists() else 0
