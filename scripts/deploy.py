"""Deploys the rollup's contracts with web3.py and an ordinary account: one transaction each.

    python -m scripts.deploy --l1 http://127.0.0.1:8545 --key-file deployer.key --sequencer 0x7099...

The contracts name each other as immutables, so every address is computed from the account's nonce first.
`anh deploy` does the same with the package's own sender, which survives fee spikes.
"""

import sys
from pathlib import Path
from typing import Any

from eth_account.signers.local import LocalAccount
from web3 import Web3

from anh_rollup.cli.narration import told_contract
from anh_rollup.cli.options import parse_address, read_account
from anh_rollup.l1.abi import load_artifact
from anh_rollup.l1.deployment import (
    CONTRACTS,
    Deployment,
    Rules,
    constructor_values,
    known_values,
    predict_addresses,
    require_free,
    write_deployment,
)
from anh_rollup.l1.types import Cursor
from anh_rollup.primitives import L2_CHAIN_ID, BlockNumber, ChainId
from scripts.chains import connect, example_parser, key_option, l1_option, run, send

EXAMPLE = """python -m scripts.deploy --l1 http://127.0.0.1:8545 --key-file deployer.key \\
    --sequencer 0x70997970C51812dc3A010C7d01b50e0d17dc79C8 --out deployment.json"""


def deploy(web3: Web3, account: LocalAccount, sequencer: str, rules: Rules) -> Deployment:
    """Sends one transaction a contract; where everything is.

    Args:
        web3: The L1.
        account: Who pays; nothing else may use it meanwhile.
        sequencer: Checksummed address of who will post batches.
        rules: What to fix for ever.
    """
    parent = web3.eth.get_block("latest")
    nonce = web3.eth.get_transaction_count(Web3.to_checksum_address(account.address))
    addresses = predict_addresses(account.address, nonce)
    before = Cursor(BlockNumber(parent["number"]), bytes(parent["hash"]))
    known = known_values(rules, addresses, sequencer, L2_CHAIN_ID, before)
    for key, name in CONTRACTS.items():
        artifact = load_artifact(name)
        abi: Any = list(artifact.entries)
        factory = web3.eth.contract(abi=abi, bytecode=artifact.bytecode)
        receipt = send(web3, account, factory.constructor(*constructor_values(artifact, known)))
        print(f"{told_contract(name, addresses[key])}  {receipt['gasUsed']:>9,} gas")
    chain = ChainId(web3.eth.chain_id)
    return Deployment(chain, L2_CHAIN_ID, sequencer, before.number, before.hash, addresses, rules)


def main() -> None:
    """Deploys, writes the deployment file and prints the addresses."""
    parser = example_parser("Deploy the rollup's contracts to L1.", EXAMPLE)
    l1_option(parser)
    key_option(parser)
    parser.add_argument(
        "--sequencer", type=parse_address, required=True, metavar="ADDRESS", help="who will post batches"
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("deployment.json"),
        metavar="FILE",
        help="where to write the deployment file; nothing may be there (default deployment.json)",
    )
    arguments = parser.parse_args()
    account = read_account(arguments.key_file)
    require_free(arguments.out)
    deployment = deploy(connect(arguments.l1), account, arguments.sequencer, Rules())
    write_deployment(deployment, arguments.out)
    print(f"written to {arguments.out}")


if __name__ == "__main__":
    sys.exit(run(main))
