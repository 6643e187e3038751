"""Sending transactions to L1 with one account: one intent or one group at a time, driven to its end.

An intent is one nonce. It is sent again with a better offer under the same nonce, so at most one of its
versions is ever mined; another nonce is used only after the first can never be mined. A group has consecutive
nonces, each given out only once the node did not refuse the one before. While an intent or a group is under
way (also after an error left it unknown whether the node has it) another one does not start: it is told that
its view is stale. So a restart finds at most one earlier group.
"""

import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Final

from eth_account.signers.local import LocalAccount

from anh_rollup.encoding.blobs import BLOB_SIZE
from anh_rollup.errors import AnhError
from anh_rollup.l1.blobs import Sidecar, make_sidecar
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.errors import (
    FeeCapError,
    GasCapError,
    InsufficientFundsError,
    L1Error,
    L1RejectedError,
    L1RevertedError,
    StaleViewError,
    TransactionPendingError,
)
from anh_rollup.l1.fees import FeePolicy, Market, Offer, bump, is_outbid, quote, raise_tip
from anh_rollup.l1.flight import Flight
from anh_rollup.l1.refusals import Refusal, classify
from anh_rollup.l1.types import Receipt, TransactionRequest
from anh_rollup.primitives import Gas, Wei
from anh_rollup.protocol.fees import TRANSFER_GAS

#: Seconds between two looks at a transaction that is not mined: they double from the first to the last.
FIRST_PAUSE, LONGEST_PAUSE = 0.02, 1.0

#: How often a used nonce without a receipt is seen before the transaction counts as dead (nodes lag), and
#: how often a gap below a transaction before it is filled.
LOOKS_BEFORE_DEAD: Final = 4

#: How often a transaction that no node accepted gets a fresh nonce.
MOST_NONCES: Final = 5

#: Transactions of a group: as many as pools keep of one account when they are full (geth's accountslots).
MOST_IN_FLIGHT: Final = 16

#: What became of one transaction of a group.
Outcome = Receipt | AnhError


class _NonceUsedError(Exception):
    """The nonce went to another transaction: this flight can never be mined."""


class _ReservedError(Exception):
    """What a flight is to replace is of another kind: with blobs, or without."""


