"""What a player of ledger claims does next: a pure function of what it sees. The service carries it out."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import chain
from typing import Final

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.contracts.ledger_claims import (
    LedgerClaimState,
    LedgerClaimStatus,
    LedgerOutcome,
    LedgerRules,
)
from anh_rollup.l1.inbox_reader import HeldBatch
from anh_rollup.l1.ledger_docket import LedgerClaimRecord, LedgerDocket, LedgerGameRecord
from anh_rollup.ledger_player.actions import (
    Action,
    Check,
    Finalize,
    MakeClaim,
    Open,
    Play,
    RefuteBase,
    Timeout,
    VoidGame,
)
from anh_rollup.primitives import ETHER, BatchNumber, BlockNumber, Gas, Seconds, Wei
from anh_rollup.protocol.game import Side
from anh_rollup.protocol.ledger_claims import LedgerPhase

#: Gas of a claimant's side of a game (choice: above the reveals over the longest trace).
DEFENCE_GAS: Final = Gas(1_000_000)


class Verdict(Enum):
    """What a claim was found to be."""

    TRUE = "true"
    FALSE = "false"
    UNFOUNDED = "unfounded"
    """It begins where the ledger never was: whoever refutes its base ends it."""


@dataclass(frozen=True, slots=True)
class Policy:
    """What a player is there for, and what it may put at stake.

    Attributes:
        claim_every: Seconds from one own claim to the next; None claims nothing.
        depth: L1 blocks above a batch before it is claimed about.
        challenges: Whether false claims of others are refuted.
        most_bonds: Wei in the bonds of own games at any time.
        gas_reserve: Wei that are kept for the moves of each own game.
        most_attempts: Own games over one claim, should some be lost on time.
        reserved_games: Games over an own claim whose gas must be there before it is made.
    """

    claim_every: Seconds | None = None
    depth: int = 0
    challenges: bool = False
    most_bonds: Wei = Wei(10 * ETHER)
    gas_reserve: Wei = Wei(ETHER // 100)
    most_attempts: int = 3
    reserved_games: int = 4


@dataclass(frozen=True, slots=True)
class PlayerView:
    """What a player sees at one L1 block.

    Attributes:
        now: The block's time.
        height: Its number.
        address: The player's account.
        docket: Claims and games.
        statuses: What the contract says of standing claims, and of the latest own one, by id.
        verdicts: What claims were found to be, by id.
        ends: Whether claims end as the ledger did, where that is known before they are checked, by id.
        seen: Since when claims that stand or are final are known to this process, in L1 time, by id.
        batches: All batches.
        rules: What was fixed at deployment.
        balance: Wei of the account.
        price: Most wei that a gas would cost now.
    """

    now: Seconds
    height: BlockNumber
    address: str
    docket: LedgerDocket
    statuses: Mapping[bytes, LedgerClaimStatus]
    verdicts: Mapping[bytes, Verdict]
    ends: Mapping[bytes, bool]
    seen: Mapping[bytes, Seconds]
    batches: Sequence[HeldBatch]
    rules: LedgerRules
    balance: Wei
    price: Wei


def decide(view: PlayerView, policy: Policy) -> list[Action]:
    """Everything that can be done now, the most urgent first: clocks, new games, money, claims, checks."""
    return [
        *_games(view),
        *(_challenges(view, policy) if policy.challenges else ()),
        *_endings(view, policy),
        *(_claims(view, policy) if policy.claim_every is not None else ()),
        *(Check(record) for record in to_check(view)),
    ]


def latest_own(docket: LedgerDocket, address: str) -> LedgerClaimRecord | None:
    """The claim that an account made last."""
    own = [record for record in docket.claims.values() if record.claim.claimant == address]
    return own[-1] if own else None


def to_check(view: PlayerView) -> list[LedgerClaimRecord]:
    """Claims without a verdict: all that stand, and the newest final one that is not known to be false.

    Those first that end where the ledger never was; one that ends rightly can wait: no money is lost by it.
    """
    standing = view.docket.in_state(LedgerClaimState.STANDING)
    standing.sort(key=lambda each: {False: 0, None: 1, True: 2}[view.ends.get(each.identifier)])
    final = sorted(view.docket.in_state(LedgerClaimState.FINAL), key=lambda each: -each.claim.batch)
    usable = [each for each in final if view.verdicts.get(each.identifier) in (None, Verdict.TRUE)]
    return [each for each in [*standing, *usable[:1]] if each.identifier not in view.verdicts]


def can_be_base(view: PlayerView, record: LedgerClaimRecord) -> bool:
    """Whether a claim can be built on."""
    stands = record.state in (LedgerClaimState.STANDING, LedgerClaimState.FINAL)
    return stands and view.verdicts.get(record.identifier) is Verdict.TRUE


def _games(view: PlayerView) -> Iterator[Action]:
    for game in view.docket.open_games():
        record = view.docket.claims[game.position.claim]
        own = game.position.challenger == view.address
        if record.state is not LedgerClaimState.STANDING:
            if own:
                yield VoidGame(game)
        elif game.clock.has_run_out(view.now):
            yield from _late(view, game, record)
        elif game.position.phase is LedgerPhase.REVEAL:
            if _answers(view, record, Seconds((game.clock.since + game.clock.end) // 2)):
                yield Play(game)
        elif own and view.verdicts.get(record.identifier) is Verdict.FALSE:
            yield Play(game)


def _late(view: PlayerView, game: LedgerGameRecord, record: LedgerClaimRecord) -> Iterator[Action]:
    """What ends a game whose mover is late: the other side's call, or anybody's who agrees with the claim."""
    if game.clock.turn is Side.ACCOUNTANT:
        if game.position.challenger == view.address:
            yield Timeout(game)
    elif _answers(view, record, Seconds(game.clock.end + view.rules.clock // 2)):
        yield Timeout(game)


def _answers(view: PlayerView, record: LedgerClaimRecord, patience: Seconds) -> bool:
    """Whether to act for a claim: for the own one at once, for another true one after its claimant's time."""
    if view.verdicts.get(record.identifier) is not Verdict.TRUE:
        return False
    return record.claim.claimant == view.address or view.now >= patience


