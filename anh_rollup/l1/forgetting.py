"""What a role forgets of the disputes on L1, so that one that runs for months does not grow."""

from dataclasses import dataclass, field
from typing import Final

from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.docket import Docket
from anh_rollup.primitives import HOUR, Seconds
from anh_rollup.protocol.called import is_called

#: Seconds of L1 time that no reorg reaches back (choice: Ethereum finalizes in a quarter of that).
SECONDS_OF_REORGS: Final = HOUR


@dataclass(slots=True)
class Forgetting:
    """Lets a docket forget claims that were over in every look for `SECONDS_OF_REORGS`.

    Attributes:
        own: The role's account.
    """

    own: str
    _over_since: dict[bytes, Seconds] = field(default_factory=dict)

    def tidy(self, docket: Docket, now: Seconds) -> None:
        """Takes a look, and lets go of what is over for long enough.

        Args:
            docket: What is known of the disputes.
            now: L1 time in seconds.
        """
        self._over_since = {each: self._over_since.get(each, now) for each in over(docket, self.own, now)}
        forgotten = {each for each, since in self._over_since.items() if now - since >= SECONDS_OF_REORGS}
        if forgotten:
            docket.forget(forgotten, self.own)


def over(docket: Docket, own: str, now: Seconds) -> set[bytes]:
    """Claims about which an account has nothing left to do: settled, and nobody can claim their job again.

    A called job is over before its deadline, too, once a claim about it is final.

    A claim is kept while another one about its job stands, as it may have to pass before that one, and while
    the account has a game or a demand open over it, from which money comes back.

    Args:
        docket: What is known of the disputes.
        own: The account.
        now: L1 time in seconds.
    """
    claims = docket.claims.values()
    standing = {each.claim.transaction for each in claims if each.state is ClaimState.STANDING}
    final = (each.claim for each in claims if each.state is ClaimState.FINAL)
    done = {claim.transaction for claim in final if is_called(claim)}
    return {
        each.identifier
        for each in claims
        if each.claim.transaction not in standing
        and (now > each.job.deadline or each.claim.transaction in done)
    } - _contested(docket, own)


def _contested(docket: Docket, own: str) -> set[bytes]:
    """Claims over which an account has a game or a demand open."""
    sides = ((each, (each.position.accountant, each.position.challenger)) for each in docket.open_games())
    games = {game.position.claim for game, players in sides if own in players}
    return games | {each.asked.claim for each in docket.open_demands() if each.demander == own}
