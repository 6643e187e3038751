"""`anh slash`: takes the sequencer's stake, by its signatures over two blocks of one height."""

import re
from pathlib import Path
from typing import Final

import click
from rich.console import Console

from anh_rollup.cli.connecting import open_rollup
from anh_rollup.cli.options import UsageError, deployment_option, key_option, l1_option, read_account
from anh_rollup.client.slashing import SignedBlock, slash
from anh_rollup.client.wording import show_ether
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import BlockNumber, Digest
from anh_rollup.protocol.soft_confirmation import SIGNATURE_SIZE

#: A block's hash and its signature.
SIGNED: Final = re.compile(rf"(?:0x)?([0-9a-fA-F]{{64}}):(?:0x)?([0-9a-fA-F]{{{2 * SIGNATURE_SIZE}}})")

BLOCK_HELP: Final = "A block of that height, and its signature; twice."


class SignedBlockOptionError(UsageError):
    """A word that should be a block's hash with its signature.

    Attributes:
        word: The word.
    """

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{word[:80]!r} is no block with its signature",
            remedy="Give HASH:SIGNATURE, 64 and 130 hexadecimal digits, as the follower's log has them.",
        )
        self.word = word


class BlockCountError(UsageError):
    """Other than two blocks.

    Attributes:
        count: How many.
    """

    def __init__(self, count: int) -> None:
        super().__init__(
            f"{count} blocks show nothing", remedy="Give --block twice: both blocks of the height."
        )
        self.count = count


def parse_signed(word: str) -> SignedBlock:
    """A block's hash and its signature.

    Raises:
        SignedBlockOptionError: The word is something else.
    """
    matched = SIGNED.fullmatch(word)
    if matched is None:
        raise SignedBlockOptionError(word)
    return SignedBlock(Digest(bytes.fromhex(matched[1])), bytes.fromhex(matched[2]))


@click.command(name="slash")
@click.option("--height", type=click.IntRange(1, 2**64 - 1), required=True, help="The blocks' height.")
@click.option("--block", "words", metavar="HASH:SIGNATURE", multiple=True, help=BLOCK_HELP)
@l1_option()
@deployment_option()
@key_option("the reporter's")
def slash_command(
    height: int, words: tuple[str, ...], l1_url: str, deployment_path: Path, key_file: Path
) -> None:
    """Take the stake of a sequencer that has signed two blocks of one height.

    A part of it is credited to who reports it, the rest is burnt. A follower that has seen both signatures
    logs this command, whole but for --l1, --deployment and --key-file.

    \b
    Example:
      anh slash --height 7 --block 0x1b..:0x55.. --block 0x9c..:0x0f.. --l1 http://127.0.0.1:8545 \\
        --key-file reporter.key
    """
    blocks = [parse_signed(word) for word in words]
    if len(blocks) != 2:
        raise BlockCountError(len(blocks))
    account = read_account(key_file)
    client, deployment = open_rollup(l1_url, deployment_path)
    sender = TransactionSender(client, account)
    taken, prize = slash(deployment, sender, BlockNumber(height), (blocks[0], blocks[1]))
    Console().print(
        f"{show_ether(taken)} of stake are taken: {show_ether(prize)} are credited to {sender.address}, "
        "the rest is burnt",
        soft_wrap=True,
        highlight=False,
    )
