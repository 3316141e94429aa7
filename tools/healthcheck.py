"""Ask the service in this container whether it can do its work: exit code 0 if it does, 1 if not.

It reads settings where the service does: in the environment, then in the file that ``ESCROW_CONFIG`` names. Options of
`escrow-server serve` it does not see.
"""

from __future__ import annotations

import os
import ssl
import sys
import tomllib
import urllib.request
from collections.abc import Mapping
from pathlib import Path

PATIENCE_SECONDS = 4.0


def is_healthy(environment: Mapping[str, str]) -> bool:
    """Tell whether the service of this container is ready."""
    try:
        url = _address(environment)
    except (OSError, ValueError):  # a file that cannot be read, or is not TOML
        return False
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=_without_names())
    )
    try:
        with opener.open(url, timeout=PATIENCE_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _address(environment: Mapping[str, str]) -> str:
    file = environment.get("ESCROW_CONFIG")
    table = tomllib.loads(Path(file).read_text(encoding="utf-8")) if file else {}

    def said(name: str) -> str:
        return environment.get(f"ESCROW_{name.upper()}") or str(table.get(name, ""))

    host = said("host")
    reached = "127.0.0.1" if host in {"", "0.0.0.0"} else "::1" if host == "::" else host  # noqa: S104 - it asks
    scheme = "https" if said("tls_certificate") else "http"
    return f"{scheme}://{f'[{reached}]' if ':' in reached else reached}:{said('port') or 8470}/readyz"


def _without_names() -> ssl.SSLContext:
    """The certificate names the service's own host, never loopback; nothing secret is sent."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


if __name__ == "__main__":
    sys.exit(not is_healthy(os.environ))
