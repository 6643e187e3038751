"""The ledger: nonces and cleared balances as a pure fold over L1 events and ordered transactions.

Nothing here executes anything. What a transaction pays follows from the transaction alone where it is a
plain transfer or a direct order of a job; every other one prepays the most gas that it could cost, and what
cleared money is left of its value. A transaction that breaks a rule has no effect at all. docs/ledger.md
tells the same in words.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Final, NamedTuple

from eth_utils.address import to_canonical_address

from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import SignedTransaction, decode_record
from anh_rollup.primitives import Address, ChainId, Digest, Gas, Wei
from anh_rollup.protocol.fees import (
    BLOCK_GAS_LIMIT,
    TRANSFER_GAS,
    effective_gas_price,
    intrinsic_gas,
)
from anh_rollup.protocol.jobs import DNN_ADDRESS, JobMalformedError, decode_order

DNN: Final = Address(to_canonical_address(DNN_ADDRESS))
"""The DNN system address as bytes."""

EXIT_ADDRESS: Final = "0x0000000000000000000000000000000000000E17"
"""What a transaction sends here leaves the L2: LedgerClaims pays it out on L1 (choice)."""

EXIT: Final = Address(to_canonical_address(EXIT_ADDRESS))
"""The exit address as bytes."""


class SkipReason(StrEnum):
    """Why an ordered transaction has no effect."""

    UNDECODABLE = "undecodable"
    NONCE_TOO_LOW = "nonce too low"
    NONCE_TOO_HIGH = "nonce too high"
    INTRINSIC_GAS = "intrinsic gas too low"
    BLOCK_GAS = "exceeds block gas limit"
    BASE_FEE = "max fee per gas less than block base fee"
    FUNDS = "insufficient funds for gas * price + value"


class Effect(StrEnum):
    """What a valid transaction is to the ledger."""

    TRANSFER = "transfer"
    ORDER = "order"
    EXIT = "exit"
    PREPAID = "prepaid"


@dataclass(frozen=True, slots=True)
class Deposit:
    """Ether that arrived from L1.

    Attributes:
        to: The L2 account.
        amount: Wei.
    """

    to: Address
    amount: Wei


@dataclass(frozen=True, slots=True)
class Payout:
    """A claim that became final on L1: the job's reward is its claimant's.

    Attributes:
        transaction: keccak of the job's record.
        claimant: The accountant.
    """

    transaction: Digest
    claimant: Address


@dataclass(frozen=True, slots=True)
class Lapse:
    """No claim of a job became final in time: its reward goes back to who paid it.

    Attributes:
        transaction: keccak of the job's record.
    """

    transaction: Digest


LedgerEvent = Deposit | Payout | Lapse


@dataclass(frozen=True, slots=True)
class Origin:
    """What a block's origin brings: what L1 told the ledger since the origin before.

    Attributes:
        events: The Inbox's notices, in their order.
    """

    events: tuple[LedgerEvent, ...] = ()


class Account(NamedTuple):
    """An account as the ledger sees it; a tuple, as up to three are made for each transaction.

    Attributes:
        nonce: The next transaction's nonce.
        cleared: Wei whose validity needs no execution.
        withdrawn: Wei that ever left by exits; LedgerClaims pays what of it was not paid yet.
    """

    nonce: int = 0
    cleared: Wei = Wei(0)
    withdrawn: Wei = Wei(0)

    def after(self, charged: "Charged") -> "Account":
        """The sender's account after a transaction that it paid for."""
        cleared, withdrawn = self.cleared - charged.paid, self.withdrawn + charged.exits
        return Account(self.nonce + 1, Wei(cleared), Wei(withdrawn))


EMPTY_ACCOUNT: Final = Account()
"""The account of an address that nothing ever happened to."""


class WatchedAccounts(dict[Address, Account]):
    """The ledger's accounts; notes which were set."""

    def __init__(self) -> None:
        super().__init__()
        self._set: set[Address] = set()

    def __setitem__(self, address: Address, account: Account) -> None:
        super().__setitem__(address, account)
        self._set.add(address)

    def take(self) -> list[tuple[Address, Account]]:
        """The accounts that were set since the last time, as they are now."""
        taken, self._set = self._set, set()
        return [(address, self[address]) for address in taken]


@dataclass(frozen=True, slots=True)
class Escrow:
    """A job's reward between its order and its end.

    Attributes:
        reward: Wei.
        payer: Who ordered the job.
    """

    reward: Wei
    payer: Address


@dataclass(frozen=True, slots=True)
class Skipped:
    """A transaction without effect."""

    reason: SkipReason


