"""Secrets of escrow.toml: the file names where they are, in the environment or the system's keyring, and holds none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from escrow.client.system_keyring import secret_named
from escrow.errors import SecretMissing, SigningSecretInvalid
from escrow.signing import SigningSecret

__all__ = ["NamedSecret", "Secret", "find_secret", "find_signing_secret", "named_secret"]

_IN_ENVIRONMENT = "env:"
_IN_KEYRING = "keyring:"


@dataclass(frozen=True, slots=True)
class NamedSecret:
    """Where a secret is: ``env:NAME`` or ``keyring:NAME``."""

    reference: str

    def __str__(self) -> str:
        return self.reference


@dataclass(frozen=True, slots=True)
class Secret:
    """A secret that is not printed."""

    text: str

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__


def named_secret(text: str) -> NamedSecret | None:
    """Read a reference to a secret; None if the text is something else."""
    name = text.partition(":")[2]
    return NamedSecret(text) if name.strip() and text.startswith((_IN_ENVIRONMENT, _IN_KEYRING)) else None


def find_secret(named: NamedSecret, environment: Mapping[str, str]) -> Secret:
    """Fetch a secret from where it is.

    Raises:
        SecretMissing, SystemKeyringUnusable: it is not there.
    """
    place, _, name = named.reference.partition(":")
    found = environment.get(name) if f"{place}:" == _IN_ENVIRONMENT else secret_named(name)
    if not found:
        where = "set the environment variable" if f"{place}:" == _IN_ENVIRONMENT else "run `keyring set escrow"
        told = f"{where} {name}" + ("" if f"{place}:" == _IN_ENVIRONMENT else "`")
        raise SecretMissing(f"the secret {named} that escrow.toml names is not there; {told}")
    return Secret(found.strip())


def find_signing_secret(named: NamedSecret, environment: Mapping[str, str]) -> SigningSecret:
    """Fetch the secret that an endpoint's webhooks are signed with.

    Raises:
        SecretMissing, SystemKeyringUnusable: it is not there, or something else is.
    """
    try:
        return SigningSecret.parse(find_secret(named, environment).text)
    except SigningSecretInvalid as problem:
        raise SecretMissing(
            f"what {named} holds is not the secret of a webhook endpoint: {problem.message} "
            "`escrow webhook rotate-secret` makes a new one"
        ) from None
