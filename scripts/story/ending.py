"""The end: tables of costs, truths and balances, and everything that was checked."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from anh_rollup.cli.moves import calls_between
from anh_rollup.client.wording import short
from scripts.story.accounts import Wealth, read_wealth, told_missing, wealth_table
from scripts.story.acts import BASELESS, CHALLENGER, DISHONEST, ClaimMade
from scripts.story.costs import calls_table, games_table
from scripts.story.stage import Stage


def tell_ending(stage: Stage, before: Mapping[str, Wealth], made: Sequence[ClaimMade]) -> None:
    """Prints the tables, and checks who has won and lost.

    Raises:
        OutcomeError: Somebody has won or lost who should not have.
    """
    network, console = stage.network, stage.console
    after = read_wealth(network)
    check_wealth(stage, before, after)
    deployment = stage.view.deployment
    calls = calls_between(
        stage.view.client, deployment, deployment.block + 1, stage.view.client.head().number
    )
    stage.act("The end: everything below is read from the chains")
    console.print(calls_table(calls, network.names()))
    console.print(games_table(stage.view))
    console.print(claims_table(made))
    console.print(wealth_table(before, after))
    bonds, deployer = stage.view.contracts.bonds.address, str(network.accounts["deployer"].address)
    staked = stage.view.client.balance(bonds) - sum(each.credit for each in after.values())
    gas = sum(each.cost for each in calls if each.sender != deployer)
    console.print(told_missing(before, after, staked, gas), highlight=False)
    for line in stage.checks:
        console.print(f"[green]checked[/]  {line}", highlight=False, soft_wrap=True)


def check_wealth(stage: Stage, before: Mapping[str, Wealth], after: Mapping[str, Wealth]) -> None:
    """Checks the bonds: the liar's is gone, the baseless challenger's too, the challenger has a prize."""
    rules = stage.view.deployment.rules
    change = {
        name: after[name].l1 + after[name].credit - start.l1 - start.credit for name, start in before.items()
    }
    stage.require("the liar's bond is gone", True, change[DISHONEST] <= -rules.claim_bond)
    stage.require("the baseless challenger's bond is gone", True, change[BASELESS] <= -rules.challenge_bond)
    stage.require("the challenger is richer", True, change[CHALLENGER] > 0)


def claims_table(made: Sequence[ClaimMade]) -> Table:
    """What was claimed and what is true, one claim a column: whole in 80 columns."""
    table = Table(title="claimed and true", show_header=False)
    table.add_column()
    for _ in made:
        table.add_column(justify="right", overflow="fold")
    headings = ("claim", "claimant", "job", "claimed", "true", "asked", "state")
    for heading, *told in zip(headings, *map(claim_words, made), strict=True):
        table.add_row(heading, *told)
    return table


def claim_words(made: ClaimMade) -> tuple[str, ...]:
    """A claim's column: id, claimant, job, sums that were claimed, are true, and were asked, and state."""
    record = made.record
    head, wanted = record.claim.scores[0], record.job.properties[0]
    return (
        short(record.identifier),
        made.name,
        record.job.kind.name.lower(),
        *(show_share(part, head.count) for part in (head.sum, made.true_sum, wanted.threshold)),
        record.state.name.lower(),
    )


def show_share(part: int, count: int) -> str:
    """A number of right samples, with its share."""
    return f"{part} of {count} ({part / count:.4f})"
