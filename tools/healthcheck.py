"""Ask the service in this container whether it can do its work: exit code 0 if it does, 1 if not.

It reads the settings that the container has in its environment, so give the port and the certificate there.
"""

from __future__ import annotations

import os
import ssl
import sys
import urllib.request
from collections.abc import Mapping

PATIENCE_SECONDS = 4.0


def is_healthy(settings: Mapping[str, str]) -> bool:
    """Tell whether the service on loopback is ready."""
    scheme = "https" if settings.get("ESCROW_TLS_CERTIFICATE") else "http"
    url = f"{scheme}://127.0.0.1:{settings.get('ESCROW_PORT') or 8470}/readyz"
    opener = urllib.request.build_opener(
        urllib.request.ProxyHandler({}), urllib.request.HTTPSHandler(context=_without_names())
    )
    try:
        with opener.open(url, timeout=PATIENCE_SECONDS) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _without_names() -> ssl.SSLContext:
    """The certificate names the service's own host, never loopback; nothing secret is sent."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


if __name__ == "__main__":
    sys.exit(not is_healthy(os.environ))
