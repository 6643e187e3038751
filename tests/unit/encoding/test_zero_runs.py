import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.zero_runs import MOST_UNPACKED, compress, decompress

WORD = 32
RUNS = st.lists(
    st.tuples(st.sampled_from([b"\0", b"\xff", b"\1", b"\x80", b"\xfe"]), st.integers(1, 140)), max_size=12
).map(lambda runs: b"".join([byte * length for byte, length in runs]))
ANY = RUNS | st.binary(max_size=90) | st.lists(st.sampled_from(range(0, 256, 15)), max_size=60).map(bytes)


class Memory(dict[int, int]):
    """The EVM's memory: zero where nobody wrote."""

    def __missing__(self, _: int) -> int:
        return 0

    def load(self, at: int) -> bytes:
        return bytes([self[at + offset] for offset in range(WORD)])

    def store(self, at: int, word: bytes) -> None:
        self.update({at + offset: byte for offset, byte in enumerate(word)})


def cd_decompress(data: bytes) -> bytes:
    """LibZip.cdDecompress, statement by statement, its argument at 0x80 and fresh memory behind."""
    if not data:
        return b""
    memory, argument = Memory(), 0x80
    memory.store(argument, len(data).to_bytes(WORD, "big") + data)
    result = argument + WORD + len(data) + (-len(data) % WORD)
    s = argument + 4
    end = 0x20 + argument + len(data)
    o = result + 0x20
    memory.store(s, bytes([byte ^ 0xFF for byte in memory.load(s)]))
    i = 0x20 + argument
    while True:
        c = memory.load(i)
        if c[0] == 0:
            run = 1 + c[1]
            i += 2
            if run <= 0x80:
                memory.store(o, bytes(run))
                o += run
            else:
                memory.store(o, b"\xff" * WORD)
                o += run - 0x80
            if i >= end:
                break
            continue
        memory.store(o, c)
        literals = c.index(0) if 0 in c else WORD
        o += literals
        i += literals
        if i < end:
            continue
        if i > end:
            o -= i - end
        break
    return bytes([memory[at] for at in range(result + 0x20, o)])


@given(ANY)
def test_unpacking_does_what_solady_does_with_any_bytes(data: bytes) -> None:
    assert decompress(data) == cd_decompress(data)


def test_unpacking_does_what_solady_does_with_every_short_string() -> None:
    edges = (0x00, 0x01, 0x7F, 0x80, 0x9F, 0xA0, 0xFE, 0xFF)
    strings = [b""]
    for _ in range(4):
        strings += [string + bytes([byte]) for string in strings[-(8**4) :] for byte in edges]
    unique = set(strings)
    assert {string: decompress(string) for string in unique} == {
        string: cd_decompress(string) for string in unique
    }


@given(ANY)
def test_what_is_packed_unpacks_to_itself(data: bytes) -> None:
    assert decompress(compress(data)) == data


@pytest.mark.parametrize(
    ("data", "packed"),
    [
        ("", ""),
        ("01", "fe"),
        ("00", "ffff"),
        ("ff", "ff7f"),
        ("00" * 128, "ff80"),
        ("00" * 129, "ff80ffff"),
        ("ff" * 32, "ff60"),
        ("ff" * 33, "ff60ff7f"),
        ("a9059cbb" + "00" * 12 + "11", "56fa6344000b11"),
        ("01020304" + "05" * 40, "fefdfcfb" + "05" * 40),
    ],
)
def test_packing_writes_runs_and_negates_the_first_four_bytes(data: str, packed: str) -> None:
    assert compress(bytes.fromhex(data)).hex() == packed


def test_packing_never_gains_more_than_one_byte_in_two() -> None:
    assert len(compress(b"\0\1" * 100)) == 300
    assert len(compress(bytes(128 * 100))) == 200


def test_a_run_longer_than_a_word_of_ff_ends_in_zeros_as_in_solady() -> None:
    assert decompress(b"\xff\0\xff\xff") == b"\xff" * WORD + bytes(96) + b"\0"


@pytest.mark.parametrize("most", [0, 1, 127])
def test_more_than_the_bound_is_refused(most: int) -> None:
    with pytest.raises(EncodingError) as caught:
        decompress(b"\xff\x80", most)
    assert caught.value.message == f"packed data unfolds to more than {most} bytes"
    assert caught.value.reason is EncodingReason.TOO_LARGE


def test_exactly_the_bound_is_allowed() -> None:
    assert decompress(b"\xff\x80", 128) == bytes(128)
    assert decompress(compress(bytes(MOST_UNPACKED))) == bytes(MOST_UNPACKED)


def test_a_bomb_stops_at_the_bound() -> None:
    with pytest.raises(EncodingError):
        decompress(b"\xff\x80\xff\x80" + b"\0\x7f" * (1 << 22))
