"""What disputes about a program take, for people."""

from anh_rollup.client.wording import counted
from anh_rollup.evaluation.disputability import check_disputable
from anh_rollup.evaluation.dispute_cost import DisputeCost, Side, dispute_cost
from anh_rollup.evaluation.errors import UndisputableError
from anh_rollup.tensor.program import Program


def told_dispute(program: Program) -> str:
    """What a dispute about a program takes at most, or why there can be none about some element."""
    try:
        check_disputable(program)
    except UndisputableError as error:
        return f"not every element can be disputed on L1: {error.message}"
    return f"a dispute takes at most: {show_dispute(dispute_cost(program))}"


def show_dispute(cost: DisputeCost) -> str:
    """Transactions and gas of both sides."""
    return f"challenger {_show(cost.challenger)}; accountant {_show(cost.accountant)}"


def _show(side: Side) -> str:
    return f"{counted(side.moves, 'transaction')}, {side.gas:,} gas"
