"""A forward proxy on loopback that does something else first, once: what happens in between is no matter of luck."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx

__all__ = ["relay"]


_OF_A_HOP = {"connection", "keep-alive", "proxy-connection", "transfer-encoding", "content-length", "content-encoding"}


@contextmanager
def relay(*, before: str, first: Callable[[], object]) -> Iterator[str]:
    """Pass requests on; before the first POST to an address that ends so, do something. Gives the proxy's address."""
    waiting = [first]

    class Handler(BaseHTTPRequestHandler):
        def _pass_on(self) -> None:
            content = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if waiting and self.command == "POST" and self.path.endswith(before):
                waiting.pop()()
            with httpx.Client(trust_env=False) as client:
                answer = client.request(
                    self.command, self.path, headers=_end_to_end(dict(self.headers)), content=content
                )
            self.send_response(answer.status_code)
            for name, value in _end_to_end(dict(answer.headers)).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        do_GET = do_POST = do_PUT = _pass_on  # noqa: N815  # names that the base class looks for

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def _end_to_end(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in _OF_A_HOP}
