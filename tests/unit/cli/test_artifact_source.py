"""How arrays of an artifact are shown."""

import numpy as np

from anh_rollup.cli.artifact_source import arrays_table


def test_integers_are_shown_whole_and_other_numbers_with_six_digits() -> None:
    integers, reals = np.array([-1_234_567, 7_654_321], np.int32), np.array([[-1_234_567.5], [0.123_456_78]])
    table = arrays_table("answer", [(integers, ()), (reals, (1,))])
    rows = list(zip(*(column.cells for column in table.columns), strict=True))
    assert [column.header for column in table.columns] == ["answer", "shape", "elements", "least", "greatest"]
    assert rows == [("0", "scalar", "2", "-1234567", "7654321"), ("1", "1", "2", "-1.23457e+06", "0.123457")]
