"""Engines agree with the specification's own processing of transactions, and with one another."""

import pytest

from tests.differential.comparing import Disagreements, compare

FEW = 100
MANY = 20_000


def test_engines_agree() -> None:
    result = compare(FEW, seed=1)
    assert result.found == []
    assert_broad(result, FEW)


@pytest.mark.slow
def test_engines_agree_at_length() -> None:
    result = compare(MANY, seed=2)
    assert result.found == []
    assert_broad(result, MANY)


def assert_broad(result: Disagreements, count: int) -> None:
    """Whatever may happen has happened often."""
    counted = result.counted
    assert counted.succeeded + counted.failed == counted.on_revm + counted.handed_on == count
    assert min(counted.succeeded, counted.failed, counted.on_revm) > count // 5
    assert min(counted.handed_on, counted.outside) > count // 50
