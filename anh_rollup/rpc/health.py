"""GET /health: for supervisors and load balancers."""

from collections.abc import Awaitable, Callable

from aiohttp import web

from anh_rollup.errors import AnhError
from anh_rollup.rpc.backend import Backend


def health_handler(backend: Backend) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that answers 200 with the node's heads, or 503 with what fails."""

    async def health(_request: web.Request) -> web.Response:
        try:
            chain = backend.chain
            heads = {
                "head": chain.head.header.number,
                "safe": chain.safe_number,
                "finalized": backend.finalized_number,
                "l1": backend.reader.cursor.number,
            }
        except AnhError as error:
            return web.json_response({"error": error.message, "remedy": error.remedy}, status=503)
        return web.json_response(heads)

    return health
