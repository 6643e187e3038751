"""Bytes as a stranger might send them: random, or good ones changed, cut off, stretched."""

from hypothesis import strategies as st

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