class Charged(NamedTuple):
    """A valid transaction; a tuple, as one is made for each.

    Attributes:
        effect: What it is to the ledger.
        gas: Gas that it paid for.
        price: Wei a gas.
        covered: Wei of its value that cleared money paid: all of it, unless it prepays.
    """

    effect: Effect
    gas: Gas
    price: Wei
    covered: Wei

    @property
    def fee(self) -> Wei:
        """Wei paid for gas."""
        return Wei(self.gas * self.price)

    @property
    def exits(self) -> Wei:
        """Wei that left the L2 by it."""
        return self.covered if self.effect is Effect.EXIT else Wei(0)

    @property
    def paid(self) -> Wei:
        """Cleared wei that it took from its sender."""
        return Wei(self.fee + self.covered)


Outcome = Skipped | Charged


@dataclass(frozen=True, slots=True)
class LedgerRules:
    """What the fold takes from the deployment.

    Attributes:
        chain_id: The L2's.
        fee_recipient: Who earns the fees: the sequencer.
    """

    chain_id: ChainId
    fee_recipient: Address


@dataclass(slots=True)
class Ledger:
    """The state of the fold; `copy` it to look ahead.

    Attributes:
        rules: Fixed by the deployment.
        accounts: By address; absent ones are empty.
        escrows: By keccak of the job's record.
        deposited: Wei ever deposited.
        prepaid: Wei prepaid by transactions whose execution is not known to the ledger.
    """

    rules: LedgerRules
    accounts: dict[Address, Account] = field(default_factory=dict)
    escrows: dict[Digest, Escrow] = field(default_factory=dict)
    deposited: Wei = Wei(0)
    prepaid: Wei = Wei(0)

    def copy(self) -> "Ledger":
        """The same state, to be changed on its own."""
        return replace(self, accounts=dict(self.accounts), escrows=dict(self.escrows))

    def account(self, address: Address) -> Account:
        """An account; empty where nothing ever happened to it."""
        return self.accounts.get(address, EMPTY_ACCOUNT)

    @property
    def held(self) -> Wei:
        """Cleared, withdrawn, escrowed and prepaid wei; always equal to what was deposited."""
        own = sum(account.cleared + account.withdrawn for account in self.accounts.values())
        escrowed = sum(escrow.reward for escrow in self.escrows.values())
        return Wei(own + escrowed + self.prepaid)

    def apply_origin(self, origin: Origin) -> None:
        """Folds in what a block's origin brings: deposits, payouts, refunds of jobs that have lapsed."""
        for event in origin.events:
            if isinstance(event, Deposit):
                self.deposited = Wei(self.deposited + event.amount)
                self._credit(event.to, event.amount)
            else:
                self._release(event)

    def apply(self, record: bytes, transaction: SignedTransaction | None, terms: "BlockTerms") -> Outcome:
        """Folds in the next ordered transaction.

        Args:
            record: Its record.
            transaction: The same, decoded; None where the record is none.
            terms: What its block says.
        """
        outcome = self._outcome(record, transaction, terms)
        if terms.forced:
            terms.forced -= 1
        return outcome

    def _outcome(self, record: bytes, transaction: SignedTransaction | None, terms: "BlockTerms") -> Outcome:
        if transaction is None:
            return Skipped(SkipReason.UNDECODABLE)
        before = self.account(transaction.sender)
        outcome = outcome_of(transaction, before, terms)
        if isinstance(outcome, Charged):
            terms.ordered_gas = Gas(terms.ordered_gas + transaction.gas_limit)
            self.accounts[transaction.sender] = before.after(outcome)
            self._settle(record, transaction, outcome)
        return outcome

    def _settle(self, record: bytes, transaction: SignedTransaction, charged: Charged) -> None:
        """Gives what the sender has paid to whom it belongs."""
        effect, fee = charged.effect, charged.fee
        if effect is Effect.PREPAID:
            self.prepaid = Wei(self.prepaid + fee + charged.covered)
            return
        self._credit(self.rules.fee_recipient, fee)
        if effect is Effect.TRANSFER and transaction.to is not None:
            self._credit(transaction.to, transaction.value)
        elif effect is Effect.ORDER:
            self.escrows[keccak256(record)] = Escrow(transaction.value, transaction.sender)

    def _release(self, end: Payout | Lapse) -> None:
        """Ends an escrow; one that is not there (any more) changes nothing."""
        escrow = self.escrows.pop(end.transaction, None)
        if escrow is not None:
            self._credit(end.claimant if isinstance(end, Payout) else escrow.payer, escrow.reward)

    def _credit(self, to: Address, amount: Wei) -> None:
        before = self.account(to)
        self.accounts[to] = Account(before.nonce, Wei(before.cleared + amount), before.withdrawn)


@dataclass(slots=True)
class BlockTerms:
    """What a block under construction says about its next transaction.

    Attributes:
        base_fee: Wei a gas.
        ordered_gas: Gas limits of its valid transactions so far.
        forced: How many of the next transactions come from the Inbox's queue.
    """

    base_fee: Wei
    ordered_gas: Gas = Gas(0)
    forced: int = 0

    @property
    def room(self) -> Gas:
        """The highest gas limit that the next transaction can have.

        A forced one is not crowded out by those before it: the queue could be filled to censor it.
        """
        return BLOCK_GAS_LIMIT if self.forced else Gas(BLOCK_GAS_LIMIT - self.ordered_gas)


