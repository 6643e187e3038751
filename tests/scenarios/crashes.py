"""A rollup whose processes are killed with SIGKILL again and again, and what it has promised meanwhile."""

import random
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.client.l2 import L2Client, L2RejectedError, L2UnreachableError
from anh_rollup.client.ordering import check_position, sign_order
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import decode_signed, encode_record
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.deployment import Rules
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.transport import Patience
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.jobs import NO_ROOT, Job, JobKind, Property, order_calldata
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.properties import accuracy
from anh_rollup.training.hints import TrainingHints, encode_hints
from scripts import digits

ETHER = 10**18

#: Clocks that bear a role's restarts: starting Python takes seconds on two busy cores, and a demand for data
#: has to be answered within a quarter of the window.
RULES = Rules(
    window=240, clock=180, reveal_window=90, settlement=3_000, claim_bond=ETHER, challenge_bond=ETHER // 5,
    demand_fee=ETHER // 100, force_delay=900, force_timeout=1_800,
)  # fmt: skip

HONEST, LIAR, CHALLENGER, BASELESS = (
    "honest accountant", "dishonest accountant", "challenger", "baseless challenger",
)  # fmt: skip
SEQUENCER = "sequencer"

#: Seconds between two kills.
PAUSES = (0.2, 2.0)

#: Who else sends transactions meanwhile: an account of the local network that plays no other part then.
TRAVELLER = "deployer"

#: Seconds for anything that a round waits for.
PATIENCE = 240.0

FEE = 10**10
RECIPIENT = bytes([0xB0] * 20)
TRAIN, TEST = 160, 80


def small_network():
    """A convolution and a dense layer for 8x8 digits: trains in a second, has tensors of many chunks."""
    b = ProgramBuilder()
    x = b.field((8, 8, 1), scale=4, low=0, high=16)
    w = b.parameter((8, 3, 3, 1), scale=12, low=-(2**15), high=2**15)
    bias = b.parameter((8,), scale=16, low=-(2**20), high=2**20)
    y = b.max_pool(b.conv2d(x, w, bias, padding=1, scale=12, low=0), 2)
    w = b.parameter((10, 128), scale=12, low=-(2**15), high=2**15)
    bias = b.parameter((10,), scale=16, low=-(2**20), high=2**20)
    return b.build(b.linear(b.reshape(y, (128,)), w, bias, scale=12))


def small_job(store, now):
    """A job that everybody's training is good enough for."""
    images, network = digits.load(), small_network()
    training = Dataset(tuple(each[:TRAIN] for each in images.train.fields))
    architecture = store.put_program(network)
    hints = TrainingHints(training_data=f"0x{store.put_dataset(training).hex()}", epochs=2, batch_size=16)
    store.put_recipe(architecture, encode_hints(hints))
    test = Dataset(tuple(each[:TEST] for each in images.test.fields))
    wanted = Property(store.put_program(accuracy(network)), store.put_dataset(test), 1)
    uri = store.folder.resolve().as_uri()
    return Job(JobKind.TRAINING, architecture, NO_ROOT, (wanted,), now + 1_500, uri)


@dataclass
class Traffic:
    """One account's transactions: each is sent until it is acknowledged, then its position is asked for."""

    network: LocalNetwork
    name: str
    acknowledged: list[bytes] = field(default_factory=list)
    positions: dict[bytes, tuple[int, bytes]] = field(default_factory=dict)
    waiting: list[bytes] = field(default_factory=list)
    nonce: int = 0
    _next: float = 0.0

    @property
    def l2(self):
        return L2Client(self.network.l2_url, Patience(2.0, 1))

    def add_transfer(self):
        account = self.network.accounts[self.name]
        fields = {
            "type": 2, "chainId": L2_CHAIN_ID, "nonce": self.nonce, "to": RECIPIENT, "value": 1,
            "gas": 21_000, "maxFeePerGas": FEE, "maxPriorityFeePerGas": 0,
        }  # fmt: skip
        self.add(bytes(account.sign_transaction(fields).raw_transaction))

    def add(self, raw):
        self.waiting.append(raw)
        self.nonce += 1

    def step(self):
        """Sends what waits, asks for a position that is not known yet; the L2 may be away."""
        try:
            if self.waiting:
                self._send()
            self._ask()
        except L2UnreachableError:
            return

    def _send(self):
        raw = self.waiting[0]
        try:
            self.l2.send_raw(raw)
        except L2RejectedError as error:
            # The answer to an earlier attempt was lost with the process that gave it.
            if "already known" not in error.message:
                raise
        self.acknowledged.append(keccak256(raw))
        self.waiting.pop(0)

    def _ask(self):
        digest = next((each for each in self.acknowledged if each not in self.positions), None)
        position = None if digest is None else self.l2.position("0x" + digest.hex())
        if position is not None:
            check_position(self.network.deployment, position)
            block = (int(position["blockNumber"], 16), bytes.fromhex(position["blockHash"][2:]))
            self.positions[digest] = block


