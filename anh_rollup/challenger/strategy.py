"""What a challenger does next: a pure function of what it sees. The service only carries it out."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from anh_rollup.challenger.actions import (
    Action,
    Ask,
    Attack,
    Examine,
    Expire,
    Leave,
    Open,
    Reclaim,
    Refute,
    RefuteUnanswered,
    Withdraw,
)
from anh_rollup.challenger.examine import Verdict
from anh_rollup.l1.contracts.claims import ClaimRules, ClaimState, ClaimStatus
from anh_rollup.l1.contracts.game import GameOutcome
from anh_rollup.l1.docket import ClaimRecord, Docket, GameRecord
from anh_rollup.primitives import ETHER, Seconds, Wei
from anh_rollup.protocol.refutations import OneShot, OpenGame

#: Parts of a whole in which the rules give shares (contracts/Claims.sol).
BPS: Final = 10_000

#: Prizes that may go into answers about claims that turn out to be true, or fall to others (choice): whoever
#: sells true results by demands earns at most so much.
LOST_PRIZES: Final = 4


@dataclass(frozen=True, slots=True)
class Budget:
    """What a challenger may put at stake; it finishes the games that it starts.

    Attributes:
        most_bonds: Wei in bonds and demand fees at any time.
        gas_reserve: Wei that are kept for the moves of each open game.
        most_attempts: Games over one claim, should some be lost on time.
        least_credit: Smallest credit in wei that is worth a withdrawal.
        most_demand_fees: Wei in fees for one claim's withheld result; None: the prize of refuting it.
        most_lost_fees: Wei in fees of answered demands about all claims, but for those whose bond was won;
            None: `LOST_PRIZES` prizes.
    """

    most_bonds: Wei = Wei(10 * ETHER)
    gas_reserve: Wei = Wei(ETHER // 100)
    most_attempts: int = 3
    least_credit: Wei = Wei(1)
    most_demand_fees: Wei | None = None
    most_lost_fees: Wei | None = None

    def most_fees(self, rules: ClaimRules) -> Wei:
        """Wei in fees for one claim's withheld result."""
        return _prize(rules) if self.most_demand_fees is None else self.most_demand_fees

    def most_lost(self, rules: ClaimRules) -> Wei:
        """Wei in fees that may never come back, over all claims."""
        return Wei(LOST_PRIZES * _prize(rules)) if self.most_lost_fees is None else self.most_lost_fees


