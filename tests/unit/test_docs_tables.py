"""The tables of the docs say what the code says: gas of moves, rules of a deployment, hints of a training."""

import dataclasses
import json
import re
from pathlib import Path

import pytest

from anh_rollup.l1.deployment import AMOUNTS, Rules
from anh_rollup.primitives import ETHER
from anh_rollup.training.hints import TrainingHints

ROOT = Path(__file__).resolve().parents[2]


def table(page: str, first_heading: str) -> list[list[str]]:
    """The rows of the table of a page whose first column has this heading, without headings and rule."""
    _, _, after = (ROOT / "docs" / page).read_text().partition(f"\n| {first_heading} |")
    lines = after.partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def shown(rule: str, value: int) -> str:
    """A rule's default as the docs write it: amounts in ether, times and parts as they are."""
    return f"{value / ETHER:g} ETH" if rule in AMOUNTS else str(value)


def default_of(member: str) -> str:
    """A hint's default as the docs write it: text in its JSON form."""
    field = TrainingHints.model_fields[member]
    if field.is_required():
        return "required"
    if field.default is None:
        return "none"
    return f"`{json.dumps(field.default)}`" if isinstance(field.default, str) else str(field.default)


@pytest.mark.parametrize(
    ("page", "heading", "snapshot"),
    [
        ("protocol.md", "transaction", "GasTest"),
        ("ledger-claims.md", "ledger call", "LedgerGasTest"),
        ("ledger-claims.md", "step", "LedgerArbiterGasTest"),
    ],
)
def test_the_gas_of_every_move_is_what_the_snapshot_says(page: str, heading: str, snapshot: str) -> None:
    cells = [cell for row in table(page, heading) for cell in (row[:2], row[3:]) if cell[0]]
    written = {name.replace("`", ""): gas.replace(",", "") for name, gas in cells}
    assert written == json.loads((ROOT / "snapshots" / f"{snapshot}.json").read_text())


def test_the_costs_of_a_transaction_are_what_the_snapshot_says() -> None:
    snapshot = json.loads((ROOT / "snapshots" / "l1_cost.json").read_text())
    kinds = ("plain transfer", "ERC-20 transfer")
    written = {
        f"{kind}, {row[0]}": float(value.replace(",", ""))
        for row in table("protocol.md", "in a batch")
        for kind, value in zip(kinds, row[1:], strict=False)
    }
    assert written == {name: value if value < 1_000 else round(value) for name, value in snapshot.items()}
    compared = [float(row[1]) for row in table("protocol.md", "rollup")[:2]]
    assert compared == [snapshot[f"{kind}, six blobs: data"] for kind in kinds]


def test_the_rules_of_a_deployment_are_written_with_their_defaults() -> None:
    written = {row[0].strip("`"): row[1] for row in table("deployment.md", "rule")}
    defaults = dataclasses.asdict(Rules())
    assert written == {rule: shown(rule, value) for rule, value in defaults.items()}


def test_the_hints_of_a_training_are_written_with_their_defaults() -> None:
    written = {row[0].strip("`"): row[1] for row in table("training.md", "member")}
    assert written == {member: default_of(member) for member in TrainingHints.model_fields}


def test_every_test_that_the_table_of_faults_names_is_there() -> None:
    named = {name for row in table("faults.md", "fault") for name in re.findall(r"`(test_\w+)`", row[2])}
    there = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^(?:async )?def (test_\w+)", path.read_text(), re.M)
    }
    assert named
    assert named - there == set()
