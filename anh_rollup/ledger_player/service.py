"""The loop of whoever claims or checks the ledger: read L1, decide, act, repeat."""

import logging
import threading
from collections import defaultdict
from collections.abc import Callable, Hashable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Final

from anh_rollup.background import Background
from anh_rollup.bulkhead import Bulkhead
from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.ledger_claims import LedgerClaimState
from anh_rollup.l1.disputes import Call
from anh_rollup.l1.errors import BlobsUnavailableError, L1Error, TransientL1Error, is_unsealed
from anh_rollup.l1.inbox_reader import HeldOrder, InboxReader
from anh_rollup.l1.ledger_disputes import LedgerDisputes
from anh_rollup.l1.ledger_docket import LedgerClaimRecord, LedgerDocket, LedgerGameRecord
from anh_rollup.l1.sender import MOST_IN_FLIGHT
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
    subject,
)
from anh_rollup.ledger_player.strategy import (
    PlayerView,
    Policy,
    Verdict,
    beyond_purse,
    can_be_base,
    decide,
    latest_own,
)
from anh_rollup.primitives import DIGEST_SIZE, BatchNumber, Seconds
from anh_rollup.protocol import moves
from anh_rollup.protocol.ledger_claims import GENESIS_BASE, LedgerClaim, LedgerPhase
from anh_rollup.protocol.ledger_play import ContinuedTree, choose, prove, reveal
from anh_rollup.protocol.machine.fields import Machine
from anh_rollup.protocol.machine.past import Past, TraceMaker
from anh_rollup.protocol.machine.state import State, first_state
from anh_rollup.protocol.machine.trace import Trace
from anh_rollup.protocol.moves import Move

LOG = logging.getLogger(__name__)

#: Pieces of work at a time (choice): a long trace must not hold up the moves of other games.
MOST_AT_ONCE: Final = 8

#: Checks among them (choice): whatever many claims there are, the next moves find a thread.
MOST_CHECKS: Final = 4

Proof = tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class PreparedClaim:
    """A claim that is ready to be sent.

    Attributes:
        claim: The claim.
        end: Its last machine.
        proofs: From its first and last machine to its trace.
    """

    claim: LedgerClaim
    end: Machine
    proofs: tuple[Proof, Proof]


