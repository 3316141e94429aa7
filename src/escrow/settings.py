"""The service's settings: what each may be. They never change after the start.

Every setting has a default, so that ``escrow-server serve`` runs with none given. Where the values come from, a file,
the environment or an option, is for ``escrow.server.configuration``; only the service imports this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal

from platformdirs import user_config_path, user_data_path
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, IPvAnyNetwork, model_validator

from escrow.allowance import AllowanceRule, ListLimits
from escrow.presets import DISCLOSURE_PRESETS
from escrow.terms import LEAST_THRESHOLD, LONGEST_INTERVAL, MOST_DEMANDED, DisclosureRule

__all__ = ["PREFIX", "Form", "ServerSettings", "secret_settings"]

#: What the environment variable of a setting begins with.
PREFIX = "ESCROW_"

# Beyond these a number is a slip, and some part would fail over it later: no wait, age or body is ever so long.
_TEN_YEARS = 10 * 365 * 86_400
_LARGEST_BODY = 1024 * 1024 * 1024
_MOST_ACCOUNTS = 100_000_000

Seconds = Annotated[float, Field(gt=0, le=_TEN_YEARS)]
WholeSeconds = Annotated[int, Field(ge=1, le=_TEN_YEARS)]
Bytes = Annotated[int, Field(ge=1, le=_LARGEST_BODY)]
Accounts = Annotated[int, Field(ge=1, le=_MOST_ACCOUNTS)]


@dataclass(frozen=True, slots=True)
class Form:
    """What a value looks like, in words, where its type does not say it."""

    words: str


def _database_in(settings: dict[str, Any]) -> str:
    return f"sqlite:///{settings['data_folder'] / 'escrow.sqlite'}"


def _split(value: object) -> object:
    """Read a list from one line, as an environment variable gives it."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _names_somebody(network: IPv4Network | IPv6Network) -> IPv4Network | IPv6Network:
    if network.prefixlen == 0:
        raise ValueError("a network of all addresses names nobody")
    return network


Networks = Annotated[
    tuple[Annotated[IPvAnyNetwork, AfterValidator(_names_somebody)], ...],
    BeforeValidator(_split),
    Form("addresses or networks, separated by commas, like 10.0.0.7 or 10.0.0.0/24, but not all addresses there are"),
]

Ports = Annotated[
    frozenset[Annotated[int, Field(ge=1, le=65_535)]],
    BeforeValidator(_split),
    Form("port numbers, separated by commas"),
]


