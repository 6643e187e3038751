from pathlib import Path

from benchmarks.laziness import Scale, measure


def test_a_small_order_executes_for_a_question_what_it_depends_on(tmp_path: Path) -> None:
    figures = measure(tmp_path, Scale(contracts=6, calls=5))
    executed = {each.name.partition(": ")[2]: each.value for each in figures if each.unit == "transactions"}
    assert executed == {"executed for a plain balance": 0, "executed for the first balance": 5}
    assert all(
        each.verdict == "yes" for each in figures if each.unit in ("transactions", "seconds") and each.target
    )
