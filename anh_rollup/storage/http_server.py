"""Serving a folder of artifacts to everybody, read-only: GET /<kind>/<root>."""

import re
from pathlib import Path
from typing import Final

from aiohttp import web

from anh_rollup.storage.artifacts import ArtifactKind

#: The only paths that are answered; no other character ever reaches the file system.
ROOT: Final = re.compile(r"[0-9a-f]{64}")

FOLDER: Final = web.AppKey("folder", Path)


def make_app(folder: Path) -> web.Application:
    """The application; run it with aiohttp's runner on the address of your choice.

    Args:
        folder: An `ArtifactStore`'s folder. Drafts and anything else in it are not served.
    """
    app = web.Application()
    app[FOLDER] = folder.resolve()
    app.router.add_get("/{kind}/{root}", _serve)
    return app


async def _serve(request: web.Request) -> web.StreamResponse:
    kind, root = request.match_info["kind"], request.match_info["root"]
    if kind not in tuple(ArtifactKind) or not ROOT.fullmatch(root):
        raise web.HTTPNotFound
    folder = request.app[FOLDER]
    path = folder / kind / root
    if not path.is_file() or not path.resolve().is_relative_to(folder):
        raise web.HTTPNotFound
    headers = {
        "Content-Type": "application/octet-stream",
        "Cache-Control": "public, immutable, max-age=31536000",
    }
    return web.FileResponse(path, headers=headers)