class ServerSettings(BaseModel):
    """What an operator decides; limits are per request or per list unless they say otherwise."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, allow_inf_nan=False)

    data_folder: Path = Field(
        default_factory=lambda: user_data_path("escrow-server"),
        description="Where the SQLite database lies; ``escrow-server init`` lets only its owner enter it.",
    )
    database_url: Annotated[str, Form("an sqlite:/// or postgresql:// URL")] = Field(
        default_factory=_database_in,
        repr=False,
        pattern=r"^(sqlite:///.|postgresql(\+psycopg)?://)",
        description="The database: by default an SQLite file in the data folder, or a ``postgresql://`` URL. There a "
        "host that does not answer is given up after 10 seconds, or as ``?connect_timeout=`` says.",
    )
    sealing_key_file: Path = Field(
        default_factory=lambda: user_config_path("escrow-server") / "sealing.key",
        description="The file of the sealing key, outside the data folder, so that a stolen database does not open.",
    )
    release_key_file: Path = Field(
        default_factory=lambda settings: settings["sealing_key_file"].with_name("release.key"),
        description="The file of the key that signs releases: by default ``release.key`` beside the sealing key.",
    )
    host: str = Field(default="127.0.0.1", description="The address to listen on.")
    port: int = Field(
        default=8470, ge=0, le=65535, description="The port to listen on; 0 takes a free one and prints it."
    )
    tls_certificate: Path | None = Field(default=None, description="The certificate chain (PEM) to serve HTTPS with.")
    tls_key: Path | None = Field(default=None, description="The private key (PEM) of the certificate.")
    tls_reload_seconds: Seconds = Field(
        default=60, description="How often a renewed certificate is looked for; ``SIGHUP`` looks at once."
    )
    trusted_proxies: Networks = Field(
        default=(),
        description="The proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed; nobody else's are.",
    )
    connections: int = Field(
        default=1_000,
        ge=1,
        le=100_000,
        description="The most connections at once; a further one is answered 503 and closed.",
    )
    concurrent_requests: int = Field(
        default=100,
        ge=1,
        le=100_000,
        description="The most requests at once; a further one is answered 503. Health checks pass.",
    )
    header_seconds: Seconds = Field(
        default=10, description="Within this time the headers of a request have arrived, or it is cut off."
    )
    body_seconds: Seconds = Field(
        default=120, description="Within this time the body of a request has arrived, or it is cut off."
    )
    idle_seconds: WholeSeconds = Field(default=5, description="How long a connection is kept between two requests.")
    stop_seconds: WholeSeconds = Field(
        default=25, description="How long requests and a job at hand may go on once the service is told to stop."
    )
    worker_silence_seconds: Seconds = Field(
        default=120, description="``/readyz`` fails when the worker of this process was silent for longer."
    )
    log_file: Path | None = Field(default=None, description="Where log lines go instead of standard output.")
    body_bytes: Bytes = Field(
        default=64 * 1024, description="The largest JSON body of a request, except for batches of details."
    )
    details_body_bytes: Bytes = Field(
        default=8 * 1024 * 1024, description="The largest JSON body of a batch of details."
    )
    chunk_bytes: Bytes = Field(default=4 * 1024 * 1024, description="The largest chunk of a submission.")
    json_list_accounts: Accounts = Field(
        default=10_000, description="The most accounts in a submission that is sent as one JSON body."
    )
    json_list_bytes: Bytes = Field(
        default=16 * 1024 * 1024, description="The largest JSON body of a submission that is sent as one."
    )
    upload_seconds: Seconds = Field(
        default=86_400, description="How long an upload may rest before it is deleted; it is then begun anew."
    )
    events_seconds: Seconds = Field(
        default=90 * 86_400, description="How long events and changes of overlaps can be read; then they go."
    )
    reset_changes: int = Field(
        default=10_000,
        ge=0,
        le=_MOST_ACCOUNTS,
        description="More changes of overlaps at once than this are told as: list them again.",
    )
    largest_list: Accounts = Field(
        default=5_000_000, description="The most accounts that one list may hold, whatever the terms accept."
    )
    prospects_share: int = Field(
        default=5,
        ge=1,
        le=1_000_000,
        description="The most prospects on one list, for each of its customers and opportunities; 50 are always taken.",
    )
    allowance_keys: Accounts = Field(
        default=500, description="The least that one side may newly ask about in a period, in match keys."
    )
    allowance_percent: int = Field(
        default=10, ge=0, le=100, description="The same, in percent of the keys on its list at the period's start."
    )
    allowance_period_seconds: Seconds = Field(
        default=30 * 86_400, description="How long a period is, counted from the first list."
    )
    generation_interval_seconds: Seconds = Field(
        default=90 * 86_400, description="The least time between the starts of two generations of a partnership."
    )
    page_items: int = Field(default=500, ge=1, le=1_000, description="The most items in one page of an answer.")
    open_disputes: int = Field(
        default=100, ge=1, le=1_000_000, description="The most disputes that one party may have open in a partnership."
    )
    requests_per_minute: int = Field(
        default=6_000,
        ge=0,
        le=1_000_000_000,
        description="The most requests that one organization may send to one process in a minute; 0 counts none.",
    )
    terms_request_seconds: WholeSeconds = Field(
        default=30 * 86_400, description="For how long a request for other terms can be answered."
    )
    idempotency_seconds: Seconds = Field(
        default=86_400, description="For how long the answer to an ``Idempotency-Key`` is kept."
    )
    own_preset_name: str = Field(
        default="",
        pattern=r"^[a-z0-9-]{0,40}$",
        description="The name of a disclosure preset of your own, offered beside the usual ones; none unless named.",
    )
    own_preset_threshold: int = Field(
        default=5,
        ge=LEAST_THRESHOLD,
        le=MOST_DEMANDED,
        description="The smallest count that your own preset shows.",
    )
    own_preset_step: int = Field(
        default=1, ge=1, le=MOST_DEMANDED, description="Your own preset rounds counts down to a multiple of this."
    )
    own_preset_interval_seconds: int = Field(
        default=86_400,
        ge=1,
        le=int(LONGEST_INTERVAL.total_seconds()),
        description="The least time between two releases under your own preset.",
    )
    own_preset_least_changes: int = Field(
        default=1,
        ge=1,
        le=MOST_DEMANDED,
        description="How many accounts of one side change before a release follows, under your own preset.",
    )
    webhook_ports: Ports = Field(default=frozenset({443}), description="The ports that webhooks may be posted to.")
    webhook_denied: Networks = Field(
        default=(),
        description="Networks that webhooks never go to, beside private and reserved ones: your own public ones.",
    )
    webhook_loopback: bool = Field(
        default=False,
        description="Lets webhooks be posted to this machine, over plain HTTP too: for development, refused elsewhere.",
    )
    webhook_connect_seconds: Seconds = Field(
        default=5, description="Within this time an endpoint's address is connected to."
    )
    webhook_read_seconds: Seconds = Field(
        default=10, description="How long an endpoint may be silent while a webhook is posted."
    )
    webhook_total_seconds: Seconds = Field(
        default=15, description="Within this time an endpoint has answered, or the attempt has failed."
    )
    webhook_endpoints: int = Field(
        default=50, ge=0, le=1_000, description="The most webhook endpoints that one organization may have."
    )
    webhook_threads: int = Field(
        default=32,
        ge=1,
        le=64,
        description="How many webhooks one process posts at once; half as many more go to slow and failing receivers.",
    )
    webhook_rotation_seconds: float = Field(
        default=86_400,
        ge=0,
        le=_TEN_YEARS,
        description="How long the secret before the newest one still signs webhooks.",
    )
    webhook_give_up_seconds: Seconds = Field(
        default=5 * 86_400, description="An endpoint that only failed for so long is disabled."
    )
    webhook_log_seconds: Seconds = Field(
        default=30 * 86_400, description="How long deliveries are listed, and can be replayed, once settled."
    )
    webhook_link: Annotated[str, Form("an address that begins with https:// (or http://)")] = Field(
        default="",
        pattern=r"^(https?://[!-~]{1,500})?$",
        description="Where a chat message links to; ``{partnership_id}`` in it is filled in. None: no link.",
    )
    mail_host: Annotated[str, Form("the name or the address of a machine")] = Field(
        default="",
        pattern=r"^([A-Za-z0-9._:-]{1,253})?$",
        description="The mail server (SMTP) that takes mail digests; none: the service sends no mail.",
    )
    mail_port: int = Field(default=587, ge=1, le=65_535, description="The port of the mail server.")
    mail_security: Annotated[
        Literal["starttls", "tls", "none"], Form("``starttls``, ``tls`` or, on this machine alone, ``none``")
    ] = Field(
        default="starttls", description="How the way to the mail server is kept secret: never less than what is said."
    )
    mail_ca_file: Path | None = Field(
        default=None, description="The certificate authority (PEM) of the mail server, if the system does not know it."
    )
    mail_username: Annotated[str, Form("at most 200 letters, digits and signs, without spaces")] = Field(
        default="", pattern=r"^[!-~]{0,200}$", description="The user's name at the mail server; none: nobody logs in."
    )
    mail_password: Annotated[str, Form("one line of at most 500 letters, digits, signs and spaces")] = Field(
        default="", repr=False, pattern=r"^[ -~]{0,500}$", description="The password; better in a file of its own."
    )
    mail_from: str = Field(default="", description="The address that mail digests come from.")
    mail_contact: str = Field(
        default="", description="The address that people answer to, and where they ask to be sent no more."
    )
    mail_answer_seconds: Seconds = Field(
        default=30, description="How long the mail server may be silent while it takes a mail."
    )
    mail_total_seconds: Seconds = Field(
        default=120, description="Within this time the mail server has taken a mail, or the attempt has failed."
    )
    mail_digests: int = Field(
        default=50,
        ge=0,
        le=1_000,
        description="The most mail digests that one organization may have, and codes that it may ask for in a day.",
    )
    lease_seconds: Seconds = Field(
        default=60, description="For how long a worker may keep a job before another takes it over."
    )
    poll_seconds: Seconds = Field(default=0.5, description="How often an idle worker looks for jobs.")

    @property
    def list_limits(self) -> ListLimits:
        """What one list may hold, and what it may ask about."""
        rule = AllowanceRule(
            least_tokens=self.allowance_keys,
            percent=self.allowance_percent,
            period=timedelta(seconds=self.allowance_period_seconds),
            renewal=timedelta(seconds=self.generation_interval_seconds),
        )
        return ListLimits(self.largest_list, self.prospects_share, rule)

    @property
    def webhook_lease_seconds(self) -> float:
        """For how long one delivery may take before another worker makes it: both time limits of a post, and more."""
        return self.lease_seconds + 3 * self.webhook_total_seconds

    @property
    def mail_lease_seconds(self) -> float:
        """For how long one mail may take before another worker sends it: looking the server up, all of it, and more."""
        return self.lease_seconds + 2 * self.mail_total_seconds

    @property
    def on_sqlite(self) -> bool:
        """Tell whether the database is a file, and so the worker lives inside ``serve``."""
        return self.database_url.startswith("sqlite")

    @property
    def own_preset(self) -> DisclosureRule | None:
        """The operator's own disclosure preset, if it has a name."""
        if not self.own_preset_name:
            return None
        return DisclosureRule(
            threshold=self.own_preset_threshold,
            step=self.own_preset_step,
            interval=timedelta(seconds=self.own_preset_interval_seconds),
            least_changes=self.own_preset_least_changes,
        )

    @model_validator(mode="after")
    def _certificate_and_key_come_together(self) -> ServerSettings:
        if (self.tls_certificate is None) != (self.tls_key is None):
            raise ValueError("a certificate and its key are given together: tls_certificate and tls_key")
        return self

    @model_validator(mode="after")
    def _own_preset_has_a_name_of_its_own(self) -> ServerSettings:
        if self.own_preset_name in DISCLOSURE_PRESETS:
            usual = ", ".join(DISCLOSURE_PRESETS)
            raise ValueError(f"a preset of your own is not named like a usual one ({usual}): own_preset_name")
        return self

    @model_validator(mode="after")
    def _mail_comes_from_somebody(self) -> ServerSettings:
        if self.mail_host and not self.mail_from:
            raise ValueError("a mail server is given with the address that mail comes from: mail_host and mail_from")
        if bool(self.mail_username) != bool(self.mail_password):
            raise ValueError("a user's name is given with the password: mail_username and mail_password")
        return self


def secret_settings() -> tuple[str, ...]:
    """Name the settings that may hold a secret: each may be given by a file, as ``NAME_file``, and is never printed."""
    return tuple(name for name, field in ServerSettings.model_fields.items() if not field.repr)
