"""The service's settings: read once at start from the environment (``ESCROW_…``), then never changed.

Every setting has a default, so that ``escrow-server serve`` runs with none given. Only the service imports this module.
"""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from platformdirs import user_config_path, user_data_path
from pydantic import Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

__all__ = ["ServerSettings"]

_Positive = Annotated[int, Field(ge=1)]
_Seconds = Annotated[float, Field(gt=0)]


def _database_in(settings: dict[str, Any]) -> str:
    return f"sqlite:///{settings['data_folder'] / 'escrow.sqlite'}"


class ServerSettings(BaseSettings):
    """What an operator decides; limits are per request or per list unless they say otherwise."""

    model_config = SettingsConfigDict(
        env_prefix="ESCROW_",
        env_ignore_empty=True,
        frozen=True,
        extra="forbid",
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
    )

    data_folder: Path = Field(default_factory=lambda: user_data_path("escrow-server"))
    """Where the SQLite database lies; only its owner may enter it."""

    database_url: str = Field(
        default_factory=_database_in, repr=False, pattern=r"^(sqlite:///.|postgresql(\+psycopg)?://)"
    )
    """The database: by default an SQLite file in the data folder, or a ``postgresql://`` URL."""

    sealing_key_file: Path = Field(default_factory=lambda: user_config_path("escrow-server") / "sealing.key")
    """The file of the sealing key, outside the data folder, so that a stolen database does not open."""

    host: str = "127.0.0.1"
    """The address to listen on."""

    port: Annotated[int, Field(ge=0, le=65535)] = 8470
    """The port to listen on; 0 takes a free one and prints it."""

    tls_certificate: Path | None = None
    """The certificate chain (PEM) to serve HTTPS with."""

    tls_key: Path | None = None
    """The private key (PEM) of the certificate."""

    log_file: Path | None = None
    """Where log lines go instead of standard output."""

    body_bytes: _Positive = 64 * 1024
    """The largest JSON body of a request, except for batches of details."""

    details_body_bytes: _Positive = 8 * 1024 * 1024
    """The largest JSON body of a batch of details."""

    chunk_bytes: _Positive = 4 * 1024 * 1024
    """The largest chunk of a submission."""

    largest_list: _Positive = 5_000_000
    """The most accounts that one list may hold, whatever the terms accept."""

    page_items: Annotated[int, Field(ge=1, le=1_000)] = 500
    """The most items in one page of an answer."""

    release_interval_seconds: _Seconds = 86_400
    """The least time between two releases of a partnership."""

    threshold: Annotated[int, Field(ge=1)] = 5
    """The smallest count that a release shows."""

    step: _Positive = 1
    """Shown counts are rounded down to a multiple of this."""

    lease_seconds: _Seconds = 60
    """For how long a worker may keep a job before another takes it over."""

    poll_seconds: _Seconds = 0.5
    """How often an idle worker looks for jobs."""

    @property
    def on_sqlite(self) -> bool:
        """Tell whether the database is a file, and so the worker lives inside ``serve``."""
        return self.database_url.startswith("sqlite")

    @model_validator(mode="after")
    def _certificate_and_key_come_together(self) -> ServerSettings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("tls_certificate and tls_key are given together")
        return self
