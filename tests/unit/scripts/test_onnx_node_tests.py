"""docs/onnx-node-tests.md says what the importer makes of ONNX's own node tests."""

import re

import pytest

from scripts.onnx_node_tests import TABLE, WRONG, Outcome, cases, outcomes, share, table

#: One in so many tests runs each time.
ONE_OF = 120

ROW = re.compile(r"^\| (test_\w+) \| ([a-z ]+)(?:: (.*))? \|$", re.M)


def written() -> list[Outcome]:
    return [Outcome(*(each or "" for each in match)) for match in ROW.findall(TABLE.read_text())]


def test_some_of_the_tests_end_as_the_page_says() -> None:
    some = cases()[::ONE_OF]
    names = {each.name for each in some}
    assert [each for each in written() if each.name in names] == list(outcomes(some))


def test_none_is_wrong_and_the_page_counts_right() -> None:
    results = written()
    assert [each for each in results if each.result == WRONG] == []
    assert table(results) == TABLE.read_text()
    assert share(results) > 0.9


@pytest.mark.slow
def test_all_tests_end_as_the_page_says() -> None:
    assert written() == list(outcomes(cases()))
