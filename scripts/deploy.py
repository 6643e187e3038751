"""Deploys the rollup's contracts with an ordinary web3.py account; copy it into your own scripts.

    python scripts/deploy.py --l1 http://127.0.0.1:8545 --sequencer 0x... --out deployment.json

The deployer's private key is read from the environment variable DEPLOYER_KEY, to stay out of shell histories.
"""

import argparse
import os
import sys
from pathlib import Path

from eth_account import Account

from anh_rollup.errors import AnhError
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.deployment import Rules, deploy, write_deployment
from anh_rollup.l1.sender import TransactionSender


def main() -> int:
    """Deploys, writes the deployment file and prints the addresses; returns the exit code."""
    parser = argparse.ArgumentParser(description="Deploy the rollup's contracts.")
    parser.add_argument("--l1", required=True, help="URL of the L1 node's JSON-RPC")
    parser.add_argument("--sequencer", required=True, help="checksummed address that will post batches")
    parser.add_argument("--out", type=Path, default=Path("deployment.json"))
    arguments = parser.parse_args()
    key = os.environ.get("DEPLOYER_KEY")
    if not key:
        print("set DEPLOYER_KEY to the deployer's private key", file=sys.stderr)
        return 1
    try:
        sender = TransactionSender(L1Client.connect(arguments.l1), Account.from_key(key))
        deployment = deploy(sender, arguments.sequencer, Rules())
    except AnhError as error:
        print(f"{error.message}\n{error.remedy}", file=sys.stderr)
        return 1
    write_deployment(deployment, arguments.out)
    for name, address in deployment.addresses.items():
        print(f"{name:<15} {address}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
