"""Every parser of words that a person or a client writes, with good examples and its errors."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from anh_rollup.cli.deploy import OptionError, parse_rules
from anh_rollup.cli.job_wish import PropertyOptionError, parse_property
from anh_rollup.cli.model_import import ShapeOptionError, parse_shapes
from anh_rollup.cli.options import (
    AddressOptionError,
    AmountOptionError,
    DigestOptionError,
    EndpointOptionError,
    ListenOptionError,
    parse_address,
    parse_digest,
    parse_endpoint,
    parse_ether,
    parse_listen,
)
from anh_rollup.errors import AnhError
from anh_rollup.l1.endpoint import EndpointUrlError, host_of
from anh_rollup.rpc.errors import RpcError
from anh_rollup.rpc.wire import read_address, read_data, read_digest, read_quantity

DIGITS = "0x" + "ab" * 32


@dataclass(frozen=True)
class Parser:
    """A function from a word.

    Attributes:
        parse: The function.
        good: Words that it takes.
        refusals: The only errors that it raises.
    """

    parse: Callable[[Any], Any]
    good: tuple[str, ...]
    refusals: tuple[type[AnhError], ...]


PARSERS: dict[str, Parser] = {
    "cli.options.parse_digest": Parser(parse_digest, (DIGITS, DIGITS[2:]), (DigestOptionError,)),
    "cli.options.parse_ether": Parser(parse_ether, ("1", "0.25"), (AmountOptionError,)),
    "cli.options.parse_address": Parser(parse_address, ("0x" + "ab" * 20,), (AddressOptionError,)),
    "cli.options.parse_listen": Parser(parse_listen, ("127.0.0.1:8560", "a.b:0"), (ListenOptionError,)),
    "cli.options.parse_endpoint": Parser(
        parse_endpoint, ("http://127.0.0.1:8545", "https://user:key@a.b/c"), (EndpointOptionError,)
    ),
    "cli.deploy.parse_rules": Parser(
        lambda word: parse_rules([word]), ("window=600", "force_fee=0"), (OptionError,)
    ),
    "cli.model_import.parse_shapes": Parser(
        lambda word: parse_shapes([word]), ("x=1x3x224x224", "a:0=7"), (ShapeOptionError,)
    ),
    "cli.job_wish.parse_property": Parser(
        parse_property,
        (f"{DIGITS}:{DIGITS}:-5",),
        (PropertyOptionError, DigestOptionError),
    ),
    "l1.endpoint.host_of": Parser(
        host_of, ("http://127.0.0.1:8545", "https://user:key@a.b/c"), (EndpointUrlError,)
    ),
    "rpc.wire.read_data": Parser(lambda word: read_data(word, "it"), ("0x", "0x12"), (RpcError,)),
    "rpc.wire.read_quantity": Parser(lambda word: read_quantity(word, "it"), ("0x0", "0xff"), (RpcError,)),
    "rpc.wire.read_digest": Parser(lambda word: read_digest(word, "it"), (DIGITS,), (RpcError,)),
    "rpc.wire.read_address": Parser(lambda word: read_address(word, "it"), ("0x" + "ab" * 20,), (RpcError,)),
}