def _prize(rules: ClaimRules) -> Wei:
    """Wei for refuting a claim."""
    return Wei(rules.claim_bond * rules.prize_share_bps // BPS)


@dataclass(frozen=True, slots=True)
class ChallengerView:
    """What a challenger sees at one L1 block.

    Attributes:
        now: The block's time.
        address: Its own account.
        docket: Claims, games and demands.
        statuses: What the contract says about standing claims, by id.
        verdicts: What was found wrong with claims so far, by id.
        rules: What was fixed at deployment.
        balance: Wei of its account.
        credit: Wei that it may withdraw.
        examining: Claims whose examination goes on, by id.
    """

    now: Seconds
    address: str
    docket: Docket
    statuses: Mapping[bytes, ClaimStatus]
    verdicts: Mapping[bytes, Verdict]
    rules: ClaimRules
    balance: Wei
    credit: Wei
    examining: frozenset[bytes] = frozenset()


def decide(view: ChallengerView, budget: Budget) -> list[Action]:
    """Everything that can be done now, the most urgent first: own clocks, new games, demands, money, work."""
    return [
        *(Attack(game) for game in _own_games(view) if game.outcome is None),
        *_refutations(view, budget),
        *_demands(view),
        *_expiries(view),
        *([Withdraw()] if view.credit >= max(1, budget.least_credit) else []),
        *(Examine(claim) for claim in to_examine(view)),
    ]


def _own_games(view: ChallengerView, claim: bytes | None = None) -> list[GameRecord]:
    return [
        game
        for game in view.docket.games.values()
        if game.position.challenger == view.address and claim in (None, game.position.claim)
    ]


def _standing(view: ChallengerView) -> list[ClaimRecord]:
    """Claims of others that can still fall, the oldest first."""
    claims = (view.docket.claims[identifier] for identifier in view.statuses)
    return [
        record
        for record in claims
        if record.state is ClaimState.STANDING and record.claim.claimant != view.address
    ]


def _refutations(view: ChallengerView, budget: Budget) -> Iterator[Action]:
    purse, fees = _purse(view, budget), Wei(budget.most_lost(view.rules) - _fees_at_risk(view))
    for record in _standing(view):
        verdict = view.verdicts.get(record.identifier, Verdict())
        match verdict.refutation:
            case OneShot():
                yield Refute(record, verdict.refutation)
            case OpenGame():
                attempt = _next_attempt(view, budget, record)
                if attempt is not None and purse >= view.rules.challenge_bond:
                    purse = Wei(purse - view.rules.challenge_bond)
                    yield Open(record, verdict.refutation, attempt)
        for action in _requests(view, (budget.most_fees(view.rules), fees), record, verdict):
            if isinstance(action, Ask):
                if purse < view.rules.demand_fee:
                    break
                purse = Wei(purse - view.rules.demand_fee)
                fees = Wei(fees - view.rules.demand_fee)
            yield action


def _purse(view: ChallengerView, budget: Budget) -> Wei:
    """Wei that may go into new bonds: within the budget, and with gas kept for every open game."""
    games = [game for game in _own_games(view) if game.outcome is None]
    fees = [each for each in view.docket.open_demands() if each.demander == view.address]
    at_stake = len(games) * view.rules.challenge_bond + len(fees) * view.rules.demand_fee
    free = view.balance - (len(games) + 1) * budget.gas_reserve
    return Wei(min(free, budget.most_bonds - at_stake))


def _next_attempt(view: ChallengerView, budget: Budget, record: ClaimRecord) -> int | None:
    """The number of the next game over a claim, or None where none can or need be opened."""
    games = _own_games(view, record.identifier)
    if any(game.outcome in (None, GameOutcome.REFUTED, GameOutcome.ACCOUNTANT_LATE) for game in games):
        return None
    closes = view.statuses[record.identifier].revealed_at + view.rules.window
    return len(games) if len(games) < budget.most_attempts and view.now < closes else None


def _fees_at_risk(view: ChallengerView) -> Wei:
    """Wei in own demands that were answered, but for claims that fell to us, and in those that may yet be."""
    at_risk = 0
    for demand in view.docket.demands.values():
        record = view.docket.claims.get(demand.asked.claim)
        if demand.demander != view.address or (record is not None and record.refuter == view.address):
            continue
        at_risk += demand.is_open or demand.is_answered
    return Wei(at_risk * view.rules.demand_fee)


def _requests(
    view: ChallengerView, limits: tuple[Wei, Wei], record: ClaimRecord, verdict: Verdict
) -> list[Ask | Leave]:
    """What of a withheld result nobody has asked for yet, while there is time and it is worth its price.

    Of a result that costs too much one piece is asked for: whoever has nothing to show falls by it. Where
    even one would exceed what may be lost, none is.

    Args:
        view: What is seen.
        limits: Wei in fees for one claim, and wei that may go into more fees, whatever the claim.
        record: The claim.
        verdict: What was found about it.
    """
    if view.now >= view.statuses[record.identifier].revealed_at + view.rules.window // 2:
        return []
    made = [each for each in view.docket.demands.values() if each.asked.claim == record.identifier]
    asked = {each.asked for each in made}
    left = [each for each in verdict.missing if each not in asked]
    own = sum(each.demander == view.address for each in made)
    fee, (for_claim, for_all) = view.rules.demand_fee, limits
    cost, most = (own + len(left)) * fee, min(for_claim, own * fee + for_all)
    if not left or cost <= most:
        return [Ask(each) for each in left]
    first = [] if made or fee > most else [Ask(left[0])]
    return [*first, Leave(record, Wei(cost), Wei(most))]


def to_examine(view: ChallengerView) -> list[ClaimRecord]:
    """Claims without a verdict, and withheld ones with a new answer; none that is examined now."""
    answers = Counter(each.claim_id for each in view.docket.answers)
    return [
        record
        for record in _standing(view)
        if record.identifier not in view.examining
        and _is_open(view.verdicts.get(record.identifier), answers[record.identifier])
    ]


def _is_open(verdict: Verdict | None, answers: int) -> bool:
    """Whether there is something to examine: any answer may show what is wrong."""
    return verdict is None or (bool(verdict.missing) and answers > verdict.answers)


def _demands(view: ChallengerView) -> Iterator[Action]:
    falling: set[bytes] = set()
    for demand in view.docket.open_demands():
        record = view.docket.claims[demand.asked.claim]
        if record.state is ClaimState.REFUTED and demand.demander == view.address:
            yield Reclaim(demand)
        is_late = record.state is ClaimState.STANDING and view.now >= demand.due
        if is_late and record.identifier not in falling:
            falling.add(record.identifier)
            yield RefuteUnanswered(demand)


def _expiries(view: ChallengerView) -> Iterator[Action]:
    for (claimant, commitment), expires_at in view.docket.commitments.items():
        if claimant != view.address and view.now > expires_at:
            yield Expire(claimant, commitment)
