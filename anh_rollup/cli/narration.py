"""L1 events as short lines for people: who did what, with the numbers that matter."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatchmethod
from typing import Any, Final

from anh_rollup.client.wording import counted, short, show_ether
from anh_rollup.l1.contracts import ledger_claims as ledger
from anh_rollup.l1.contracts.bonds import Withdrawn
from anh_rollup.l1.contracts.claims import (
    Answered,
    Committed,
    Demanded,
    Expired,
    Finalized,
    Lapsed,
    Refuted,
    Released,
    Retracted,
    Revealed,
)
from anh_rollup.l1.contracts.game import (
    Chosen,
    Closed,
    ElementsRevealed,
    GameOutcome,
    NodesRevealed,
    Opened,
    ScoresRevealed,
    SumsRevealed,
)
from anh_rollup.l1.contracts.inbox import Deposited, Forced, Posted
from anh_rollup.l1.deployment import CONTRACTS
from anh_rollup.protocol.claims import Scores
from anh_rollup.protocol.game import Phase, Position

#: What a game's end means.
ENDINGS: Final[Mapping[GameOutcome, str]] = {
    GameOutcome.REFUTED: "L1 computed the element: the claim is wrong",
    GameOutcome.ACCOUNTANT_LATE: "the accountant's clock ran out",
    GameOutcome.CHALLENGER_LATE: "the challenger's clock ran out: its bond is the accountant's",
    GameOutcome.VOID: "the claim fell in another game",
}

#: What the end of a game about a ledger claim means.
LEDGER_ENDINGS: Final[Mapping[ledger.LedgerOutcome, str]] = {
    ledger.LedgerOutcome.REFUTED: "L1 took the step itself: the claim is wrong",
    ledger.LedgerOutcome.CLAIMANT_LATE: "the claimant's clock ran out",
    ledger.LedgerOutcome.CHALLENGER_LATE: "the challenger's clock ran out: its bond is the claimant's",
    ledger.LedgerOutcome.VOID: "the claim fell in another game",
}


#: Characters of the longest contract's name.
LONGEST: Final = max(map(len, CONTRACTS.values()))


def told_contract(name: str, address: str) -> str:
    """A contract that was deployed, with its address; such lines stand in columns."""
    return f"{name:<{LONGEST}} {address}"


@dataclass(frozen=True, slots=True)
class Narrator:
    """Turns events into lines.

    Attributes:
        names: What accounts are called, by checksummed address.
    """

    names: Mapping[str, str] = field(default_factory=dict)

    def name(self, address: str) -> str:
        """What an account is called; its first digits where it has no name."""
        return self.names.get(address, address[:10])

    @singledispatchmethod
    def line(self, event: Any) -> str | None:
        """The line of an event; None for those that say nothing by themselves."""
        del event
        return None

    @line.register
    def _(self, event: Deposited) -> str:
        return f"{self.name(event.to)} has deposited {show_ether(event.amount)} for the L2"

    @line.register
    def _(self, event: Posted) -> str:
        carried = counted(len(event.blobs), "blob") if event.blobs else f"{len(event.data)} bytes of calldata"
        return f"batch {event.number} is on L1: {counted(event.batch.count, 'transaction')} in {carried}"

    @line.register
    def _(self, event: Forced) -> str:
        return f"transaction {event.index} was forced past the sequencer"

    @line.register
    def _(self, event: Committed) -> str:
        return f"{self.name(event.claimant)} bonds a hidden claim {short(event.commitment)}"

    @line.register
    def _(self, event: Revealed) -> str:
        scores = ", ".join(show_score(each) for each in event.claim.scores)
        return f"{self.name(event.claimant)} claims {scores} for result {short(event.claim.result)}"

    @line.register
    def _(self, event: Retracted) -> str:
        return f"{self.name(event.claimant)} takes a hidden claim back"

    @line.register
    def _(self, event: Expired) -> str:
        return f"{self.name(event.claimant)} did not open its claim in time: the bond is gone"

    @line.register
    def _(self, event: Refuted) -> str:
        prize = show_ether(event.prize)
        return f"claim {short(event.claim_id)} is REFUTED; {self.name(event.challenger)} is credited {prize}"

    @line.register
    def _(self, event: Finalized) -> str:
        return f"claim {short(event.claim_id)} of {self.name(event.claimant)} is FINAL"

    @line.register
    def _(self, event: Released) -> str:
        return f"claim {short(event.claim_id)} came too late and has its bond back"

    @line.register
    def _(self, event: Lapsed) -> str:
        return f"the time of job {short(event.transaction)} is over: what nobody earned goes back"

    @line.register
    def _(self, event: Demanded) -> str:
        return f"{self.name(event.demander)} demands data of claim {short(event.claim_id)}"

    @line.register
    def _(self, event: Answered) -> str:
        return f"the data of claim {short(event.claim_id)} is shown on L1"

    @line.register
    def _(self, event: Opened) -> str:
        what = f"property {event.position.property}"
        if event.position.phase is Phase.TRACE:
            what += f", sample {event.position.sample} with score {event.position.score}"
        return f"game {short(event.game)}: {self.name(event.challenger)} disputes {what}"

    @line.register
    def _(self, event: Chosen) -> str:
        return self._move(event.game, event.position, "challenger chooses")

    @line.register
    def _(self, event: ScoresRevealed) -> str:
        return self._move(event.game, event.position, f"accountant shows {len(event.nodes)} score nodes")

    @line.register
    def _(self, event: NodesRevealed) -> str:
        return self._move(event.game, event.position, f"accountant shows {len(event.nodes)} nodes")

    @line.register
    def _(self, event: ElementsRevealed) -> str:
        return self._move(event.game, event.position, f"accountant shows {len(event.elements) // 4} elements")

    @line.register
    def _(self, event: SumsRevealed) -> str:
        return self._move(event.game, event.position, f"accountant shows {len(event.partials)} partial sums")

    @line.register
    def _(self, event: Closed) -> str:
        return f"game {short(event.game)}: {ENDINGS[event.outcome]}"

    @line.register
    def _(self, event: Withdrawn) -> str:
        return f"{self.name(event.account)} withdraws {show_ether(event.amount)}"

    @line.register
    def _(self, event: ledger.Claimed) -> str:
        what = f"ledger claim {short(event.claim_id)}"
        return f"{self.name(event.claimant)} makes {what}, up to batch {event.batch}"

    @line.register
    def _(self, event: ledger.Refuted) -> str:
        prize = f"{self.name(event.challenger)} is credited {show_ether(event.prize)}"
        return f"ledger claim {short(event.claim_id)} is REFUTED; {prize}"

    @line.register
    def _(self, event: ledger.Orphaned) -> str:
        return f"ledger claim {short(event.claim_id)} falls with {short(event.base)}, on which it was built"

    @line.register
    def _(self, event: ledger.Finalized) -> str:
        return f"ledger claim {short(event.claim_id)} of {self.name(event.claimant)} is FINAL"

    @line.register
    def _(self, event: ledger.Withdrawn) -> str:
        left = f"which left the L2, to {self.name(event.account)}"
        return f"L1 pays {show_ether(event.amount)}, {left}"

    @line.register
    def _(self, event: ledger.Opened) -> str:
        who, what = self.name(event.challenger), short(event.claim)
        return f"game {short(event.game)}: {who} disputes ledger claim {what}"

    @line.register
    def _(self, event: ledger.Closed) -> str:
        return f"game {short(event.game)}: {LEDGER_ENDINGS[event.outcome]}"

    def _move(self, game: bytes, position: Position, what: str) -> str:
        return f"game {short(game)}: {what}; next {next_move(position)}"


def show_score(score: Scores) -> str:
    """A claimed score: as a share of its samples where it can be their number, as with an accuracy."""
    if 0 <= score.sum <= score.count:
        return f"{score.sum} of {score.count}"
    return f"a score of {score.sum} over {score.count} samples"


def next_move(position: Position) -> str:
    """What is due in a position, as a phrase."""
    named = {
        Phase.CHOOSE_SCORE: "a choice among score nodes",
        Phase.TRACE: f"the trace of sample {position.sample}",
        Phase.CHOOSE_VALUE: "a choice among traced values",
        Phase.TRACE_NODES: "more of the trace",
        Phase.TENSOR: f"the tensor of value {position.value}",
        Phase.CHOOSE_CHUNK: f"a chunk of value {position.value}",
        Phase.TENSOR_NODES: f"more of value {position.value}",
        Phase.CHUNK: f"the chunk of value {position.value}",
        Phase.PROVE: f"the proof of an element of value {position.value}",
        Phase.SUMS: f"partial sums of element {position.element} of value {position.value}",
        Phase.CHOOSE_BLOCK: "the proof of a block",
        Phase.SCORES: "score nodes",
    }
    return named.get(position.phase, position.phase.name.lower())
