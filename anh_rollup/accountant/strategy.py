"""What an accountant does next: a pure function of what it sees. The service only carries it out."""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from anh_rollup.accountant.actions import (
    Action,
    Advance,
    Answer,
    Commit,
    Defend,
    Finalize,
    Release,
    Renew,
    Retract,
    Reveal,
    Withdraw,
    Work,
)
from anh_rollup.accountant.drafts import Draft
from anh_rollup.l1.contracts.claims import PLACES_A_WORD, ClaimRules, ClaimState, ClaimStatus
from anh_rollup.l1.docket import ClaimRecord, Docket
from anh_rollup.primitives import Gas, Seconds, Wei
from anh_rollup.protocol.orders import OrderedJob

#: Gas of an accountant's side of a game (choice: a third above the dearest one in benchmarks/RESULTS.md).
DEFENCE_GAS: Final = Gas(1_000_000)

#: What earlier claims of a job have come to, where a later one may become final.
PASSED: Final = (ClaimState.REFUTED, ClaimState.RELEASED)


@dataclass(frozen=True, slots=True)
class Conditions:
    """What an accountant works for.

    Attributes:
        least_reward: Smallest reward in wei for which it works.
        least_time: Seconds that must be left to a job's deadline before it starts.
        least_credit: Smallest credit in wei that is worth a withdrawal.
        reserved_games: Games over each own claim whose gas, at the price of now, stays in the account.
    """

    least_reward: Wei = Wei(1)
    least_time: Seconds = Seconds(60)
    least_credit: Wei = Wei(1)
    reserved_games: int = 4

    @property
    def claim_time(self) -> Seconds:
        """Seconds before a job's deadline in which nothing is trained for it any more (choice).

        Half of what is left at least when it starts, so that the training has the other half at worst. Of the
        usual minute that is two blocks of Ethereum's, for the bond and for the reveal, and some computing.
        """
        return Seconds(self.least_time // 2)


@dataclass(frozen=True, slots=True)
class AccountantView:
    """What an accountant sees at one L1 block.

    Attributes:
        now: The block's time.
        address: Its own account.
        jobs: Jobs whose reward is in escrow.
        drafts: Its drafts.
        docket: Claims, games and demands.
        statuses: What the contract says about its own revealed claims, by id.
        rules: What was fixed at deployment.
        balance: Wei of its account.
        credit: Wei that it may withdraw.
        price: Most wei that a gas would cost now.
        given_up: Transactions of jobs that it failed to do.
    """

    now: Seconds
    address: str
    jobs: Sequence[OrderedJob]
    drafts: Sequence[Draft]
    docket: Docket
    statuses: Mapping[bytes, ClaimStatus]
    rules: ClaimRules
    balance: Wei
    credit: Wei
    price: Wei
    given_up: frozenset[Hashable] = frozenset()


def decide(view: AccountantView, conditions: Conditions) -> list[Action]:
    """Everything that can be done now, the most urgent first: bonds, clocks, deadlines, money, work.

    Hidden claims come before games: whoever opens many games must not make their bonds expire.
    """
    return [
        *_announcements(view),
        *_defences(view),
        *_endings(view),
        *([Withdraw()] if view.credit >= max(1, conditions.least_credit) else []),
        *_renewals(view),
        *_bonds(view, conditions),
        *_jobs(view, conditions),
    ]


def is_over(view: AccountantView, draft: Draft) -> bool:
    """Whether nothing is left to be done with a draft: its bond is out, and none will be put in again."""
    record = view.docket.claims.get(draft.identifier)
    if record is not None and record.state is ClaimState.STANDING:
        return False
    expires_at = view.docket.commitments.get((view.address, draft.commitment), 0)
    if record is None and view.now < expires_at:
        return False
    return _is_settled(view, draft.claim.transaction) or view.now > draft.job.deadline


def _defences(view: AccountantView) -> Iterator[Action]:
    own = [record for record in view.docket.claims.values() if record.claim.claimant == view.address]
    for record in own:
        yield from (Defend(game) for game in view.docket.open_games(record.identifier))
        if record.state is ClaimState.STANDING:
            demands = view.docket.open_demands(record.identifier)
            yield from (Answer(demand) for demand in demands if view.now < demand.due)


def _announcements(view: AccountantView) -> Iterator[Action]:
    for draft in view.drafts:
        if not _is_committed(view, draft):
            continue
        settled = _is_settled(view, draft.claim.transaction)
        late = view.now > draft.job.deadline
        yield Reveal(draft) if not settled and not late and _is_placed(view, draft) else Retract(draft)


def _endings(view: AccountantView) -> Iterator[Action]:
    for identifier, status in view.statuses.items():
        record = view.docket.claims[identifier]
        if status.state is not ClaimState.STANDING:
            continue
        queue = view.docket.claims_of(record.claim.transaction)
        earlier = [each for each in queue if each.place < record.place]
        late = view.now >= status.deadline + view.rules.settlement
        if late or _is_settled(view, record.claim.transaction):
            yield Release(record)
        elif (
            view.now >= status.revealed_at + view.rules.window
            and status.games == 0
            and status.demands == 0
            and all(each.state in PASSED for each in earlier)
        ):
            yield from _finalizations(view, record)


def _finalizations(view: AccountantView, record: ClaimRecord) -> Iterator[Action]:
    """What makes a claim final whose earlier ones are passed; L1 looks back within one word of places."""
    words = view.docket.words.get(record.claim.transaction, 0)
    missing = range(words, record.place // PLACES_A_WORD)
    yield from (Advance(record, word) for word in missing)
    if not missing:
        yield Finalize(record)


def _bonds(view: AccountantView, conditions: Conditions) -> Iterator[Action]:
    reserve = conditions.reserved_games * DEFENCE_GAS * view.price
    purse = view.balance - _reserved_games(view, conditions) * DEFENCE_GAS * view.price
    for draft in view.drafts:
        if _is_new(view, draft) and purse >= view.rules.claim_bond + reserve:
            purse -= view.rules.claim_bond + reserve
            yield Commit(draft)


def _reserved_games(view: AccountantView, conditions: Conditions) -> int:
    """Games whose gas must stay in the account: those that go on, and more over each claim in a bond."""
    least = conditions.reserved_games
    bonded = [each for each in view.drafts if _is_committed(view, each)]
    games = [len(view.docket.open_games(identifier)) for identifier in view.statuses]
    return sum(max(least, each) for each in games) + len(bonded) * least


def _is_committed(view: AccountantView, draft: Draft) -> bool:
    """Whether a draft's bond is in, and the draft still hidden."""
    expires_at = view.docket.commitments.get((view.address, draft.commitment), 0)
    return view.now < expires_at and draft.identifier not in view.docket.claims


def _is_new(view: AccountantView, draft: Draft) -> bool:
    """Whether a draft was never bonded, and is still worth it."""
    return (
        (view.address, draft.commitment) not in view.docket.commitments
        and draft.identifier not in view.docket.claims
        and not _is_settled(view, draft.claim.transaction)
        and view.now < draft.job.deadline
        and _is_placed(view, draft)
    )


def _is_placed(view: AccountantView, draft: Draft) -> bool:
    """Whether a draft names the place at which its job is now.

    A batch's commitment fixes the places of its own records; those of forced ones follow L1's queue, which a
    reorg can change.
    """
    ordered = next((each for each in view.jobs if each.transaction == draft.claim.transaction), None)
    if ordered is None:
        return False
    now = (ordered.batch, ordered.batch_commitment, ordered.index)
    return now == (draft.claim.batch, draft.claim.batch_commitment, draft.claim.index)


def _renewals(view: AccountantView) -> Iterator[Renew]:
    """Drafts whose job a reorg of L1 put into another batch: as they stand, their claims would be refuted."""
    for ordered in view.jobs:
        own = [draft for draft in view.drafts if draft.claim.transaction == ordered.transaction]
        kept = any(_is_placed(view, draft) or draft.identifier in view.docket.claims for draft in own)
        if own and not kept:
            yield Renew(own[0], ordered)


def _jobs(view: AccountantView, conditions: Conditions) -> Iterator[Action]:
    drafted = {draft.claim.transaction for draft in view.drafts}
    for ordered in sorted(view.jobs, key=lambda each: -each.reward):
        if (
            ordered.transaction not in drafted | view.given_up
            and ordered.reward >= conditions.least_reward
            and ordered.job.deadline - view.now >= conditions.least_time
            and not _is_taken(view, ordered.transaction)
        ):
            yield Work(ordered)


def _is_taken(view: AccountantView, transaction: bytes) -> bool:
    """Whether a claim stands or is final: a second one would only wait behind it."""
    states = {record.state for record in view.docket.claims_of(transaction)}
    return bool(states & {ClaimState.STANDING, ClaimState.FINAL})


def _is_settled(view: AccountantView, transaction: bytes) -> bool:
    return any(record.state is ClaimState.FINAL for record in view.docket.claims_of(transaction))