def beyond_purse(view: PlayerView, policy: Policy) -> list[bytes]:
    """The false claims, by id, over which no game can be opened for want of money."""
    wanted = _wanted(view, policy) if policy.challenges else []
    return [each.claim.identifier for each in wanted[_affordable(view, policy) :]]


def _challenges(view: PlayerView, policy: Policy) -> list[Open]:
    return _wanted(view, policy)[: _affordable(view, policy)]


def _affordable(view: PlayerView, policy: Policy) -> int:
    """How many games more the account and the budget are enough for."""
    own = sum(each.position.challenger == view.address for each in view.docket.open_games())
    free = view.balance - (own + 1) * policy.gas_reserve
    purse = min(free, policy.most_bonds - own * view.rules.challenge_bond)
    if purse < view.rules.challenge_bond:
        return 0
    cost = view.rules.challenge_bond + policy.gas_reserve
    return 1 + (purse - view.rules.challenge_bond) // cost if cost else len(view.docket.claims)


def _wanted(view: PlayerView, policy: Policy) -> list[Open]:
    """The games to open, in an order in which not all challengers spend what they have on the same lies.

    By turns: the lie over which others have the fewest games, and the next one in an order of this account's
    own. The former alone would not do: a liar can open games over his own lie, and loses nothing by it.
    """
    lies = [
        record
        for record in view.docket.in_state(LedgerClaimState.STANDING)
        if view.verdicts.get(record.identifier) is Verdict.FALSE and record.claim.claimant != view.address
    ]
    attempts = [(record, _next_attempt(view, policy, record)) for record in lies]
    wanted = [Open(record, attempt) for record, attempt in attempts if attempt is not None]
    wanted.sort(key=lambda each: keccak256(view.address.encode() + each.claim.identifier))
    contested = Counter(each.position.claim for each in view.docket.open_games())
    neglected = sorted(wanted, key=lambda each: contested[each.claim.identifier])
    by_turns = chain.from_iterable(zip(neglected, wanted, strict=True))
    return list({each.claim.identifier: each for each in by_turns}.values())


def _next_attempt(view: PlayerView, policy: Policy, record: LedgerClaimRecord) -> int | None:
    """The number of the next own game over a claim, or None where none can or need be opened."""
    over = view.docket.games_over(record.identifier)
    own = [game for game in over if game.position.challenger == view.address]
    closes = view.statuses[record.identifier].claimed_at + view.rules.window
    lost = all(game.outcome is LedgerOutcome.CHALLENGER_LATE for game in own)
    return len(own) if lost and len(own) < policy.most_attempts and view.now < closes else None


def _endings(view: PlayerView, policy: Policy) -> Iterator[Action]:
    for record in view.docket.in_state(LedgerClaimState.STANDING):
        status, base = view.statuses[record.identifier], view.docket.claims.get(record.claim.base)
        own = record.claim.claimant == view.address
        if status.games:
            continue
        if base is not None and base.state is LedgerClaimState.REFUTED:
            if own or policy.challenges:
                yield RefuteBase(record)
        elif base is None or base.state is LedgerClaimState.FINAL:
            due = Seconds(status.claimed_at + view.rules.window)
            claims = own or policy.claim_every is not None
            if claims and view.now >= due and _answers(view, record, Seconds(due + view.rules.clock // 2)):
                yield Finalize(record)


def _claims(view: PlayerView, policy: Policy) -> Iterator[MakeClaim]:
    """A claim about the latest batch that is deep enough, on the furthest claim that is true."""
    every, batch = policy.claim_every or Seconds(0), _deep(view, policy.depth)
    bases = [record for record in view.docket.claims.values() if can_be_base(view, record)]
    base = max(bases, key=lambda record: record.claim.batch, default=None)
    if batch <= (base.claim.batch if base is not None else 0) or not _is_time(view, every):
        return
    awaited = [each for each in to_check(view) if _is_awaited(view, each, every)]
    defence = policy.reserved_games * DEFENCE_GAS * view.price
    if not awaited and view.balance >= view.rules.claim_bond + defence:
        yield MakeClaim(base, batch)


def _is_awaited(view: PlayerView, record: LedgerClaimRecord, every: Seconds) -> bool:
    """Whether to find out about a claim before an own one: it may be a base. One that takes long is not."""
    return record.state is LedgerClaimState.FINAL or view.now - view.seen[record.identifier] < every


def _deep(view: PlayerView, depth: int) -> BatchNumber:
    """The latest batch with so many L1 blocks above it; 0 where there is none."""
    deep = (each.header.number for each in reversed(view.batches) if each.l1_block + depth <= view.height)
    return next(deep, BatchNumber(0))


def _is_time(view: PlayerView, every: Seconds) -> bool:
    """Whether the latest own claim is old enough for another one."""
    latest = latest_own(view.docket, view.address)
    return latest is None or _age(view, latest) >= every


def _age(view: PlayerView, record: LedgerClaimRecord) -> Seconds:
    """Seconds since a claim was made whose status is known."""
    return Seconds(view.now - view.statuses[record.identifier].claimed_at)
