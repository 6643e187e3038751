"""`anh program show`: the program, and what a dispute about it takes."""

from pathlib import Path

from click.testing import CliRunner

from anh_rollup.cli import main
from anh_rollup.cli.dispute_words import show_dispute, told_dispute
from anh_rollup.evaluation.dispute_cost import DisputeCost, Side
from anh_rollup.primitives import Gas
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.program import Program
from anh_rollup.tensor.text import format_program


def columns_summed(rows: int) -> Program:
    b = ProgramBuilder()
    x = b.field((rows, 512), low=-9, high=9)
    return b.build(b.max(b.sum(x, axes=(0,))))


def test_a_program_is_shown_with_what_a_dispute_about_it_takes(tmp_path: Path) -> None:
    program = columns_summed(49)
    root = ArtifactStore(tmp_path).put_program(program).hex()

    shown = CliRunner().invoke(main, ["program", "show", "0x" + root, "--store", str(tmp_path)])

    assert (shown.exit_code, shown.output) == (0, format_program(program) + told_dispute(program) + "\n")
    assert "a dispute takes at most: challenger 5 transactions, " in shown.output


def test_a_dispute_is_told_in_transactions_and_gas_of_both_sides() -> None:
    cost = DisputeCost(accountant=Side(1, Gas(70_000)), challenger=Side(3, Gas(1_234_567)))
    told = "challenger 3 transactions, 1,234,567 gas; accountant 1 transaction, 70,000 gas"
    assert show_dispute(cost) == told


def test_a_program_with_an_element_that_cannot_be_disputed_says_so() -> None:
    assert told_dispute(columns_summed(784)).startswith("not every element can be disputed on L1: ")
