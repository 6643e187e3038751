"""Every drill against an honest challenger, on a real chain: how each lie falls, and what that costs whom."""

from dataclasses import dataclass

from anh_rollup.accountant.drills import DRILLS
from anh_rollup.l1.contracts.claims import ClaimState
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


@dataclass(frozen=True)
class Outcome:
    """What came of a drill."""

    lie: str
    refuted_by: str
    moves: int
    liar_gas: int
    challenger_gas: int
    challenger_gain: int
    liar_loss: int


def play_lie(name):
    """Plays one drill to its end.

    Raises:
        AssertionError: The lie is not refuted, or wei got lost.
    """
    world = World(threshold_above=5 if name == "below-threshold" else 0)
    try:
        return _play(world, name)
    finally:
        world.close()


def _play(world, name):
    liar = world.accountant("liar", DRILLS[name])
    challenger = world.challenger()
    rounds = [liar.defend, liar.work, liar.defend, challenger.play, challenger.examine, challenger.play]
    if name == "copied-commitment":
        honest = world.accountant("honest")
        rounds = [honest.defend, honest.work, *rounds]
    before = [world.client.balance(role.chain.address) for role in (liar, challenger)]
    world.play(rounds, lambda: _is_over(world, liar, challenger, name))
    challenger.play()
    return _report(world, name, liar, challenger, before)


def _is_over(world, liar, challenger, name):
    if name == "copied-commitment":
        return "expire" in challenger.chain.spending.calls
    own = [each for each in liar.chain.docket.claims.values() if each.claim.claimant == liar.chain.address]
    states = {world.state(each.identifier) for each in own}
    assert ClaimState.FINAL not in states, f"{name}: the lie became final"
    return bool(states) and states == {ClaimState.REFUTED}


def _report(world, name, liar, challenger, before):
    calls = challenger.chain.spending.calls
    ending = next((ENDINGS.get(each, each) for each in reversed(list(calls)) if each not in _PLAIN), "")
    gains = [
        world.client.balance(role.chain.address)
        + world.contracts.bonds.credit_of(role.chain.address)
        + role.chain.spending.cost
        - start
        for role, start in zip((liar, challenger), before, strict=True)
    ]
    moves = sum(count for role in (liar, challenger) for count in role.chain.spending.calls.values())
    return Outcome(
        name, ending, moves, liar.chain.spending.gas, challenger.chain.spending.gas,
        gains[1], -gains[0],
    )  # fmt: skip


_PLAIN = {"seal", "withdraw", "reclaim", "demand"}


def table(outcomes):
    """The outcomes as text."""
    head = f"{'lie':<20}{'refuted by':<26}{'calls':>6}{'liar gas':>11}{'other gas':>12}{'gain':>8}{'loss':>8}"
    lines = [
        f"{each.lie:<20}{each.refuted_by:<26}{each.moves:>6}{each.liar_gas:>11,}{each.challenger_gas:>12,}"
        f"{each.challenger_gain / ETHER:>8.2f}{each.liar_loss / ETHER:>8.2f}"
        for each in outcomes
    ]
    return "\n".join([head, *lines])


__all__ = ["Outcome", "play_lie", "table"]
