"""Every lie against an honest challenger, on a real chain: how it falls, and what that costs whom."""

from dataclasses import dataclass

from anh_rollup.accountant.conduct import Conduct
from anh_rollup.accountant.drills import DRILLS, lie_about_sample
from anh_rollup.cli.moves import selectors
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.tensor.opcodes import Opcode
from tests.doubles.small_program import small_program
from tests.scenarios.programs import every_kind_program
from tests.scenarios.world import ETHER, World

#: Calls that end a claim or a commitment, in the words of the table.
ENDINGS = {
    "prove": "game, one element",
    "proveBlock": "game, one block of a sum",
    "proveSource": "game, a source",
    "timeout": "game, clock",
    "refuteUnanswered": "demand without answer",
    "expire": "commitment expired",
}

#: What the names of lies about one instruction kind begin with.
ROOT_OF = "wrong root of "


def wrong_root(opcode):
    """A lie with a wrong tensor root at an instruction of a kind: its tensor has a wrong element."""

    def change(evaluated, trace, score):
        values = evaluated.program.values
        value = next(each for each, item in enumerate(values) if item.opcode is opcode)
        elements = trace.tensors[value].elements.copy()
        elements.reshape(-1)[elements.size // 2] += 1
        last = trace.tensors[-1].elements.copy()
        last[...] = score
        return trace.changed({len(values) - 1: last, value: elements})

    def corrupt(index, evaluated):
        return evaluated if index else lie_about_sample(evaluated, change)

    return Conduct(f"{ROOT_OF}{opcode.name}", evaluated=corrupt)


#: Every lie by its name: the drills, and a wrong tensor root for each instruction kind.
LIES = {**DRILLS, **{each.name: each for each in map(wrong_root, Opcode)}}


@dataclass(frozen=True)
class Cost:
    """What a side of a scenario did: moves in games, other calls, gas of all, wei won without the gas."""

    moves: int
    calls: int
    gas: int
    gain: int


@dataclass(frozen=True)
class Outcome:
    """What came of a lie."""

    lie: str
    refuted_by: str
    liar: Cost
    challenger: Cost


def play_lie(name):
    """Plays one lie to its end.

    Raises:
        AssertionError: The lie is not refuted, or wei got lost.
    """
    program = every_kind_program if name.startswith(ROOT_OF) else small_program
    world = World(threshold_above=5 if name == "below-threshold" else 0, program=program)
    try:
        return _play(world, name)
    finally:
        world.close()


def _play(world, name):
    liar = world.accountant("liar", LIES[name])
    challenger = world.challenger()
    rounds = [liar.defend, liar.work, liar.defend, challenger.play, challenger.examine, challenger.play]
    if name == "copied-commitment":
        honest = world.accountant("honest")
        rounds = [honest.defend, honest.work, *rounds]
    before = [world.client.balance(role.chain.address) for role in (liar, challenger)]
    world.play(rounds, lambda: _is_over(world, liar, challenger, name))
    challenger.play()
    costs = [_cost(world, role.chain, start) for role, start in zip((liar, challenger), before, strict=True)]
    return Outcome(name, _ending(challenger.chain.spending.calls), *costs)


def _is_over(world, liar, challenger, name):
    if name == "copied-commitment":
        return "expire" in challenger.chain.spending.calls
    own = [each for each in liar.chain.docket.claims.values() if each.claim.claimant == liar.chain.address]
    states = {world.state(each.identifier) for each in own}
    assert ClaimState.FINAL not in states, f"{name}: the lie became final"
    return bool(states) and states == {ClaimState.REFUTED}


def _ending(calls):
    return next((ENDINGS.get(each, each) for each in reversed(list(calls)) if each not in _PLAIN), "")


def _cost(world, chain, start):
    spending, moves = chain.spending, set(selectors("Game").values())
    total = sum(spending.calls.values())
    played = sum(count for call, count in spending.calls.items() if call in moves)
    held = world.client.balance(chain.address) + world.contracts.bonds.credit_of(chain.address)
    return Cost(played, total - played, spending.gas, held + spending.cost - start)


_PLAIN = {"seal", "withdraw", "reclaim", "demand"}

HEAD = (
    f"{'':<46}{'liar':>32}{'challenger':>32}\n"
    f"{'lie':<22}{'how it fell':<24}" + f"{'moves':>6}{'calls':>6}{'gas':>12}{'ETH':>8}" * 2
)


def row(outcome):
    """One line of the table."""
    sides = "".join(
        f"{side.moves:>6}{side.calls:>6}{side.gas:>12,}{side.gain / ETHER:>+8.2f}"
        for side in (outcome.liar, outcome.challenger)
    )
    return f"{outcome.lie:<22}{outcome.refuted_by:<24}{sides}"


__all__ = ["HEAD", "LIES", "Outcome", "play_lie", "row"]
