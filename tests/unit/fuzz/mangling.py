"""Bytes as a stranger might send them: random, or good ones changed, cut off, stretched."""

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from anh_rollup.errors import MOST_MESSAGE, AnhError

#: What a length field may claim, and what opens a nesting in the encodings that have one.
WEDGES = (
    b"\xff\xff\xff\xff",
    b"\x7f\xff\xff\xff",
    b"\0\0\0\0",
    b"\xff" * 32,
    b"\xc1" * 40,
    b"[" * 40,
    b"\x80",
)


@st.composite
def mangled(draw: st.DrawFn, good: bytes) -> bytes:
    """`good` with some bytes changed, cut out or put in; mostly where lengths stand."""
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, min(len(data), 24)) | st.integers(0, len(data)))
        change = draw(st.sampled_from(["set", "cut", "insert", "wedge", "truncate"]))
        if change == "truncate":
            del data[at:]
        elif change == "insert":
            data[at:at] = draw(st.binary(max_size=6))
        elif change == "wedge":
            wedge = draw(st.sampled_from(WEDGES))
            data[at : at + len(wedge)] = wedge
        else:
            end = at + draw(st.integers(1, 4))
            data[at:end] = draw(st.binary(min_size=1, max_size=4)) if change == "set" else b""
    return bytes(data)


def strange(good: tuple[bytes, ...]) -> st.SearchStrategy[bytes]:
    """Random bytes, or one of the good examples mangled."""
    return st.binary(max_size=300) | st.sampled_from(good).flatmap(mangled)


SCALARS = st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats() | st.text(max_size=8)
HEXADECIMAL = st.sampled_from(
    ["0x", "0x0", "0x1", "0x00", "0X1", "0x_1", "0xzz", "0x1 1", "-0x1", "0x" + "f" * 64, "0x" + "f" * 65]
) | st.binary(max_size=33).map(lambda data: f"0x{data.hex()}")
JSON = st.recursive(
    SCALARS | HEXADECIMAL,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
"""Any JSON value, hexadecimal texts most often."""


@st.composite
def bent(draw: st.DrawFn, good: Any) -> Any:
    """A JSON value with one of its parts, at any depth, replaced or left out."""
    if isinstance(good, dict) and good and draw(st.integers(0, 9)):
        name = draw(st.sampled_from(sorted(good)))
        if draw(st.integers(0, 4)) == 0:
            return {key: value for key, value in good.items() if key != name}
        return {**good, name: draw(bent(good[name]))}
    if isinstance(good, list) and good and draw(st.booleans()):
        place = draw(st.integers(0, len(good) - 1))
        return [*good[:place], draw(bent(good[place])), *good[place + 1 :]]
    return draw(JSON)


def attempt(call: Callable[[], Any], *refusals: type[AnhError]) -> tuple[Any, AnhError | None]:
    """What a call gives, and the error of these types that it raised; any other error ends the test."""
    found, refusal = None, None
    try:
        found = call()
    except refusals as error:
        # Without its frames, which would keep what they read in memory.
        refusal = error.with_traceback(None)
    assert refusal is None or (refusal.remedy and 0 < len(refusal.message) <= MOST_MESSAGE)
    return found, refusal
