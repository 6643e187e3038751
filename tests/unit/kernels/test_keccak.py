"""Compiled keccak-256: what FIPS 202 states, and the sponge's bytes for every processor."""

from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from llvmlite import binding
from sha3 import keccak_256

from anh_rollup.encoding import bulk_hashing
from anh_rollup.kernels import keccak
from anh_rollup.kernels.keccak import compiled_for, kernel, rotations, round_constants
from anh_rollup.kernels.machine_code import NARROW, WIDE, Kernel, Processor

#: For this processor, for its vectors in both widths, and for any processor of its kind.
BUILDS = ("here", "wide", "narrow", "generic")


@cache
def built(build: str) -> Kernel | None:
    if build == "here":
        return kernel()
    if build == "generic":
        return compiled_for(Processor("generic", "", NARROW))
    features = binding.get_host_cpu_features().flatten()
    return compiled_for(Processor(binding.get_host_cpu_name(), features, WIDE if build == "wide" else NARROW))


def singly(data: bytes, row_size: int) -> bytes:
    rows = [data[at : at + row_size] for at in range(0, len(data), row_size)]
    return b"".join([keccak_256(row).digest() for row in rows])


@given(
    build=st.sampled_from(BUILDS),
    row_size=st.one_of(st.integers(1, 450), st.sampled_from([64, 80, 128, 135, 136, 137, 271, 272])),
    count=st.integers(0, 70),
    offset=st.integers(0, 9),
    threads=st.integers(1, 3),
    seed=st.integers(0, 999),
)
def test_rows_hash_as_each_of_them_alone(
    build: str, row_size: int, count: int, offset: int, threads: int, seed: int
) -> None:
    data = np.random.default_rng(seed).bytes(offset + row_size * count)
    rows = memoryview(data)[offset:]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keccak, "kernel", lambda: built(build))
        patch.setattr(bulk_hashing, "PART_ROWS", 1)
        patch.setattr(bulk_hashing, "processors", lambda: threads)
        found = bulk_hashing.hash_rows(rows, row_size, turned=False)
    # What is left out is read one by one: no row's block reaches behind the last one's end.
    done = len(found) // 32
    assert found == singly(bytes(rows[: row_size * done]), row_size)
    assert (count - done - 1) * row_size < 136


@given(
    build=st.sampled_from(BUILDS), width=st.integers(1, 80), count=st.integers(1, 40), seed=st.integers(0, 9)
)
def test_numbers_hash_with_their_highest_byte_first(build: str, width: int, count: int, seed: int) -> None:
    numbers = np.random.default_rng(seed).integers(-(2**31), 2**31, (count, width)).astype(np.int32)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keccak, "kernel", lambda: built(build))
        found = bulk_hashing.hash_rows(memoryview(numbers.tobytes()), 4 * width, turned=True)
    assert found == singly(numbers[: len(found) // 32].astype(">i4").tobytes(), 4 * width)


def test_nothing_is_hashed_where_no_code_runs_from_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keccak, "this_processor", lambda: None)
    assert bulk_hashing.hash_rows(memoryview(bytes(6400)), 64, turned=False) == b""


def test_a_processor_with_its_highest_byte_first_has_no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keccak.sys, "byteorder", "big")
    assert kernel() is None


def test_constants_are_those_that_the_standard_prints() -> None:
    found = round_constants()
    assert (len(found), found[0], found[1], found[23]) == (24, 1, 0x8082, 0x8000000080008008)


def test_rotations_are_those_that_the_standard_prints() -> None:
    # FIPS 202, table 2, modulo 64; x runs faster.
    assert [rotations()[x, y] for y in range(5) for x in range(5)] == [
        0, 1, 62, 28, 27, 36, 44, 6, 55, 20, 3, 10, 43, 25, 39, 41, 45, 15, 21, 8, 18, 2, 61, 56, 14,
    ]  # fmt: skip