@dataclass(slots=True)
class LedgerPlayer:
    """Claims the ledger, defends what is true, refutes what is not.

    Call `play` again and again, from one thread, and `close` in the end. Everything is rebuilt from L1 after
    a restart; after a reorg, what is about batches that L1 has in other blocks now.

    Attributes:
        chain: The disputes on L1, and the account.
        reader: What L1 holds of the order.
        policy: What it is there for.
        make_trace: What makes traces.
        patience: Seconds that a round waits for what is soon computed.
    """

    chain: LedgerDisputes
    reader: InboxReader
    policy: Policy
    make_trace: TraceMaker = Trace
    patience: float = 1.0
    _acting: Bulkhead = field(default_factory=lambda: Bulkhead(healing=(TransientL1Error,)))
    _background: Background = field(default_factory=lambda: Background(MOST_AT_ONCE))
    _locks: defaultdict[tuple[int, int], threading.Lock] = field(
        default_factory=lambda: defaultdict(threading.Lock)
    )
    _verdicts: dict[bytes, Verdict] = field(default_factory=dict)
    _seen: dict[bytes, Seconds] = field(default_factory=dict)
    _moves: dict[Hashable, Move | None] = field(default_factory=dict)
    _prepared: PreparedClaim | None = None
    _folding: threading.Lock = field(default_factory=threading.Lock)
    _held: HeldOrder | None = None
    _past: Past | None = None
    _beyond: frozenset[bytes] = frozenset()

    def play(self) -> list[Action]:
        """One round; gives what was tried. What is not computed yet is sent in a later one.

        One action that fails, in whatever way, does not stop the others.

        Raises:
            TransientL1Error: The chain cannot be read, or lags: nothing was done.
        """
        view = self.look()
        self._warn(view)
        self._acting.begin_round()
        self._background.begin_round()
        due = [each for each in decide(view, self.policy) if self._acting.is_due(subject(each)[0])]
        self._keep_moves(due)
        self._compute_all(due)
        calls = self._calls(view, due)
        for start in range(0, len(calls), MOST_IN_FLIGHT):
            self._send_at_once(calls[start : start + MOST_IN_FLIGHT])
        return due

    def close(self) -> None:
        """Computes nothing more."""
        self._background.close()

    def look(self) -> PlayerView:
        """What there is to see now."""
        # The order after the docket: what is claimed about was posted before.
        head = self.chain.refresh()
        self.reader.refresh()
        held, docket, address = self.reader.held, self.chain.docket, self.chain.address
        if self._past is None or self._held is not held:
            self._begin(held)
        asked = docket.in_state(LedgerClaimState.STANDING)
        own = latest_own(docket, address)
        asked += [own] if own is not None else []
        known = docket.in_state(LedgerClaimState.STANDING, LedgerClaimState.FINAL)
        self._seen = {each.identifier: self._seen.get(each.identifier, head.time) for each in known}
        for identifier in [each for each in list(self._verdicts) if each not in self._seen]:
            del self._verdicts[identifier]
        return PlayerView(
            now=head.time,
            height=head.number,
            address=address,
            docket=docket,
            statuses={each.identifier: self.chain.status(each.identifier) for each in asked},
            verdicts=dict(self._verdicts),
            ends=self._ends(docket),
            seen=self._seen,
            batches=held.batches,
            rules=self.chain.rules,
            balance=self.chain.sender.balance(),
            price=self.chain.sender.price(),
        )

    def _begin(self, held: HeldOrder) -> None:
        """Forgets what was computed of another order, but for the batches that both have in common."""
        if self._past is None or self._held is None:
            self._past = Past(first_state(held.first), held, self.make_trace)
        else:
            common, claims = held.common(self._held), self.chain.docket.claims
            self._past = self._past.continued(held, common)
            for identifier in list(self._verdicts):
                if identifier not in claims or claims[identifier].claim.batch > common:
                    del self._verdicts[identifier]
        self._held, self._moves, self._prepared = held, {}, None

    def _ends(self, docket: LedgerDocket) -> dict[bytes, bool]:
        """Whether claims end as the ledger did, where that is known already."""
        past, ends = self._past, dict[bytes, bool]()
        for record in docket.in_state(LedgerClaimState.STANDING):
            known = past.known(record.claim.batch) if past is not None else None
            if known is not None:
                ends[record.identifier] = known.machine.hash == record.claim.end
        return ends

    def _warn(self, view: PlayerView) -> None:
        """Tells, whenever there are others, which false claims the account has no money for."""
        beyond = beyond_purse(view, self.policy)
        if beyond and set(beyond) - self._beyond:
            LOG.error(
                "%d false ledger claims are not challenged from here, as account or budget are used up (one "
                "is 0x%s); next: send ether to %s on L1, or raise --budget, before their windows are over",
                len(beyond), beyond[0].hex(), view.address,
            )  # fmt: skip
        self._beyond = frozenset(beyond)

    def _keep_moves(self, due: Sequence[Action]) -> None:
        """Lets go of moves that no game waits for any more."""
        wanted = {subject(each)[0] for each in due}
        self._moves = {key: move for key, move in self._moves.items() if key in wanted}

    def _compute_all(self, due: Sequence[Action]) -> None:
        """Begins to compute what is needed, and waits a moment for what is soon there."""
        running = self._background.running
        checks = [each for each in due if isinstance(each, Check)]
        room = MOST_CHECKS - sum(subject(each)[0] in running for each in checks)
        for action in due:
            work = None if isinstance(action, Check) and room <= 0 else self._work(action)
            if work is not None and self._background.begin(*subject(action), work):
                room -= isinstance(action, Check)
        if self._background.running:
            self._background.wait(self.patience)

    def _work(self, action: Action) -> Callable[[], object] | None:
        """What has to be computed for an action; None where nothing has."""
        past = self._past
        if past is None:
            return None
        match action:
            case Check(record):
                return partial(self._check, past, record)
            case Play(game) if subject(action)[0] not in self._moves:
                return partial(self._move, past, subject(action)[0], game)
            case MakeClaim(base, batch) if self._prepared is None:
                return partial(self._prepare, past, base, batch)
        return None

    def _check(self, past: Past, record: LedgerClaimRecord) -> None:
        verdict = self._verdict(past, record)
        if past is self._past:
            self._verdicts[record.identifier] = verdict
        if verdict is not Verdict.TRUE:
            LOG.warning(
                "ledger claim 0x%s of %s about batch %d is %s; next: %s",
                record.identifier.hex(), record.claim.claimant, record.claim.batch, verdict.value,
                "it is challenged" if self.policy.challenges else "a challenger has to refute it",
            )  # fmt: skip

    def _verdict(self, past: Past, record: LedgerClaimRecord) -> Verdict:
        """What a claim is; where that cannot be computed any more, the log tells of what is a lie anyway."""
        try:
            return self._computed(past, record)
        except BlobsUnavailableError as error:
            self._tell_unplayable(past, record, error)
            raise

    def _tell_unplayable(self, past: Past, record: LedgerClaimRecord, error: AnhError) -> None:
        """Tells of a claim that ends where the ledger never was, and whose machines cannot be computed."""
        known = past.known(record.claim.batch)
        if known is not None and known.machine.hash != record.claim.end:
            LOG.error(
                "ledger claim 0x%s of %s about batch %d is false: the ledger after that batch was another. "
                "Games over it cannot be played from here: %s; next: %s Its window is running.",
                record.identifier.hex(), record.claim.claimant, record.claim.batch, error.message,
                error.remedy,
            )  # fmt: skip

    def _computed(self, past: Past, record: LedgerClaimRecord) -> Verdict:
        """What a claim is, by the machines from its base on; of a final one only the end matters."""
        claim = record.claim
        start = self.chain.docket.base_batch(claim)
        if record.state is LedgerClaimState.FINAL:
            agrees = self._state(past, claim.batch).machine.hash == claim.end
        elif self._state(past, start).machine.hash != claim.start:
            return Verdict.UNFOUNDED
        else:
            with self._trace(past, start, claim.batch) as trace:
                agrees = ContinuedTree(trace.tree, claim.steps + 1).root == claim.trace
        return Verdict.TRUE if agrees else Verdict.FALSE

    def _state(self, past: Past, batch: BatchNumber) -> State:
        """The state after a batch; one thread folds at a time, as the next one goes on from there."""
        known = past.known(batch)
        if known is not None:
            return known
        with self._folding:
            return past.state(batch)

    @contextmanager
    def _trace(self, past: Past, start: BatchNumber, last: BatchNumber) -> Iterator[Trace]:
        """A trace for one thread at a time: it is computed once, and what it computes again it keeps."""
        with self._locks[start, last]:
            trace = past.known_trace(start, last)
            if trace is None:
                with self._folding:
                    trace = past.trace(start, last)
            yield trace

    def _move(self, past: Past, key: Hashable, game: LedgerGameRecord) -> None:
        """Computes the next move of a game."""
        position, docket = game.position, self.chain.docket
        claim = docket.claims[position.claim].claim
        with self._trace(past, docket.base_batch(claim), claim.batch) as trace:
            tree = ContinuedTree(trace.tree, position.leaves)
            if position.phase is LedgerPhase.REVEAL:
                move: Move | None = reveal(position, tree)
            elif position.phase is LedgerPhase.CHOOSE:
                move = choose(position, tree, game.shown)
            else:
                move = prove(position, tree, game.shown, trace, self.reader.held)
        if past is self._past:
            self._moves[key] = move

    def _prepare(self, past: Past, base: LedgerClaimRecord | None, batch: BatchNumber) -> None:
        """Computes a claim; it stays ready until it is sent."""
        start = BatchNumber(0) if base is None else base.claim.batch
        commitment = self.reader.held.batches[batch - 1].commitment
        with self._trace(past, start, batch) as trace:
            tree, steps, end = trace.tree, trace.steps, trace.end.machine
        claim = LedgerClaim(
            self.chain.address,
            GENESIS_BASE if base is None else base.identifier,
            batch,
            commitment,
            steps,
            tree.root,
            tree.node(0, 0),
            end.hash,
        )
        self._prepared = PreparedClaim(claim, end, (tuple(tree.proof(0)), tuple(tree.proof(steps))))

    def _calls(self, view: PlayerView, actions: Sequence[Action]) -> list[tuple[Action, Call]]:
        """What carries actions out that are ready."""
        made: list[tuple[Action, Call]] = []
        for action in actions:
            key, name = subject(action)
            self._acting.run(key, name, partial(self._add_calls, view, action, made))
        return made

    def _add_calls(self, view: PlayerView, action: Action, made: list[tuple[Action, Call]]) -> None:
        made += [(action, call) for call in self.calls(view, action)]

    def _send_at_once(self, made: Sequence[tuple[Action, Call]]) -> None:
        """Sends calls in one group of transactions: a move must not wait for the block of another."""
        errors = self._send_all([call for _, call in made])
        for (action, (function, _)), error in zip(made, errors, strict=True):
            # An announcement has to be in an earlier block: the next round tries again.
            if error is not None and not is_unsealed(error):
                self._moves.pop(subject(action)[0], None)
                self._acting.run(*subject(action), partial(_fail, error))
            if function == "claim":
                self._prepared = None

    def _send_all(self, calls: Sequence[Call]) -> Sequence[AnhError | None]:
        try:
            return self.chain.send_all(calls) if calls else ()
        except L1Error as error:
            return [error] * len(calls)

    def calls(self, view: PlayerView, action: Action) -> list[Call]:
        """The calls on L1 that carry an action out; none where none is needed, or it is not ready."""
        contract, rules = self.chain.contract, view.rules
        match action:
            case Play(game):
                move = self._moves.get(subject(action)[0])
                return [] if move is None else self.chain.move(game.identifier, game.position, move)
            case Timeout(game):
                return self.chain.move(game.identifier, game.position, moves.Timeout())
            case VoidGame(game):
                return self.chain.move(game.identifier, game.position, moves.VoidGame())
            case Open(record, attempt):
                salt = attempt.to_bytes(DIGEST_SIZE, "big")
                return [("open", contract.open(record.claim, salt, rules.challenge_bond))]
            case RefuteBase(record):
                return [("refuteBase", contract.refute_base(record.claim))]
            case Finalize(record):
                return [("finalize", contract.finalize(record.claim))]
            case MakeClaim():
                return self._claim(view)
            case Check():
                return []

    def _claim(self, view: PlayerView) -> list[Call]:
        """The claim that is ready, unless what it builds on is no base any more."""
        ready = self._prepared
        if ready is None:
            return []
        base = view.docket.claims.get(ready.claim.base)
        if base is not None and not can_be_base(view, base):
            self._prepared = None
            return []
        bond = view.rules.claim_bond
        return [("claim", self.chain.contract.claim(ready.claim, ready.end, *ready.proofs, bond))]


def _fail(error: AnhError) -> None:
    """Raises an error that a transaction of a group ended with, so that it is told and counted."""
    raise error
