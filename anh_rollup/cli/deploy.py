"""`anh deploy`: puts the contracts on L1 and writes the deployment file."""

from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console

from anh_rollup.cli.narration import told_contract
from anh_rollup.cli.options import UsageError, key_option, l1_option, parse_address, read_account
from anh_rollup.encoding.checks import UINT64_MOST
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.deployment import DECIMAL, Rules, RulesError, deploy, require_free, write_deployment
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import L2_CHAIN_ID, ChainId

#: Highest chain id that a legacy transaction can be signed for (EIP-2294).
MOST_CHAIN_ID: Final = UINT64_MOST // 2 - 36


class OptionError(UsageError):
    """An option that cannot be used.

    Attributes:
        option: Its name.
    """

    def __init__(self, option: str, reason: str) -> None:
        super().__init__(f"{option}: {reason}", remedy="See `anh deploy --help`.")
        self.option = option


@click.command(name="deploy")
@l1_option()
@key_option("the deployer's")
@click.option(
    "--sequencer", type=parse_address, metavar="ADDRESS", required=True, help="Who will post batches."
)
@click.option(
    "--l2-chain-id",
    type=click.IntRange(1, MOST_CHAIN_ID),
    default=L2_CHAIN_ID,
    show_default=True,
    help="The rollup's chain id.",
)
@click.option(
    "--rule", "rules", multiple=True, metavar="NAME=NUMBER", help="A rule that differs from its default."
)
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("deployment.json"),
    show_default=True,
    help="Where to write the deployment file; nothing may be there.",
)
def deploy_command(
    l1_url: str,
    key_file: Path,
    sequencer: str,
    l2_chain_id: int,
    rules: Sequence[str],
    out: Path,
) -> None:
    """Deploy the contracts to L1 and write the deployment file.

    \b
    Example:
      anh deploy --l1 http://127.0.0.1:8545 --key-file deployer.key \\
        --sequencer 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --rule window=600
    """
    console = Console(stderr=True)
    fixed = parse_rules(rules)
    account = read_account(key_file)
    require_free(out)
    sender = TransactionSender(L1Client.connect(l1_url), account)
    deployment = deploy(
        sender,
        sequencer,
        fixed,
        ChainId(l2_chain_id),
        report=lambda name, address: console.print(told_contract(name, address)),
    )
    write_deployment(deployment, out)
    console.print(f"written to {out}")


def parse_rules(given: Sequence[str]) -> Rules:
    """Rules from `name=number` words; what is not named keeps its default.

    Raises:
        OptionError: A word names no rule or no number, or the rules contradict themselves.
    """
    names = {item.name for item in fields(Rules)}
    chosen: dict[str, Any] = {}
    for word in given:
        name, _, number = word.partition("=")
        if name not in names or not DECIMAL.fullmatch(number):
            raise OptionError(
                "--rule", f"{word[:80]!r} is not one of {', '.join(sorted(names))} with a number"
            )
        chosen[name] = int(number)
    try:
        return Rules(**chosen)
    except RulesError as error:
        raise OptionError("--rule", error.reason) from error
