"""`anh ledger show`: every claim and game in a row of its own, and what an account has."""

from dataclasses import replace
from io import StringIO
from types import SimpleNamespace
from typing import Any, cast

from rich.console import Console
from rich.table import Table

from anh_rollup.cli.ledger import account_table, claims_table, games_table, told_claim, told_game
from anh_rollup.cli.narration import LEDGER_ENDINGS
from anh_rollup.l1.contracts.ledger_claims import LedgerClaimState, LedgerClaimStatus, LedgerOutcome
from anh_rollup.l1.ledger_docket import LedgerDocket, LedgerGameRecord
from anh_rollup.l1.ledger_view import LedgerView
from anh_rollup.primitives import ETHER, BatchNumber, Seconds, Wei
from anh_rollup.protocol.game import Clock, Side
from anh_rollup.protocol.ledger import Account
from anh_rollup.protocol.ledger_claims import LedgerPhase
from anh_rollup.protocol.machine.witnesses import NO_MACHINE
from tests.doubles.ledger_games import first_position
from tests.doubles.ledger_snapshot import claim_record
from tests.doubles.memory_l1 import OWNER


def cells(table: Table) -> list[list[str]]:
    """A table's rows on a wide terminal, without the heading."""
    console = Console(width=200, record=True, file=StringIO())
    console.print(table)
    lines = [line for line in console.export_text().splitlines() if "│" in line]
    return [[cell.strip() for cell in line.strip("│").split("│")] for line in lines]


def view(*games: int) -> Any:
    """A final claim, a true and a false standing one, one that lost a game, and one whose base fell."""
    state = LedgerClaimState
    machines = [replace(NO_MACHINE, batch=BatchNumber(number)) for number in range(1, 6)]
    lost = claim_record(machines[3], state.REFUTED, refuter="0x" + "99" * 20)
    made = [
        claim_record(machines[0], state.FINAL),
        claim_record(machines[1], state.STANDING),
        claim_record(machines[2], state.STANDING),
        lost,
        claim_record(machines[4], state.REFUTED),
    ]
    made[1] = replace(made[1], claim=replace(made[1].claim, base=made[0].identifier))

    def status(_identifier: bytes) -> LedgerClaimStatus:
        return LedgerClaimStatus(Seconds(0), BatchNumber(1), sum(games), state.STANDING, b"")

    return SimpleNamespace(
        docket=LedgerDocket({each.identifier: each for each in made}),
        claims=SimpleNamespace(status=status),
        deployment=SimpleNamespace(rules=SimpleNamespace(window=60)),
        line=lambda record: None if record is made[2] else [record],
        latest=BatchNumber(5),
        final=lambda: made[0],
        paid=lambda _account: Wei(ETHER),
        account=lambda _account, batch: Account(batch, Wei(batch * ETHER), Wei(2 * ETHER)),
    )


def test_each_claim_says_what_became_of_it_and_whether_it_is_true() -> None:
    known = view(0)
    rows = cells(claims_table(cast(LedgerView, known)))
    first = "0x" + next(iter(known.docket.claims)).hex()[:8]
    assert [row[1] for row in rows[:2]] == ["genesis to 1", f"{first} to 2"]
    fates = ["final", "standing", "standing", "refuted by 0x99999999", "its base fell"]
    assert [row[2] for row in rows] == fates
    assert [row[4] for row in rows] == ["yes", "yes", "no", "-", "-"]
    assert {row[3] for row in rows} == {"1970-01-01 00:01:00"}


def test_ids_can_be_copied_whole_and_the_table_fits_80_columns() -> None:
    known = view(0)
    record = next(iter(known.docket.claims.values()))
    console = Console(width=80, record=True, file=StringIO())
    console.print(claims_table(cast(LedgerView, known)))
    row = next(line for line in console.export_text().splitlines() if "genesis to 1" in line)
    assert [cell.strip() for cell in row.split("│")[1:4]] == [
        f"0x{record.identifier.hex()[:8]}",
        "genesis to 1",
        "final",
    ]
    assert told_claim(record) == (
        f"ledger claim 0x{record.identifier.hex()} of {OWNER}: ledger 0x{record.machine.ledger.hex()}"
    )
    clock = Clock(Seconds(5), Seconds(5), Seconds(0), Side.ACCOUNTANT)
    game = LedgerGameRecord(b"\x77" * 32, first_position(record.claim, OWNER), clock)
    assert told_game(game) == (
        f"game 0x{'77' * 32}: {OWNER} disputes ledger claim 0x{game.position.claim.hex()}"
    )


def test_open_games_are_counted() -> None:
    rows = cells(claims_table(cast(LedgerView, view(1, 2))))
    assert rows[1][2] == "standing, 3 games"


def test_each_game_says_where_it_stands_or_how_it_ended() -> None:
    clock = Clock(Seconds(5), Seconds(5), Seconds(0), Side.ACCOUNTANT)
    (record, *_) = view(0).docket.claims.values()
    at = replace(first_position(record.claim, OWNER), phase=LedgerPhase.CHOOSE, level=4, index=3)
    running = LedgerGameRecord(b"\x77" * 32, at, clock)
    over = replace(running, outcome=LedgerOutcome.REFUTED)
    first, second = cells(games_table([running, over]))
    assert first[-1] == "next choose, level 4, node 3"
    assert second[-1] == LEDGER_ENDINGS[LedgerOutcome.REFUTED]
    assert set(LEDGER_ENDINGS) == set(LedgerOutcome)


def test_an_account_stands_behind_the_last_batch_and_the_final_claim() -> None:
    known = view(0)
    name = "0x" + next(iter(known.docket.claims)).hex()[:8]
    latest, final = cells(account_table(cast(LedgerView, known), OWNER))
    assert latest == ["batch 5", "5", "5.000000 ETH", "2.000000 ETH", "1.000000 ETH"]
    assert final == [f"final claim {name}", "1", "1.000000 ETH", "2.000000 ETH", "1.000000 ETH"]
    known.final = lambda: None
    assert len(cells(account_table(cast(LedgerView, known), OWNER))) == 1
