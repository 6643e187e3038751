"""A folder that is served over HTTP, as accountants serve theirs."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any


class _QuietHandler(SimpleHTTPRequestHandler):
    def log_message(self, *_words: Any) -> None:
        """Says nothing: a command's output is all that a test reads."""


@contextmanager
def serving(folder: Path) -> Iterator[str]:
    """Serves a folder on this machine; the URL of its root."""
    handler = partial(_QuietHandler, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
