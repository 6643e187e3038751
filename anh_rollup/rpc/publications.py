"""What the order publishes, as JSON (docs/world.md)."""

from collections.abc import Sequence
from typing import Any

from anh_rollup.rpc.parameters import exactly
from anh_rollup.rpc.requests import place
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.wire import quantity, read_digest


def publication(service: WorldService, parameters: Sequence[Any]) -> dict[str, Any] | None:
    """anh_getPublication: what is published under a root, or as the part of a hash; null where nothing is."""
    (root,) = exactly(parameters, 1)
    world, head = service.world, service.backend.chain.head.header.number
    found = world.publication(read_digest(root, "the root"), world.behind(head))
    if found is None:
        return None
    return {"kind": found.kind, "size": quantity(found.size), **place(service, found.position)}