@dataclass
class Killer:
    """Kills a role every now and then, and starts it again with the same command on the same folders.

    A third of the kills waits until the role before is at work again; others may hit roles that just start.
    """

    network: LocalNetwork
    chance: random.Random
    kills: int = 0
    cast: dict = field(default_factory=dict)
    done: Counter = field(default_factory=Counter)
    in_game: int = 0
    _deck: list[str] = field(default_factory=list)
    _next: float = 0.0
    _awaited: tuple[Path, int] | None = None

    @property
    def started(self):
        """Whether there was something to kill for already."""
        return self.kills > 0

    def enter(self, running):
        self.cast[running.name] = running

    def leave(self, name):
        running = self.cast.pop(name)
        self._end(running)

    def step(self, games):
        """One look; `games` is the number of games that are open now."""
        for each in self.cast.values():
            each.require_alive()
        if self.done.total() >= self.kills or time.monotonic() < self._next or self._is_awaiting():
            return
        self._kill(self._draw())
        self.in_game += games > 0
        self._next = time.monotonic() + self.chance.uniform(*PAUSES)

    def _is_awaiting(self):
        if self._awaited is None:
            return False
        log, size = self._awaited
        return log.stat().st_size == size

    def _draw(self):
        """Every role of the cast in turn, in an order that chance gives."""
        self._deck = [each for each in self._deck if each in self.cast]
        if not self._deck:
            self._deck = self.chance.sample(sorted(self.cast), len(self.cast))
        return self._deck.pop()

    def _kill(self, name):
        running = self.cast[name]
        self._end(running)
        waits = self.chance.random() < 1 / 3
        self._awaited = (running.log, running.log.stat().st_size) if waits else None
        self.cast[name] = self.network.processes.start(name, running.process.args)
        self.done[name] += 1

    def _end(self, running):
        running.process.kill()
        running.process.wait(20)
        self.network.processes.running.remove(running)


@dataclass
class Round:
    """One job: the claim that lies about it, the true one, and whether somebody disputed that."""

    lie: bytes
    truth: bytes
    is_disputed: bool