def outcome_of(transaction: SignedTransaction, account: Account, terms: BlockTerms) -> Outcome:
    """What comes of a transaction if it is next: what it pays, or why it has no effect.

    Args:
        transaction: The transaction.
        account: Its sender's before it.
        terms: What its block says.
    """
    reason = _refusal(transaction, account, terms)
    if reason is not None:
        return Skipped(reason)
    effect = effect_of(transaction)
    if account.cleared < asked_cover(transaction, effect):
        return Skipped(SkipReason.FUNDS)
    return charge(transaction, effect, terms.base_fee, account.cleared)


def _refusal(transaction: SignedTransaction, account: Account, terms: BlockTerms) -> SkipReason | None:
    """Which rule a transaction breaks, whatever its sender has; None where it breaks none."""
    if transaction.nonce != account.nonce:
        low = transaction.nonce < account.nonce
        return SkipReason.NONCE_TOO_LOW if low else SkipReason.NONCE_TOO_HIGH
    if transaction.gas_limit < intrinsic_gas(transaction):
        return SkipReason.INTRINSIC_GAS
    if transaction.gas_limit > terms.room:
        return SkipReason.BLOCK_GAS
    if transaction.max_fee < terms.base_fee:
        return SkipReason.BASE_FEE
    return None


def asked_cover(transaction: SignedTransaction, effect: Effect) -> Wei:
    """Cleared wei that a transaction must find: what it could pay for gas at most, and its value.

    Where code runs, the value may come out of uncleared money, which the ledger does not know: whether it is
    there shows when the transaction is executed.

    Args:
        transaction: The transaction.
        effect: What `effect_of` says of it.
    """
    fee = Wei(transaction.gas_limit * transaction.max_fee)
    return fee if effect is Effect.PREPAID else Wei(fee + transaction.value)


def charge(transaction: SignedTransaction, effect: Effect, base_fee: Wei, cleared: Wei) -> Charged:
    """What a valid transaction pays.

    A plain transfer or an exit runs no code and a direct order runs none that depends on state, so they pay
    exactly what they owe by their bytes. Anything else prepays its whole gas limit at its highest price,
    and of its value what is left.

    Args:
        transaction: One that no rule refuses.
        effect: What `effect_of` says of it.
        base_fee: Wei a gas.
        cleared: The sender's cleared wei before it.
    """
    if effect is Effect.PREPAID:
        covered = min(transaction.value, cleared - transaction.gas_limit * transaction.max_fee)
        return Charged(effect, transaction.gas_limit, transaction.max_fee, Wei(covered))
    price = effective_gas_price(transaction, base_fee)
    return Charged(effect, intrinsic_gas(transaction), price, transaction.value)


def effect_of(transaction: SignedTransaction) -> Effect:
    """What a transaction is to the ledger, by its own bytes alone."""
    if transaction.to == DNN:
        # An access list has no bound, and the record of an order has to fit the call that shows it on L1.
        short = not transaction.access_list
        return Effect.ORDER if short and is_order(transaction.data) else Effect.PREPAID
    if transaction.to == EXIT:
        # Whatever gas limit a wallet thinks of: nobody has a key for money that would stay at this address.
        return Effect.EXIT
    plain = transaction.gas_limit == TRANSFER_GAS and not transaction.data and transaction.to is not None
    return Effect.TRANSFER if plain else Effect.PREPAID


def decode_or_none(record: bytes, chain_id: ChainId) -> SignedTransaction | None:
    """The transaction of a record, or None where it is none: such a record is ordered without effect."""
    try:
        return decode_record(record, chain_id)
    except EncodingError:
        return None


def fold_block(
    ledger: Ledger,
    transactions: Sequence[tuple[bytes, SignedTransaction | None]],
    base_fee: Wei,
    origins: Iterable[Origin],
    forced: int = 0,
) -> tuple[list[Outcome], Gas]:
    """Folds one block into a ledger: its origins first, then its transactions in order.

    Args:
        ledger: Changed in place.
        transactions: Records with what they decode to.
        base_fee: Wei a gas.
        origins: What L1 tells.
        forced: How many of the transactions came from the Inbox's queue; they stand first.

    Returns:
        What came of each transaction, and the gas that they ordered together.
    """
    for origin in origins:
        ledger.apply_origin(origin)
    terms = BlockTerms(base_fee, forced=forced)
    outcomes = [ledger.apply(record, transaction, terms) for record, transaction in transactions]
    return outcomes, terms.ordered_gas


def is_order(data: bytes) -> bool:
    """Whether calldata is the canonical call that orders a job."""
    try:
        decode_order(data)
    except JobMalformedError:
        return False
    return True
