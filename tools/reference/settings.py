"""docs/settings.md: the service's settings from their class, and the environment variables that `escrow` reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from pydantic.fields import FieldInfo

from escrow.server.allowed import allowed
from escrow.settings import PREFIX, ServerSettings
from tools.reference.markdown import MADE, joined, sentence, table

__all__ = ["CLIENT_VARIABLES", "page", "variables_read_by_the_client"]

_SERVICE = """# Settings

## The service

`escrow-server` reads its settings once, at the start. All of them have a default. What comes first decides: an option
of [commands](cli.md#escrow-server), the environment, a TOML file that `--config` or `ESCROW_CONFIG` names, the default.
In the file a setting has the name of its variable without `ESCROW_`, in small letters:

```toml
port = 8470
trusted_proxies = ["10.0.0.7"]
database_url_file = "/run/secrets/database-url"
```

The service does not start with a setting that is unknown or cannot be, in the file or in the environment, and names
each; the value itself is not repeated, since it may be a secret. Instead of `ESCROW_DATABASE_URL`, which may hold a
password, `ESCROW_DATABASE_URL_FILE` may name a file that holds it. `escrow-server config check` prints every setting
and where it came from."""

_CLIENT = """## The partner's side

`escrow` needs no settings: `escrow init` asks, and the keyring remembers. For a machine without a person, these
variables answer in their place. An option comes before its variable. `HTTPS_PROXY`, `SSL_CERT_FILE` and their kind are
read as usual; a service on this machine is never asked for through a proxy."""

#: What each default that depends on the machine comes to, on Linux.
_MADE_DEFAULTS = {
    "data_folder": "`~/.local/share/escrow-server`",
    "database_url": "`escrow.sqlite` in the data folder",
    "release_key_file": "`release.key` beside the sealing key",
    "sealing_key_file": "`~/.config/escrow-server/sealing.key`",
}

#: Every variable that the partner's side reads, and what for; a test compares the names with the code.
CLIENT_VARIABLES: Mapping[str, str] = {
    "ESCROW_HOME": "The home folder with the keyring and the account states.",
    "ESCROW_URL": "The address of the service, for `escrow init`.",
    "ESCROW_API_KEY": "The API key, for `escrow init`; later it is in the keyring.",
    "ESCROW_PASSPHRASE": "The keyring's passphrase. A file is better: other programs may read an environment.",
    "ESCROW_PASSPHRASE_FILE": "A file with the keyring's passphrase in its first line.",
    "ESCROW_EXPORT_PASSPHRASE": "The passphrase of the file that `escrow keyring export` writes and `import` reads.",
    "ESCROW_EXPORT_PASSPHRASE_FILE": "A file with that passphrase in its first line.",
    "ESCROW_CA_FILE": "The certificate authority of the service, as PEM, if the system does not know it.",
    "ESCROW_PROXY": "The proxy to the service.",
    "ESCROW_CONFORMANCE_LEFT_KEY": "The API key of one throw-away organization, for `escrow conformance run`.",
    "ESCROW_CONFORMANCE_RIGHT_KEY": "The API key of the other.",
    "ESCROW_PROJECT": "The project file, if it is not `escrow.toml` in the working directory.",
    "ESCROW_DEBUG": "With any value, an error that nobody foresaw shows where it happened.",
}

_VARIABLE = re.compile(r"\bESCROW_[A-Z_]*[A-Z]\b")


def page() -> str:
    """Give the page's text."""
    service = [_setting(name, field) for name, field in ServerSettings.model_fields.items()]
    client = [(f"`{name}`", meaning) for name, meaning in CLIENT_VARIABLES.items()]
    headings = ("variable", "type", "default", "meaning")
    return joined([MADE, _SERVICE, table(headings, service), _CLIENT, table(("variable", "meaning"), client)])


def variables_read_by_the_client() -> set[str]:
    """Name every environment variable that stands in the partner's side's code."""
    folder = Path(__file__).parents[2] / "src" / "escrow" / "client"
    return {name for file in folder.rglob("*.py") for name in _VARIABLE.findall(file.read_text(encoding="utf-8"))}


def _setting(name: str, field: FieldInfo) -> tuple[str, str, str, str]:
    return f"`{PREFIX}{name}`".upper(), allowed(field), _default(name, field), sentence(field.description)


def _default(name: str, field: FieldInfo) -> str:
    if field.default_factory is not None:
        return _MADE_DEFAULTS[name]
    if field.default in (None, "", ()):
        return "none"
    listed = isinstance(field.default, frozenset)
    return f"`{','.join(map(str, sorted(field.default))) if listed else field.default}`"
