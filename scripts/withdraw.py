"""Takes ether out of the L2 with web3.py: deposit, pay somebody, exit, wait, withdraw on L1.

    python -m scripts.withdraw 0.5 --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8570 \
        --deployment devnet/deployment.json --key-file devnet/keys/user.key

--l2 is a follower. It makes the proof, and need not be believed: the call that it gives is looked at here,
and L1 checks the proof. `anh withdraw` does without a follower.
"""

import sys
from typing import Any, Final

from hexbytes import HexBytes
from web3.logs import DISCARD

from anh_rollup.cli.options import parse_address, parse_payment
from anh_rollup.client.ordering import PRICE_MARGIN, Report, wait_for
from anh_rollup.client.wording import show_ether
from anh_rollup.errors import AnhError
from anh_rollup.protocol.fees import TRANSFER_GAS
from anh_rollup.protocol.ledger import EXIT_ADDRESS
from scripts.chains import Rollup, ask, contract_at, key_option, rollup_of, rollup_options, run, send
from scripts.l2_contracts import pay
from scripts.submit_training_job import deposit

EXAMPLE: Final = """python -m scripts.withdraw 0.5 --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8570 \\
    --deployment devnet/deployment.json --key-file devnet/keys/user.key"""

#: Seconds that a ledger claim may take to become final: its window, the next claim, and some blocks.
CLAIM_SECONDS: Final = 600.0


class WrongCallError(AnhError):
    """A follower gave another call than the one that withdraws for this account; it was not sent.

    Attributes:
        what: What is wrong with it.
    """

    def __init__(self, what: str) -> None:
        super().__init__(
            f"the follower's call is not the withdrawal that was asked for: {what}",
            remedy="Ask another follower, or use `anh withdraw`, which needs none.",
        )
        self.what = what


def leave(rollup: Rollup, amount: int, gift: tuple[str, int] | None, report: Report) -> int:
    """Brings ether onto the L2, pays from it, and takes the rest out again; the wei that L1 has paid.

    Args:
        rollup: Both chains, and whose money; the L2 is a follower.
        amount: Wei to take out.
        gift: Whom to pay on the L2 before, and how many wei.
        report: Told each step in a line.

    Raises:
        WrongCallError: The follower's call is not the withdrawal.
        AnhError: A chain refuses, or no ledger claim becomes final in time.
    """
    given = gift[1] if gift is not None else 0
    fees = 2 * TRANSFER_GAS * rollup.l2.eth.gas_price * PRICE_MARGIN
    deposit(rollup, amount + given + fees, report)
    if gift is not None:
        pay(rollup, *gift)
        report(f"paid {show_ether(given)} to {gift[0]} on the L2")
    receipt = pay(rollup, EXIT_ADDRESS, amount)
    report(f"{show_ether(amount)} left the L2 in its block {receipt['blockNumber']}")
    report("waiting for a final ledger claim that has it")
    call = wait_for("a final ledger claim", lambda: payment(rollup, amount), CLAIM_SECONDS)
    return withdraw(rollup, call, report)


def payment(rollup: Rollup, amount: int) -> dict[str, str] | None:
    """The L1 call that pays the account, once a final claim has at least an amount for it."""
    found = ask(rollup.l2, "anh_getWithdrawal", rollup.address)
    return dict(found["call"]) if int(found["payable"], 16) >= amount else None


def withdraw(rollup: Rollup, call: dict[str, str], report: Report) -> int:
    """Sends the call that withdraws; the wei that L1 has paid, by the contract's event.

    Raises:
        WrongCallError: It is another call.
        ChainRefusedError: L1 refuses it.
    """
    contract = contract_at(rollup.l1, "LedgerClaims", rollup.deployment.addresses["ledger_claims"])
    if call["to"] != contract.address:
        raise WrongCallError(f"it calls {call['to']}")
    try:
        function, arguments = contract.decode_function_input(HexBytes(call["data"]))
    except ValueError as error:
        raise WrongCallError("it cannot be read") from error
    if function.fn_name != "withdraw" or arguments["account"] != rollup.address:
        raise WrongCallError(f"{function.fn_name} for {arguments.get('account')}")
    made = contract.functions.withdraw(*arguments.values())
    receipt = send(rollup.l1, rollup.account, made)
    events: Any = contract.events
    (paid,) = events.Withdrawn().process_receipt(receipt, errors=DISCARD)
    wei = int(paid["args"]["amount"])
    report(f"L1 has paid {show_ether(wei)} in its block {receipt['blockNumber']}")
    return wei


def main() -> None:
    """Takes ether out and prints each step."""
    parser = rollup_options("Deposit, pay, take ether out of the L2 again, and withdraw it on L1.", EXAMPLE)
    key_option(parser)
    parser.add_argument("amount", type=parse_payment, metavar="ETHER", help="how much to take out")
    parser.add_argument("--pay", type=parse_address, metavar="ADDRESS", help="pay somebody on the L2 before")
    parser.add_argument(
        "--gift", type=parse_payment, default="0.01", metavar="ETHER", help="how much (default 0.01)"
    )
    arguments = parser.parse_args()
    gift = None if arguments.pay is None else (arguments.pay, arguments.gift)
    leave(rollup_of(arguments), arguments.amount, gift, lambda line: print(line, flush=True))


if __name__ == "__main__":
    sys.exit(run(main))
