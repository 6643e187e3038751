"""Sending transactions to L1 with one account: one intent at a time, each driven to its end.

An intent is one nonce. It is sent again with a better offer under the same nonce, so at most one of its
versions is ever mined; another nonce is used only after the first can never be mined. While an intent is
under way (also after an error left it unknown whether the node has it) another one does not start: it is told
that its view is stale. So the nonces have no gaps, and a restart finds at most one earlier transaction.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Final

from eth_account.signers.local import LocalAccount

from anh_rollup.l1.blobs import Sidecar, make_sidecar
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.errors import (
    FeeCapError,
    GasCapError,
    InsufficientFundsError,
    L1RejectedError,
    L1RevertedError,
    StaleViewError,
    TransactionPendingError,
)
from anh_rollup.l1.fees import FeePolicy, Market, Offer, bump, is_outbid, quote
from anh_rollup.l1.flight import Flight
from anh_rollup.l1.refusals import Refusal, classify
from anh_rollup.l1.types import Receipt, TransactionRequest
from anh_rollup.protocol.fees import TRANSFER_GAS

#: Seconds between two looks at a transaction that is not mined: they double from the first to the last.
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0

#: How often a used nonce without a receipt is seen before the transaction counts as dead (nodes lag), and
#: how often a gap below a transaction before it is filled.
LOOKS_BEFORE_DEAD: Final = 4

#: How often a transaction that no node accepted gets a fresh nonce.
MOST_NONCES: Final = 5


class _NonceUsedError(Exception):
    """The nonce went to another transaction: this flight can never be mined."""


class TransactionSender:
    """Sends and waits; usable from several threads, which take turns.

    Args:
        client: The chain.
        account: Who signs and pays.
        policy: Fee limits and waiting times.
        clock: Seconds that only grow (tests replace it).
        sleep: How to wait (tests replace it).
    """

    def __init__(
        self,
        client: L1Client,
        account: LocalAccount,
        policy: FeePolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.policy = policy or FeePolicy()
        self._client = client
        self._account = account
        self._clock = clock
        self._sleep = sleep
        self._flight: Flight | None = None
        self._mined = 0
        self._turn = threading.Lock()

    @property
    def address(self) -> str:
        """The account's checksummed address."""
        return str(self._account.address)

    @property
    def client(self) -> L1Client:
        """The chain that is sent to."""
        return self._client

    def balance(self) -> int:
        """The account's wei."""
        return self._client.balance(self.address)

    def price(self) -> int:
        """Most wei a gas that a transaction would offer now; the policy's cap where L1 is dearer."""
        try:
            return quote(self._market(False), self.policy, False).max_fee
        except FeeCapError:
            return self.policy.cap

    def send(self, request: TransactionRequest) -> Receipt:
        """Brings one transaction onto L1 and waits until it is mined.

        Sending an intent that is under way waits on for it. After any error the same call may be repeated.

        Raises:
            L1RevertedError: The contract refuses; before anything is sent, or mined and reverted.
            StaleViewError: An earlier transaction of the account was mined first: decide again.
            InsufficientFundsError: The account cannot cover the greatest cost.
            FeeCapError: L1 is dearer than the policy allows; nothing was sent.
            GasCapError: It needs more gas than a transaction may have.
            TransactionPendingError: Not mined within the policy's patience.
            L1Error: The chain cannot be reached or refuses the transaction.
        """
        with self._turn:
            if self._flight is not None and self._flight.request != request:
                self._finish_earlier(self._flight)
            if self._flight is None:
                self._clear_pool()
            return self._carry_out(request)

    def _carry_out(self, request: TransactionRequest) -> Receipt:
        """Drives an intent to its end; only one that no node accepted gets a new nonce."""
        for _ in range(MOST_NONCES):
            flight = self._flight or self._prepare(request, self._client.nonce(self.address, "pending"))
            self._flight = flight
            try:
                receipt = self._drive(flight)
            except _NonceUsedError:
                self._flight = None
                if flight.accepted:
                    raise StaleViewError(self.address, f"another one with nonce {flight.nonce}") from None
                self._sleep(LONGEST_PAUSE)
                continue
            self._flight = None
            return self._conclude(flight, receipt)
        raise StaleViewError(self.address, "its nonces are used faster than this node shows them")

    def _finish_earlier(self, flight: Flight) -> None:
        """Ends the intent that is under way, then says that the view is stale."""
        try:
            receipt = self._drive(flight)
        except _NonceUsedError:
            self._flight = None
            raise StaleViewError(self.address, f"another one with nonce {flight.nonce}") from None
        self._flight = None
        raise StaleViewError(self.address, f"0x{receipt.transaction.hex()}")

    def _clear_pool(self) -> None:
        """Waits for transactions of an earlier life; what is stuck is replaced by an empty transfer.

        Raises:
            StaleViewError: There were some: what the caller decided may be done already.
        """
        nonce = self._client.nonce(self.address)
        if self._client.nonce(self.address, "pending") <= max(nonce, self._mined):
            return
        patience = self._clock() + self.policy.bump_after
        while self._client.nonce(self.address, "pending") > (nonce := self._client.nonce(self.address)):
            if self._clock() >= patience:
                self._replace_stranger(nonce)
                patience = self._clock() + self.policy.bump_after
            self._sleep(LONGEST_PAUSE)
        raise StaleViewError(self.address, f"one that was pending before, up to nonce {nonce - 1}")

    def _replace_stranger(self, nonce: int) -> None:
        """Puts an empty transfer in the place of a stuck transaction whose offer is not known."""
        empty = TransactionRequest(self.address, gas=TRANSFER_GAS)
        flight = self._prepare(empty, nonce)
        flight.offer = replace(
            flight.offer, max_fee=self.policy.cap, tip=flight.offer.tip and 2 * flight.offer.tip
        )
        try:
            self._drive(flight)
        except _NonceUsedError:
            return

    def _fill_gap(self, flight: Flight) -> None:
        """Uses up a nonce below a flight's: a reorg took its transaction away, and the flight would hang."""
        nonce = self._client.nonce(self.address)
        if nonce < flight.nonce:
            self._replace_stranger(nonce)

    def _prepare(self, request: TransactionRequest, nonce: int) -> Flight:
        """Gas, offer and cover of a new flight; sends nothing."""
        held = self.balance()
        if held < request.value:
            raise InsufficientFundsError(self.address, request.value, held)
        sidecar = make_sidecar(request.blobs) if request.blobs else None
        gas = self._gas(request, sidecar)
        offer = quote(self._market(sidecar is not None), self.policy, sidecar is not None)
        needed = request.value + offer.cost(gas, len(request.blobs))
        if held < needed:
            raise InsufficientFundsError(self.address, needed, held)
        return Flight(request, nonce, gas, offer, sidecar, offered=self._clock())

    def _gas(self, request: TransactionRequest, sidecar: Sidecar | None) -> int:
        if request.gas is not None:
            return request.gas
        estimate = self._client.estimate_gas(request, self.address, sidecar.hashes if sidecar else ())
        if estimate > self.policy.gas_cap:
            raise GasCapError(estimate, self.policy.gas_cap)
        return min(estimate * (100 + self.policy.gas_margin) // 100, self.policy.gas_cap)

    def _market(self, with_blobs: bool) -> Market:
        base_fee = self._client.head().base_fee
        if base_fee is None:
            return Market(None, gas_price=self._client.gas_price())
        blob_base_fee = self._client.blob_base_fee() if with_blobs else 0
        return Market(base_fee, self._client.priority_fee(), blob_base_fee=blob_base_fee)

    def _drive(self, flight: Flight) -> Receipt:
        """Sends what is not sent, looks, raises the offer, until a version is mined.

        Raises:
            _NonceUsedError: Another transaction has the nonce.
            TransactionPendingError: The patience is over; the flight goes on later.
        """
        until = self._clock() + self.policy.patience
        pause = FIRST_PAUSE
        used = gaps = 0
        if not flight.versions:
            self._offer(flight, flight.offer)
        while True:
            receipt = self._receipt(flight)
            if receipt is not None:
                return receipt
            used = used + 1 if self._client.nonce(self.address) > flight.nonce else 0
            if used >= LOOKS_BEFORE_DEAD:
                raise _NonceUsedError
            if self._clock() >= until:
                raise TransactionPendingError(flight.versions[-1], flight.nonce)
            if not used:
                self._keep_alive(flight)
            gaps = gaps + 1 if self._client.nonce(self.address, "pending") < flight.nonce else 0
            if gaps >= LOOKS_BEFORE_DEAD:
                self._fill_gap(flight)
                gaps = 0
            self._sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _receipt(self, flight: Flight) -> Receipt | None:
        found = (self._client.receipt(version) for version in reversed(flight.versions))
        return next((receipt for receipt in found if receipt is not None), None)

    def _keep_alive(self, flight: Flight) -> None:
        """Offers more where it is time to, and sends again what the node has lost."""
        market = self._market(flight.sidecar is not None)
        waited = self._clock() - flight.offered
        if waited >= self.policy.bump_after or (is_outbid(flight.offer, market) and waited >= LONGEST_PAUSE):
            better = bump(flight.offer, market, self.policy)
            if better is not None and self._affords(flight, better):
                self._offer(flight, better)
                return
        if not flight.accepted or self._client.transaction(flight.versions[-1]) is None:
            self._hand_over(flight)

    def _affords(self, flight: Flight, offer: Offer) -> bool:
        return self.balance() >= flight.cost(offer)

    def _offer(self, flight: Flight, offer: Offer) -> None:
        """Signs a version with this offer and hands it over."""
        flight.sign(self._account, self._client.chain_id(), offer, self._clock())
        self._hand_over(flight)

    def _hand_over(self, flight: Flight) -> None:
        """Gives the latest version to the node, and makes sense of a refusal."""
        before = flight.accepted
        flight.accepted = True  # until the node says no: an answer that got lost says nothing
        try:
            self._client.send_raw(flight.raw)
        except L1RejectedError as error:
            flight.accepted = before
            self._refused(flight, error)

    def _refused(self, flight: Flight, error: L1RejectedError) -> None:
        """A refusal that time or a better offer heals is left to the loop; others end the flight."""
        meaning = classify(error)
        if meaning is Refusal.KNOWN:
            flight.accepted = True
            return
        if meaning in (Refusal.UNDERPRICED, Refusal.RESERVED) or self._receipt(flight) is not None:
            return
        if meaning is Refusal.NONCE_TOO_LOW:
            if flight.accepted or self._client.nonce(self.address) > flight.nonce:
                return
            raise _NonceUsedError
        if flight.accepted:
            return
        self._flight = None
        if meaning is Refusal.FUNDS:
            raise InsufficientFundsError(self.address, flight.cost(flight.offer), self.balance()) from error
        raise error

    def _conclude(self, flight: Flight, receipt: Receipt) -> Receipt:
        """The receipt, or the reason for which the transaction was reverted."""
        self._mined = max(self._mined, flight.nonce + 1)
        if receipt.succeeded:
            return receipt
        with suppress(L1RejectedError):  # a pruned node cannot tell the reason
            self._client.call(replace(flight.request, gas=flight.gas), self.address, receipt.block - 1)
        raise L1RevertedError("Unknown", (f"transaction 0x{receipt.transaction.hex()} was reverted",))
