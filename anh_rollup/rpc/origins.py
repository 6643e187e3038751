"""Which web pages may ask this node (CORS, and the origin of WebSockets)."""

from collections.abc import Set
from typing import Final

from aiohttp import web

ANY: Final = "*"
"""Stands for every origin: nothing here depends on who asks."""


def permits(origins: Set[str], origin: str | None) -> bool:
    """Whether a page of an origin may ask; who names none is no browser.

    Args:
        origins: As "https://example.org", or `ANY` among them.
        origin: Of the page, or None.
    """
    return origin is None or ANY in origins or origin in origins


def restrict(app: web.Application, origins: Set[str]) -> None:
    """Lets browsers read an application's answers on pages of some origins alone."""

    async def name_origin(request: web.Request, response: web.StreamResponse) -> None:
        origin = request.headers.get("Origin")
        response.headers.popall("Access-Control-Allow-Origin", None)
        response.headers["Vary"] = "Origin"
        if origin is not None and origin in origins:
            response.headers["Access-Control-Allow-Origin"] = origin

    if ANY not in origins:
        app.on_response_prepare.append(name_origin)
