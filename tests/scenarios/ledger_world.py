"""A rollup on a real anvil chain whose batches meet all that the ledger knows; who claims, who checks."""

import time

from eth_account import Account

from anh_rollup.cli.moves import calls_between
from anh_rollup.encoding.batches import BatchHeader, encode_batch, transactions_root
from anh_rollup.encoding.blobs import pack
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.packed_records import pack_record, split
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.blobs import versioned_hash
from anh_rollup.l1.deployment import bind, deploy
from anh_rollup.l1.disputes import Freshness
from anh_rollup.l1.inbox_reader import InboxReader
from anh_rollup.l1.ledger_disputes import LedgerDisputes
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.ledger_player.service import LedgerPlayer
from anh_rollup.ledger_player.strategy import Policy
from anh_rollup.primitives import ZERO_DIGEST
from anh_rollup.protocol.derivation import batch_of, build_block
from anh_rollup.protocol.ledger import EXIT
from anh_rollup.protocol.machine.trace import Trace
from scripts.generate_vectors.ledger_packing import repacked
from tests.doubles.ordering import Wallet, pair, record_of
from tests.scenarios.world import BURNT, ETHER, RULES, Chain

ALICE, BOB, CAROL = (Wallet(name) for name in (b"ledger alice", b"ledger bob", b"ledger carol"))

#: A job whose reward is in escrow.
ORDER = ALICE.order(2, ETHER)

#: Calldata that does not pack, and takes more of a blob's elements than one step can have.
LONG = b"".join([keccak256(b"%d" % number) for number in range(200)])

#: A challenger that plays for the prize alone.
CHECKING = Policy(challenges=True)

#: Claims whenever there is something to claim.
CLAIMING = Policy(claim_every=60)


class LedgerWorld:
    """Everything of one scenario. Close its chain in the end."""

    def __init__(self):
        self.chain = Chain()
        self.folder = self.chain.folder
        try:
            self._begin()
        except BaseException:
            self.chain.close()
            raise

    def _begin(self):
        self.client = self.chain.client
        self.deployer = TransactionSender(self.client, self.chain.account("deployer"))
        self.sequencer = TransactionSender(self.client, self.chain.account("sequencer"))
        self.deployment = deploy(self.deployer, self.sequencer.address, RULES)
        self.contracts = bind(self.deployment, self.client)
        self.data = BatchDataReader(self.client)
        self.order = OrderReader(self.deployment, self.client, self.data)
        self.deposited = 0

    # --- what happens on L1 ---

    def deposit(self, wallet, amount=5 * ETHER):
        address = Account.from_key(wallet.key).address
        self.deployer.send(self.contracts.inbox.deposit(address, amount))
        self.deposited += amount

    def force(self, signed):
        self.deployer.send(self.contracts.inbox.request("force", record_of(signed), value=RULES.force_fee))

    def post(self, *blocks, forced=(), blobs=False, payload=None, root=None, table=None):
        """A batch of blocks of signed transactions, the forced ones in the first block, with any table."""
        self.order.refresh()
        origin, head, built = self.client.head(), self.order.order.head, []
        for number, own in enumerate(blocks):
            place = (origin.time, origin.number, origin.hash)
            entries = [pair(each) for each in forced] if number == 0 else []
            built.append(build_block(head, place, entries, [pair(each) for each in own]))
            head = type(head)(built[-1].header, built[-1].ordered_gas)
        batch = batch_of(built)
        records = batch.records
        known = self.order.batches[-1].header.forced_end if self.order.batches else 0
        header = BatchHeader(
            len(self.order.batches) + 1,
            self.contracts.inbox.commitment(len(self.order.batches)),
            root or (transactions_root(records) if records else ZERO_DIGEST),
            len(records),
            ZERO_DIGEST,
            known + len(forced),
        )
        data = payload or encode_batch(batch)
        if table is not None:
            places = {number: place for place, number in enumerate(table)}
            data = repacked(data, table, [pack_record(each, split(each), places) for each in records])
        self._send(header, data, blobs)

    def _send(self, header, payload, blobs):
        inbox = self.contracts.inbox
        if blobs:
            packed = tuple(pack(payload))
            assert all(versioned_hash(each) for each in packed)
            self.sequencer.send(inbox.post(header, packed))
        else:
            self.sequencer.send(inbox.post_calldata(header, payload))

    def eventful(self):
        """Six batches: in a blob and as calldata, two of them void, with all that the ledger can meet."""
        for wallet in (ALICE, BOB):
            self.deposit(wallet)
        forced = BOB.transfer(0, CAROL.address, 11)
        self.force(forced)
        self.chain.pass_time(1)
        first = [ALICE.transfer(0, BOB.address, 5), ALICE.transfer(1, CAROL.address, 6), ORDER]
        skipped = [
            ALICE.transfer(9, BOB.address, 7),
            CAROL.transfer(0, BOB.address, ETHER),
            BOB.transfer(1, CAROL.address, 8),
        ]
        self.post(first, skipped, forced=[forced], blobs=True)
        self.post([ALICE.call(3, LONG, gas=1_000_000)], blobs=True)
        self.post(
            [ALICE.transfer(4, EXIT, ETHER)], [BOB.transfer(nonce, EXIT, nonce) for nonce in range(2, 14)]
        )
        wrong = keccak256(b"another root")
        self.post([ALICE.transfer(5, BOB.address, 12)], blobs=True, root=wrong)
        self.post([ALICE.transfer(5, BOB.address, 13)], root=wrong)
        self.deposit(CAROL, ETHER)
        self.chain.pass_time(1)
        self.post([ALICE.transfer(5, BOB.address, 14)])

    # --- who plays ---

    def player(self, name, policy, make_trace=Trace):
        """A player with an account of its own."""
        sender = TransactionSender(self.client, self.chain.account(name))
        disputes = LedgerDisputes(self.deployment, sender, Freshness(None, time.time))
        reader = InboxReader(self.deployment, self.client, self.data)
        return LedgerPlayer(disputes, reader, policy, make_trace, patience=60.0)

    def play(self, players, until, most_rounds=200, step=60):
        """Calls the players in turn until `until()`; moves time on when a whole round changed nothing."""
        for _ in range(most_rounds):
            before = self.client.head().number
            for each in players:
                each.play()
            if until():
                return
            if self.client.head().number == before:
                self.chain.pass_time(step)
        raise AssertionError("the scenario does not end")

    def held(self, player):
        """Wei of a player, its credit with them."""
        address = player.chain.address
        return self.client.balance(address) + self.contracts.bonds.credit_of(address)

    def check_ether(self):
        """Every wei that there was is with an account, in a contract, burnt, or paid for gas; all are owed.

        Raises:
            AssertionError: Wei came or went.
        """
        client, bonds, addresses = self.client, self.contracts.bonds, self.deployment.addresses
        held = {name: client.balance(at) for name, at in addresses.items()}
        accounts = sum(client.balance(each) for each in self.chain.accounts)
        paid = sum(each.cost for each in calls_between(client, self.deployment, 1, client.head().number))
        owed = sum(bonds.credit_of(each) for each in self.chain.accounts)
        locked = bonds.read("locked", addresses["ledger_claims"])[0]

        assert accounts + sum(held.values()) + client.balance(BURNT) + paid == self.chain.endowed
        assert held.pop("bonds") == owed + locked
        assert held.pop("inbox") == self.deposited
        assert not any(held.values())
