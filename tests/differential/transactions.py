"""Random transactions over deployed contracts: what each seed makes, it makes again."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from typing import Any

from coincurve import PrivateKey

from anh_rollup.encoding.abi import encode
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import Address, Gas, Wei
from anh_rollup.world.engine import AccessList, Account, Block, Outcome, Run
from anh_rollup.world.outcomes import gas_with_floor, owed_gas
from anh_rollup.world.specification import SpecificationEngine
from anh_rollup.world.strict import created_address
from tests.differential.compiled import contracts
from tests.doubles.state import FEE_RECIPIENT, MemoryState, block

RICHES = 10**24
GAS_PRICE = Wei(7)
DEPLOYING = Gas(8_000_000)
DESCRIPTIONS = ("Mint some", "Mint more")
MOST_NUMBERS = 60
NOBODY = Address(b"\x0b" * 20)


def address_of(key: PrivateKey) -> Address:
    """The account of a key."""
    return Address(keccak256(key.public_key.format(compressed=False)[1:])[-20:])


KEYS = {address_of(key): key for key in (PrivateKey(bytes([number]) * 32) for number in range(1, 7))}
USERS = tuple(KEYS)


@dataclass
class Contracts:
    """Deployed contracts, and what random arguments are drawn from.

    Attributes:
        state: The state with the contracts.
        at: Their addresses by name.
        numbers: Numbers that logs have shown, such as the identifiers of proposals.
    """

    state: MemoryState
    at: dict[str, Address] = field(default_factory=dict)
    numbers: list[int] = field(default_factory=list)

    def seen(self, outcome: Outcome) -> None:
        """Remembers numbers of the logs."""
        for log in outcome.logs:
            words = [log.data[at : at + 32] for at in range(0, min(len(log.data), 128), 32)]
            self.numbers += [int.from_bytes(word, "big") for word in (*log.topics[1:], *words)]
        del self.numbers[:-MOST_NUMBERS]


def deployed() -> Contracts:
    """Everything that World.sol holds, each created by a transaction of the first user."""
    state = MemoryState({user: Account(0, RICHES) for user in USERS})
    world = Contracts(state)
    _deploy(world, "Token", [])
    _deploy(world, "Vault", [world.at["Token"]])
    _deploy(world, "Assembly", [world.at["Token"]])
    _deploy(world, "Collectible", [])
    _deploy(world, "Counter", [])
    _deploy(world, "Proxy", [world.at["Counter"]])
    for name in ("Factory", "Oddities", "Plain"):
        _deploy(world, name, [], value=10**18)
    for user in USERS[1:]:
        _call(world, user, "Token", "mint", [user, 10**6])
        _call(world, user, "Token", "delegate", [user])
        _call(world, user, "Token", "approve", [world.at["Vault"], 10**6])
        _call(world, user, "Token", "approve", [USERS[1], 10**6])
        _call(world, user, "Vault", "deposit", [10**5, user])
        _call(world, user, "Vault", "approve", [USERS[2], 10**4])
    for number, user in enumerate(USERS[1:4]):
        _call(world, user, "Collectible", "mint", [user, number])
    return world


def _call(world: Contracts, sender: Address, name: str, function: str, values: Sequence[Any]) -> None:
    owner = world.state.accounts[sender]
    data = _calldata(_entry(name, function), values)
    run = Run(sender, owner.nonce, world.at[name], Wei(0), data, DEPLOYING, GAS_PRICE)
    world.state.accounts[sender] = replace(owner, nonce=owner.nonce + 1)
    outcome = SpecificationEngine().run(run, block(1), world.state, {})
    assert outcome.succeeded, (name, function, outcome.halt, outcome.output)
    world.state.apply(outcome.changes)


def _deploy(world: Contracts, name: str, arguments: Sequence[Address], value: int = 0) -> None:
    compiled = contracts()[name]
    data = bytes.fromhex(compiled["code"]) + b"".join(bytes(12) + argument for argument in arguments)
    owner = world.state.accounts[USERS[0]]
    run = Run(USERS[0], owner.nonce, None, Wei(value), data, DEPLOYING, GAS_PRICE)
    world.state.accounts[USERS[0]] = replace(owner, nonce=owner.nonce + 1)
    outcome = SpecificationEngine().run(run, block(1), world.state, {})
    assert outcome.created is not None, (name, outcome.halt, outcome.output)
    world.state.apply(outcome.changes)
    world.at[name] = outcome.created


class Transactions:
    """Makes random runs.

    Args:
        world: What they are about.
        random: Where chance comes from.
    """

    def __init__(self, world: Contracts, random: Random) -> None:
        self._world = world
        self._random = random
        functions = [
            (name, entry)
            for name, each in sorted(contracts().items())
            for entry in each["abi"]
            if entry["type"] == "function"
        ]
        self._views = [each for each in functions if each[1]["stateMutability"] in ("view", "pure")]
        self._calls = [each for each in functions if each not in self._views]

    def run(self, block: Block) -> Run:
        """A transaction of one of the users, who can pay for its gas."""
        sender = self._random.choice(USERS)
        to, data = self._what()
        run = Run(
            sender=sender,
            nonce=self._world.state.accounts[sender].nonce,
            to=to,
            value=Wei(self._value()),
            data=data,
            gas_limit=Gas(0),
            gas_price=GAS_PRICE,
            access_list=self._access_list() if self._random.random() < 0.3 else (),
        )
        return replace(run, gas_limit=self._gas(run))

    def _gas(self, run: Run) -> Gas:
        owed = gas_with_floor(run, owed_gas(run))
        generous = self._random.choice((3_000_000, 600_000, 150_000))
        return Gas(owed + (generous if self._random.random() < 0.7 else self._random.randrange(150_000)))

    def _value(self) -> int:
        if self._random.random() < 0.85:
            return 0
        return self._random.choice((1, 10**15, self._random.randrange(10**18), RICHES * 2))

    def _what(self) -> tuple[Address | None, bytes]:
        """Whom it calls with what; None for a creation."""
        dice = self._random.random()
        if dice < 0.06:
            return None, self._creation()
        if dice < 0.10:
            return self._address(), self._random.randbytes(self._random.randrange(80))
        return self._governance() if dice < 0.25 else self._call()

    def _creation(self) -> bytes:
        if self._random.random() < 0.5:
            return bytes.fromhex(contracts()[self._random.choice(("Counter", "Plain"))]["code"])
        return self.random_code()

    def random_code(self) -> bytes:
        """Instructions with a few small numbers before each; now and then any bytes."""
        code = bytearray()
        for _ in range(self._random.randrange(1, 40)):
            for _ in range(self._random.randrange(5)):
                code += self._push()
            code.append(self._random.randrange(256))
        return bytes(code)

    def _push(self) -> bytes:
        if self._random.random() < 0.2:
            return b"\x73" + self._address()
        return b"\x60" + self._random.choice((0, 1, 2, 3, 32, 64, self._random.randrange(256))).to_bytes(
            1, "big"
        )

    def _call(self) -> tuple[Address, bytes]:
        """A call of a random function, of the contract that has it or of one that calls on."""
        name, entry = self._random.choice(self._views if self._random.random() < 0.15 else self._calls)
        values = [self._argument(each) for each in entry["inputs"]]
        at = self._world.at["Proxy" if name == "Counter" and self._random.random() < 0.5 else name]
        return at, _calldata(entry, values)

    def _governance(self) -> tuple[Address, bytes]:
        """Proposes, votes for or executes one of a few proposals."""
        token, mint = self._world.at["Token"], _calldata(_entry("Token", "mint"), [USERS[1], 5])
        description = self._random.choice(DESCRIPTIONS)
        proposal = ([token], [0], [mint], keccak256(description.encode()))
        function = self._random.choice(("propose", "castVote", "castVote", "execute", "execute", "cancel"))
        if function == "propose":
            values: Sequence[Any] = [*proposal[:3], description]
        elif function == "castVote":
            whole = encode(["address[]", "uint256[]", "bytes[]", "bytes32"], proposal)
            values = [int.from_bytes(keccak256(whole), "big"), self._random.choice((0, 1, 1, 1, 2, 3))]
        else:
            values = proposal
        return self._world.at["Assembly"], _calldata(_entry("Assembly", function), values)

    def _argument(self, parameter: Any) -> Any:
        kind, name = parameter["type"], parameter["name"]
        if kind.endswith("[]"):
            return [self._argument({"type": kind[:-2], "name": ""}) for _ in range(self._random.randrange(3))]
        if name in ("tokenId", "id"):
            return self._random.randrange(4)
        if kind == "address":
            return self._address()
        if kind == "bool":
            return self._random.random() < 0.5
        if kind == "string":
            return self._random.choice(("", "some text", DESCRIPTIONS[0]))
        if kind == "bytes":
            return self._bytes()
        if kind.startswith("bytes"):
            return self._random.randbytes(int(kind[5:]))
        return self._number(int(kind.removeprefix("uint")))

    def _bytes(self) -> bytes:
        dice = self._random.random()
        if dice < 0.6:
            return self._call()[1]
        return self.random_code() if dice < 0.8 else self._random.randbytes(self._random.randrange(140))

    def _number(self, bits: int) -> int:
        choices: list[Callable[[], int]] = [
            lambda: self._random.randrange(4),
            lambda: self._random.randrange(4),
            lambda: self._random.randrange(40),
            lambda: self._random.randrange(1_000),
            lambda: self._random.randrange(10**18),
            lambda: 2**bits - 1,
            lambda: self._random.choice(self._world.numbers or [1]),
        ]
        return self._random.choice(choices)() % 2**bits

    def _address(self) -> Address:
        precompiled = Address(self._random.randrange(1, 12).to_bytes(20, "big"))
        contract = self._random.choice(list(self._world.at.values()))
        created = created_address(
            self._random.choice(list(self._world.at.values())), self._random.randrange(4)
        )
        user = self._random.choice(USERS)
        rare = self._random.choice((precompiled, created, FEE_RECIPIENT, NOBODY))
        return self._random.choice((user, user, contract, contract, rare))

    def _access_list(self) -> AccessList:
        return tuple(
            (self._address(), tuple(self._number(256) for _ in range(self._random.randrange(3))))
            for _ in range(self._random.randrange(3))
        )


def _entry(name: str, function: str) -> Any:
    return next(each for each in contracts()[name]["abi"] if each.get("name") == function)


def _calldata(entry: Any, values: Sequence[Any]) -> bytes:
    kinds = [each["type"] for each in entry["inputs"]]
    selector = keccak256(f"{entry['name']}({','.join(kinds)})".encode())[:4]
    return selector + encode(kinds, values)
