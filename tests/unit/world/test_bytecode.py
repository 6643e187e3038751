"""Where code may jump to, and what it may reach."""

import pytest
from ethereum.forks.cancun.vm.runtime import get_valid_jump_destinations
from ethereum_types.numeric import Uint
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.world.bytecode import JumpDestinations, instructions

CODES = st.one_of(
    st.binary(max_size=200),
    st.lists(st.sampled_from([0x00, 0x5B, 0x5B, 0x5F, 0x60, 0x61, 0x63, 0x7F, 0x80, 0x0A]), max_size=80).map(
        bytes
    ),
)


@given(CODES)
def test_jump_destinations_are_those_of_the_specification(code: bytes) -> None:
    ours, theirs = JumpDestinations(code), get_valid_jump_destinations(code)
    assert [place for place in range(len(code) + 2) if Uint(place) in ours] == sorted(map(int, theirs))
    assert list(ours) == sorted(map(int, theirs))


def test_a_destination_far_outside_is_none() -> None:
    assert Uint(2**256 - 1) not in JumpDestinations(b"\x5b")


def test_long_code_of_destinations_alone_has_all_of_them() -> None:
    assert list(JumpDestinations(b"\x5b" * 24_576)) == list(range(24_576))


@pytest.mark.parametrize(
    ("code", "reached"),
    [
        ("", set()),
        ("600140", {0x60, 0x40}),
        ("614040", {0x61}),
        ("0040", {0x00}),
        ("00405b48", {0x00, 0x5B, 0x48}),
        ("00605b40", {0x00}),
        ("5f5640", {0x5F, 0x56}),
        ("5f5f57405b", {0x5F, 0x57, 0x40, 0x5B}),
        ("7f40", {0x7F}),
    ],
)
def test_instructions_are_those_that_code_may_reach(code: str, reached: set[int]) -> None:
    assert instructions(bytes.fromhex(code)) == reached
