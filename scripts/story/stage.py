"""The stage: the running processes, what L1 says about them, and what is told of it on the terminal."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum
from typing import TypeVar

from rich.console import Console

from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.narration import Narrator
from anh_rollup.client.ordering import NotSeenError
from anh_rollup.client.wording import short
from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.claims import ClaimState, ClaimStatus
from anh_rollup.l1.docket import ClaimRecord, GameRecord

T = TypeVar("T")

#: Seconds between two looks at L1.
LOOK_SECONDS = 0.4

#: Seconds without a line after which it is told what is waited for.
QUIET_SECONDS = 10.0


class OutcomeError(AnhError):
    """The chain says something else than the story has to come to.

    Attributes:
        what: What was looked at.
        expected: What it should be.
        found: What it is.
    """

    def __init__(self, what: str, expected: object, found: object) -> None:
        super().__init__(
            f"{what}: expected {expected}, the chain says {found}",
            remedy="Read the logs of the processes; their folder is named above.",
        )
        self.what = what
        self.expected = expected
        self.found = found


@dataclass(slots=True)
class Stage:
    """Watches L1 while the processes play.

    Attributes:
        network: The processes.
        view: L1.
        console: The terminal.
        checks: What was read back from the chains and found right, in order.
    """

    network: LocalNetwork
    view: L1View
    console: Console
    checks: list[str] = field(default_factory=list)
    _started: float = field(default_factory=time.monotonic)
    _told: float = field(default_factory=time.monotonic)

    def act(self, title: str) -> None:
        """Begins a part of the story."""
        self.console.print(f"\n[bold cyan]{title}[/]", highlight=False, soft_wrap=True)

    def say(self, line: str) -> None:
        """Tells one thing, with the seconds since the start."""
        self._told = time.monotonic()
        elapsed = self._told - self._started
        self.console.print(f"[dim]{elapsed:6.1f} s[/]  {line}", highlight=False, soft_wrap=True)

    def look(self) -> None:
        """Reads L1 and tells what is new.

        Raises:
            ProcessDiedError: One of the processes has ended.
        """
        self.network.processes.require_alive()
        narrator = Narrator(self.network.names())
        for emitted in self.view.refresh():
            line = narrator.line(emitted.event)
            if line is not None:
                self.say(f"[dim]L1 {emitted.log.block:>3}[/]  {line}")

    def until(self, what: str, found: Callable[[], T | None], seconds: float) -> T:
        """Looks at L1 until something is there; in silences it tells what it waits for.

        Raises:
            NotSeenError: It is not there in time.
            ProcessDiedError: One of the processes has ended.
        """
        end = time.monotonic() + seconds
        while True:
            self.look()
            if (seen := found()) is not None:
                return seen
            if time.monotonic() > end:
                raise NotSeenError(what, seconds)
            if time.monotonic() > self._told + QUIET_SECONDS:
                self.say(f"still waiting for {what}")
            time.sleep(LOOK_SECONDS)

    def require(self, what: str, expected: object, found: object) -> None:
        """Checks an outcome that was read back from a chain.

        Raises:
            OutcomeError: It is another one.
        """
        if expected != found:
            raise OutcomeError(what, expected, found)
        self.checked(what, found)

    def checked(self, what: str, found: object) -> None:
        """Keeps an outcome for the end."""
        self.checks.append(f"{what}: {in_words(found)}")

    def status(self, claim: ClaimRecord) -> ClaimStatus:
        """What the contract says about a claim."""
        return self.view.contracts.claims.status(claim.identifier)

    def address(self, name: str) -> str:
        """The address of one of the players."""
        return str(self.network.accounts[name].address)

    def claim_of(self, name: str, transaction: bytes) -> ClaimRecord | None:
        """The claim of a player about a job, once it is revealed."""
        claims = self.view.docket.claims_of(transaction)
        return next((each for each in claims if each.claim.claimant == self.address(name)), None)

    def ended(self, claim: ClaimRecord) -> ClaimRecord | None:
        """A claim that does not stand any more."""
        now = self.view.claim(claim.identifier)
        return None if now.state is ClaimState.STANDING else now

    def game_of(self, name: str, claim: ClaimRecord) -> GameRecord:
        """The game that a player has opened over a claim.

        Raises:
            OutcomeError: There is none.
        """
        for game in self.view.games_over(claim.identifier):
            if game.position.challenger == self.address(name):
                return game
        raise OutcomeError(f"a game of the {name} over {short(claim.identifier)}", "one", "none")


def in_words(found: object) -> str:
    """An outcome for people: the name of a member, yes and no, or the value itself."""
    if isinstance(found, bool):
        return "yes" if found else "no"
    return found.name if isinstance(found, Enum) else str(found)
