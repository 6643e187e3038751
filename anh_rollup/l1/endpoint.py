"""What the URL of a JSON-RPC or beacon endpoint looks like."""

from urllib.parse import urlsplit

from anh_rollup.l1.errors import L1Error


class EndpointUrlError(L1Error):
    """A URL that no HTTP endpoint can have. The message does not show it: it may hold a key.

    Attributes:
        reason: What is wrong with it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the endpoint's URL cannot be used: {reason}", remedy="Give a URL such as http://127.0.0.1:8545."
        )
        self.reason = reason


def host_of(url: str) -> str:
    """The host and port of an HTTP endpoint's URL, without user and key.

    Raises:
        EndpointUrlError: It is no such URL.
    """
    try:
        parts = urlsplit(url)
        sound = bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError as error:
        raise EndpointUrlError("it is malformed") from error
    if parts.scheme not in ("http", "https"):
        raise EndpointUrlError("it does not start with http:// or https://")
    if not sound:
        raise EndpointUrlError("it names no host")
    return parts.netloc.rsplit("@", 1)[-1]