@dataclass
class CrashingRollup:
    """The local network under kills.

    Attributes:
        network: Its processes.
        seed: Of the killer's chance.
        carrier: Options of the sequencer that say how batches travel.
    """

    network: LocalNetwork
    seed: int
    carrier: tuple[str, ...] = ()
    rounds: list[Round] = field(default_factory=list)
    settling: bool = False

    def __post_init__(self):
        self.network.rules = RULES
        deployment = self.network.start_l1()
        self.view = L1View(self.network.l1(), deployment)
        self.store = ArtifactStore(self._folder())
        self.killer = Killer(self.network, random.Random(self.seed))
        self.user, self.traveller = Traffic(self.network, "user"), Traffic(self.network, TRAVELLER)
        self.killer.enter(self.network.start_challenger(CHALLENGER))
        self.killer.enter(self.network.start_sequencer(0, *self.carrier))
        for each, amount in ((self.user, 20 * ETHER), (self.traveller, ETHER)):
            self._deposit(each.name, amount)

    def _folder(self):
        self.network.user_folder.mkdir(parents=True, exist_ok=True)
        return self.network.user_folder

    def _deposit(self, name, amount):
        customer = self.network.customer(name)
        request = self.view.contracts.inbox.deposit(customer.address, amount)
        TransactionSender(self.network.l1(), customer.account).send(request)
        self.until("the deposit", lambda: customer.l2.cleared(customer.address) >= amount)

    def until(self, what, found):
        """Goes on, with kills and traffic, until something is found."""
        end = time.monotonic() + PATIENCE
        while True:
            self.view.refresh()
            self.killer.step(len(self.view.docket.open_games()))
            if self.killer.started and not self.settling:
                self._send_on()
            if seen := found():
                return seen
            assert time.monotonic() < end, f"{what} did not happen: {self._told()}"
            time.sleep(0.05)

    def _told(self):
        """What there is to see when something did not happen."""
        docket = self.view.docket
        claims = [(self._name(each.claim.claimant), each.state.name) for each in docket.claims.values()]
        games = [
            (
                self._name(each.position.challenger),
                self._name(each.position.accountant),
                each.outcome or each.position.phase,
            )
            for each in docket.games.values()
        ]
        demands = [(self._name(each.demander), each.is_open) for each in docket.demands.values()]
        return f"{dict(self.killer.done)} kills, claims {claims}, games {games}, demands {demands}"

    def _name(self, address):
        return next(name for name, each in self.network.accounts.items() if str(each.address) == address)

    def _send_on(self):
        if not self.traveller.waiting:
            self.traveller.add_transfer()
        self.traveller.step()
        self.user.step()

    def play(self, drill, kills, *, disputed):
        """One job from its order to its payment; so many kills from the first move of its first game on."""
        self.killer.enter(self.network.start_accountant(LIAR, "--drill", drill))
        job = self._order()
        lie = self.until("the lie", lambda: self._claim(LIAR, job))
        self.killer.enter(self.network.start_accountant(HONEST))
        self.until("the game about the lie", lambda: self.view.games_over(lie))
        self.killer.kills += kills
        self.until("the end of the lie", lambda: self._state(lie) is not ClaimState.STANDING)
        truth = self.until("the truth", lambda: self._claim(HONEST, job))
        if disputed:
            self._dispute(truth)
        else:
            self._await_last_kill()
        self._pass_time(RULES.window)
        self.until("the end of the truth", lambda: self._state(truth) is not ClaimState.STANDING)
        for name in (LIAR, HONEST):
            self.killer.leave(name)
        self.rounds.append(Round(lie, truth, disputed))

    def _await_last_kill(self):
        self.until("the last kill", lambda: self.killer.done.total() == self.killer.kills)

    def _pass_time(self, seconds):
        self.network.l1().transport.request("evm_increaseTime", hex(seconds))

    def _dispute(self, truth):
        """A game against the truth by somebody who is never killed."""
        baseless = self._start_baseless()

        def says(words):
            baseless.require_alive()
            return words in baseless.log.read_bytes()

        self.until("the last refusal", lambda: says(b"nothing is left"))
        self._await_last_kill()
        self._pass_time(RULES.clock)
        self.until("the end of the baseless challenger", lambda: says(b"the game is over"))
        baseless.process.wait(20)
        self.network.processes.running.remove(baseless)
        baseless.log.unlink()

    def settle(self):
        """Waits until all that was acknowledged is in a batch on L1; then everybody stops."""
        everybody = (self.user, self.traveller)
        self.settling = True

        def is_told():
            for each in everybody:
                each.step()
            return not any(each.waiting or len(each.positions) < len(each.acknowledged) for each in everybody)

        def is_posted():
            last = [each.acknowledged[-1] for each in everybody]
            return all(self.user.l2.position("0x" + each.hex()).get("batch") for each in last)

        self.until("the last positions", is_told)
        self.until("the last batch", is_posted)
        for name in list(self.killer.cast):
            self.killer.leave(name)
        self.view.refresh()

    def _order(self):
        """Orders a job like everybody: what is sent is sent until it is acknowledged."""
        job = small_job(self.store, self.network.l1().head().time)
        raw = self.until("a signed order", lambda: self._signed(order_calldata(job)))
        self.user.add(raw)
        self.until("the order", lambda: self.user.step() or not self.user.waiting)
        return keccak256(encode_record(decode_signed(raw, L2_CHAIN_ID)))

    def _signed(self, data):
        try:
            return sign_order(self.network.customer(), data, ETHER, FEE)
        except L2UnreachableError:
            return None

    def _claim(self, name, job):
        address = str(self.network.accounts[name].address)
        claims = self.view.docket.claims_of(job)
        return next((each.identifier for each in claims if each.claim.claimant == address), None)

    def _state(self, claim):
        return self.view.claim(claim).state

    def _start_baseless(self):
        command = [
            sys.executable, "-u", "-m", "scripts.baseless_challenge", "--l1", self.network.l1_url,
            "--deployment", str(self.network.deployment_file),
            "--key-file", str(self.network.key_file(BASELESS)),
            "--against", str(self.network.accounts[HONEST].address),
            "--store", str(self.network.store_folder(HONEST)),
            "--allow-folder", str(self.network.user_folder),
        ]  # fmt: skip
        return self.network.processes.start(BASELESS, command, ends=True)
