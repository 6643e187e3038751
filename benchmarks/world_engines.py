"""What one transfer of a token takes in each engine of the world: `python -m benchmarks.world_engines`.

The token is OpenZeppelin's ERC-20. The transfer moves tokens from an account that keeps some to one that has
some. The same strict run is given to both engines, with the state in memory.
"""

from dataclasses import dataclass, field
from typing import Any

from anh_rollup.encoding.abi import encode
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import ZERO_DIGEST, Address, Gas, Wei
from anh_rollup.world.engine import AccessList, Account, Block, Changes, Engine, Run
from anh_rollup.world.revm import RevmEngine
from anh_rollup.world.specification import SpecificationEngine
from anh_rollup.world.strict import STRICT_MARKER
from benchmarks.report import Figure, shortest, show
from scripts.build_contracts import ROOT, compile_sources, read_settings

SOURCE = """
// SPDX-License-Identifier: MIT
pragma solidity ^0.8.28;
import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
contract Token is ERC20 {
    constructor() ERC20("Token", "T") { _mint(msg.sender, 1000); }
}
"""
SENDER, RECIPIENT, FEE_RECIPIENT = (Address(bytes([byte]) * 20) for byte in (1, 2, 3))
GAS = Gas(5_000_000)
RUNS = 200
MICROSECONDS = 1e6


@dataclass
class State:
    """Accounts and storage in memory."""

    accounts: dict[Address, Account] = field(default_factory=lambda: {SENDER: Account(1, 10**18)})
    slots: dict[tuple[Address, int], int] = field(default_factory=dict)

    def account(self, address: Address) -> Account | None:
        """An account."""
        return self.accounts.get(address)

    def slot(self, address: Address, key: int) -> int:
        """An element of storage."""
        return self.slots.get((address, key), 0)

    def apply(self, changes: Changes) -> None:
        """Makes the changes of a run."""
        self.accounts |= {address: account for address, account in changes.accounts.items() if account}
        self.slots |= changes.slots


def block() -> Block:
    """Where the runs stand."""
    return Block(1, 1, 1, 1, 120_000_000, FEE_RECIPIENT, bytes(32), lambda _: ZERO_DIGEST)


def token(state: State) -> Address:
    """Deploys the token, whose supply the sender owns."""
    settings: Any = {**read_settings(ROOT / "foundry.toml"), "evmVersion": "cancun", "viaIR": False}
    compiled = compile_sources({"Token.sol": SOURCE}, settings)["Token.sol"]["Token"]
    init = bytes.fromhex(compiled["evm"]["bytecode"]["object"])
    outcome = SpecificationEngine().run(Run(SENDER, 0, None, Wei(0), init, GAS, Wei(1)), block(), state, {})
    if outcome.created is None:
        raise SystemExit(f"the token was not created: {outcome.halt}")
    state.apply(outcome.changes)
    return outcome.created


def transfer(contract: Address, amount: int, access_list: AccessList = ()) -> Run:
    """A transfer to the recipient, strict where it has a list."""
    data = keccak256(b"transfer(address,uint256)")[:4] + encode(["address", "uint256"], [RECIPIENT, amount])
    return Run(SENDER, 0, contract, Wei(0), data, GAS, Wei(1), access_list, bool(access_list))


def listed(state: State, contract: Address) -> AccessList:
    """The list of a strict transfer; makes a transfer to see it, so that the recipient has tokens."""
    outcome = SpecificationEngine().run(transfer(contract, 10), block(), state, {})
    state.apply(outcome.changes)
    keys = sorted(key for address, key in outcome.reads.slots if address == contract)
    return ((STRICT_MARKER, ()), (contract, tuple(keys)))


def microseconds(engine: Engine, run: Run, state: State) -> float:
    """The shortest of many runs."""
    here = block()
    if not engine.run(run, here, state, {}).succeeded:
        raise SystemExit("the transfer failed")
    return shortest(lambda: engine.run(run, here, state, {}), RUNS) * MICROSECONDS


def main() -> None:
    """Measures and prints the figures."""
    state = State()
    contract = token(state)
    run = transfer(contract, 1, listed(state, contract))
    specification = SpecificationEngine()
    engines: dict[str, Engine] = {"the specification": specification, "revm": RevmEngine(specification)}
    show(
        [
            Figure(f"ERC-20 transfer on {name}, shortest of {RUNS}", "microseconds", round(taken))
            for name, engine in engines.items()
            for taken in [microseconds(engine, run, state)]
        ]
    )


if __name__ == "__main__":
    main()