class TransactionSender:
    """Sends and waits; usable from several threads, which take turns.

    Args:
        client: The chain.
        account: Who signs and pays.
        policy: Fee limits and waiting times.
        clock: Seconds that only grow (tests replace it).
        sleep: How to wait (tests replace it).
        sidecars: What makes the sidecars of blobs.
    """

    def __init__(
        self,
        client: L1Client,
        account: LocalAccount,
        policy: FeePolicy | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        sidecars: Callable[[Sequence[bytes]], Sidecar] = make_sidecar,
    ) -> None:
        self.policy = policy or FeePolicy()
        self._client = client
        self._account = account
        self._clock = clock
        self._sleep = sleep
        self._sidecars = sidecars
        self._flights: list[Flight] = []
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

    def balance(self) -> Wei:
        """The account's wei."""
        return self._client.balance(self.address)

    def price(self) -> Wei:
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
            if self._flights and [flight.request for flight in self._flights] != [request]:
                self._finish_earlier()
            if not self._flights:
                self._clear_pool()
            return self._carry_out(request)

    def send_all(self, requests: Sequence[TransactionRequest]) -> list[Outcome]:
        """Brings a group of transactions without blobs onto L1 under consecutive nonces; waits for all.

        Args:
            requests: At most `MOST_IN_FLIGHT`, none of which needs another one to be mined before.

        Returns:
            For each request its receipt, or the error that `send` would raise for it.

        Raises:
            StaleViewError: An earlier transaction of the account was mined first: decide again.
            L1Error: The chain cannot be reached; nothing was sent.
        """
        with self._turn:
            if self._flights:
                self._finish_earlier()
            self._clear_pool()
            launched = [self._launch(request) for request in requests]
            landed = self._land()
            return [landed[each.nonce] if isinstance(each, Flight) else each for each in launched]

    def _launch(self, request: TransactionRequest) -> Flight | AnhError:
        """Sends the next transaction of a group; the reason where no node can have it."""
        try:
            taken = self._flights[-1].nonce + 1 if self._flights else 0
            flight = self._prepare(request, max(taken, self._client.nonce(self.address, "pending")))
        except AnhError as error:
            return error
        self._flights.append(flight)
        try:
            self._offer(flight, flight.offer)
        except _NonceUsedError:
            self._drop(flight)
            return StaleViewError(self.address, f"another one with nonce {flight.nonce}")
        except AnhError as error:
            if not flight.accepted:
                self._drop(flight)
                return error
        return flight

    def _land(self) -> dict[int, Outcome]:
        """Drives a group until each flight is mined or can never be; what became of each, by nonce."""
        until = self._clock() + self.policy.patience
        pause = FIRST_PAUSE
        landed: dict[int, Outcome] = {}
        while self._flights and self._clock() < until:
            try:
                self._look_at_all(landed)
            except L1Error as error:
                return landed | {flight.nonce: error for flight in self._flights}
            if self._flights:
                self._sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE)
        late = {each.nonce: TransactionPendingError(each.versions[-1], each.nonce) for each in self._flights}
        return landed | late

    def _look_at_all(self, landed: dict[int, Outcome]) -> None:
        """Looks at every flight of a group; puts those that ended into `landed`, by nonce."""
        mined, market = self._client.nonce(self.address), self._market(False)
        for flight in list(self._flights):
            try:
                receipt = self._look(flight, mined, market, lowest=flight is self._flights[0])
                if receipt is not None:
                    self._drop(flight)
                    landed[flight.nonce] = self._conclude(flight, receipt)
            except _NonceUsedError:
                self._drop(flight)
                landed[flight.nonce] = StaleViewError(self.address, f"another one with nonce {flight.nonce}")
            except (L1RevertedError, L1RejectedError, InsufficientFundsError) as error:
                if any(each is flight for each in self._flights):
                    raise
                landed[flight.nonce] = error

    def _drop(self, flight: Flight) -> None:
        """Takes a flight off the list of those under way."""
        self._flights = [each for each in self._flights if each is not flight]

    def _carry_out(self, request: TransactionRequest) -> Receipt:
        """Drives an intent to its end; only one that no node accepted gets a new nonce."""
        for _ in range(MOST_NONCES):
            if not self._flights:
                self._flights = [self._prepare(request, self._client.nonce(self.address, "pending"))]
            (flight,) = self._flights
            try:
                receipt = self._drive(flight)
            except _NonceUsedError:
                self._drop(flight)
                if flight.accepted:
                    raise StaleViewError(self.address, f"another one with nonce {flight.nonce}") from None
                self._sleep(LONGEST_PAUSE)
                continue
            self._drop(flight)
            return self._conclude(flight, receipt)
        raise StaleViewError(self.address, "its nonces are used faster than this node shows them")

    def _finish_earlier(self) -> None:
        """Ends what is under way, then says that the view is stale."""
        last = ""
        while self._flights:
            flight = self._flights[0]
            try:
                last = f"0x{self._drive(flight).transaction.hex()}"
            except _NonceUsedError:
                last = f"another one with nonce {flight.nonce}"
            self._drop(flight)
        raise StaleViewError(self.address, last)

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
        """Puts an empty transfer in the place of a stuck transaction whose offer is not known.

        One with blobs gives way to one with blobs only.
        """
        for blobs in ((), (bytes(BLOB_SIZE),)):
            try:
                self._drive(self._replacement(nonce, blobs))
            except _ReservedError:
                continue
            except _NonceUsedError:
                pass
            return

    def _replacement(self, nonce: int, blobs: tuple[bytes, ...]) -> Flight:
        """An empty transfer under a nonce for the most that the policy allows."""
        empty = TransactionRequest(self.address, gas=TRANSFER_GAS, blobs=blobs)
        flight = self._prepare(empty, nonce)
        most, tip = self.policy, flight.offer.tip
        blob_fee = most.blob_cap if blobs else Wei(0)
        doubled = None if tip is None else Wei(min(2 * tip, most.cap))
        flight.offer = Offer(most.cap, doubled, blob_fee)
        flight.replaces = not blobs
        return flight

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
        sidecar = self._sidecars(request.blobs) if request.blobs else None
        gas = self._gas(request, sidecar)
        offer = quote(self._market(sidecar is not None), self.policy, sidecar is not None)
        waiting = sum(flight.cost(flight.offer) for flight in self._flights)
        needed = Wei(request.value + offer.cost(gas, len(request.blobs)) + waiting)
        if held < needed:
            raise InsufficientFundsError(self.address, needed, held)
        return Flight(request, nonce, gas, offer, sidecar, offered=self._clock())

    def _gas(self, request: TransactionRequest, sidecar: Sidecar | None) -> Gas:
        if request.gas is not None:
            return request.gas
        estimate = self._client.estimate_gas(request, self.address, sidecar.hashes if sidecar else ())
        if estimate > self.policy.gas_cap:
            raise GasCapError(estimate, self.policy.gas_cap)
        return Gas(min(estimate * (100 + self.policy.gas_margin) // 100, self.policy.gas_cap))

    def _market(self, with_blobs: bool) -> Market:
        base_fee = self._client.head().base_fee
        if base_fee is None:
            return Market(None, gas_price=self._client.gas_price())
        blob_base_fee = self._client.blob_base_fee() if with_blobs else Wei(0)
        return Market(base_fee, self._client.priority_fee(), blob_base_fee=blob_base_fee)

    def _drive(self, flight: Flight) -> Receipt:
        """Sends what is not sent, looks, raises the offer, until a version is mined.

        Raises:
            _NonceUsedError: Another transaction has the nonce.
            TransactionPendingError: The patience is over; the flight goes on later.
        """
        until = self._clock() + self.policy.patience
        pause = FIRST_PAUSE
        if not flight.versions:
            self._offer(flight, flight.offer)
        while True:
            mined, market = self._client.nonce(self.address), self._market(flight.sidecar is not None)
            receipt = self._look(flight, mined, market, lowest=True)
            if receipt is not None:
                return receipt
            if self._clock() >= until:
                raise TransactionPendingError(flight.versions[-1], flight.nonce)
            self._sleep(pause)
            pause = min(2 * pause, LONGEST_PAUSE)

    def _look(self, flight: Flight, mined: int, market: Market, *, lowest: bool) -> Receipt | None:
        """One look at a flight: its receipt, or None; keeps it alive meanwhile.

        Args:
            flight: The flight.
            mined: The account's nonce in the latest block.
            market: What L1 asks for now.
            lowest: Whether nothing else under way has a lower nonce.

        Raises:
            _NonceUsedError: Another transaction has the nonce.
        """
        receipt = self._receipt(flight) if mined > flight.nonce else None
        flight.used = flight.used + 1 if mined > flight.nonce else 0
        if receipt is not None:
            return receipt
        if flight.used >= LOOKS_BEFORE_DEAD:
            raise _NonceUsedError
        if not flight.used:
            self._keep_alive(flight, market, lowest)
        if lowest:
            self._mind_gap(flight)
        return None

    def _mind_gap(self, flight: Flight) -> None:
        """Fills a gap below a flight once it was seen often enough."""
        is_gap = self._client.nonce(self.address, "pending") < flight.nonce
        flight.gaps = flight.gaps + 1 if is_gap else 0
        if flight.gaps >= LOOKS_BEFORE_DEAD:
            self._fill_gap(flight)
            flight.gaps = 0

    def _receipt(self, flight: Flight) -> Receipt | None:
        found = (self._client.receipt(version) for version in reversed(flight.versions))
        return next((receipt for receipt in found if receipt is not None), None)

    def _keep_alive(self, flight: Flight, market: Market, lowest: bool) -> None:
        """Offers more where it is time to, and sends again what the node has lost."""
        waited = self._clock() - flight.offered
        if waited >= self.policy.bump_after or (is_outbid(flight.offer, market) and waited >= LONGEST_PAUSE):
            better = bump(flight.offer, market, self.policy)
            if better is None and not flight.accepted:
                better = raise_tip(flight.offer)
            if better is not None and self._affords(flight, better):
                self._offer(flight, better)
                return
        # What is lost above the lowest nonce is sent again when it is the lowest.
        if not flight.accepted or (lowest and self._client.transaction(flight.versions[-1]) is None):
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
        if meaning is Refusal.RESERVED and flight.replaces:
            raise _ReservedError
        if meaning in (Refusal.UNDERPRICED, Refusal.RESERVED) or self._receipt(flight) is not None:
            return
        if meaning is Refusal.NONCE_TOO_LOW:
            if flight.accepted or self._client.nonce(self.address) > flight.nonce:
                return
            raise _NonceUsedError
        if flight.accepted:
            return
        self._drop(flight)
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
