"""Distinct number and byte types.

They cost nothing at run time. Whatever reads bytes or numbers from outside makes them. Arithmetic on them
gives a plain `int`: the code that knows what the result is names it again, as in `Wei(gas * price)`.
Prices of gas are `Wei`, too.
"""

from typing import Final, NewType

Digest = NewType("Digest", bytes)
"""A keccak-256 hash or a tree root: 32 bytes."""

Address = NewType("Address", bytes)
"""An Ethereum account: 20 bytes."""

Wei = NewType("Wei", int)
"""An amount of ether, 0 to 2**256 - 1."""

Gas = NewType("Gas", int)
"""An amount of gas, 0 to 2**64 - 1."""

Seconds = NewType("Seconds", int)
"""A time or a span of time as block timestamps count it, 0 to 2**64 - 1."""

BlockNumber = NewType("BlockNumber", int)
"""The height of a block, on L1 or L2, 0 to 2**64 - 1."""

BatchNumber = NewType("BatchNumber", int)
"""The place of a batch in the Inbox, from 1."""

ChainId = NewType("ChainId", int)
"""The number that a signature binds a transaction to a chain with."""

ETHER: Final = Wei(10**18)
"""Wei of one ether."""

GWEI: Final = Wei(10**9)
"""Wei of one gwei, in which prices of gas are named."""

HOUR: Final = Seconds(3_600)
"""Seconds of one hour."""

DIGEST_SIZE: Final = 32
"""Bytes of a keccak-256 hash."""

ADDRESS_SIZE: Final = 20
"""Bytes of an Ethereum address."""

ZERO_DIGEST: Final = Digest(bytes(DIGEST_SIZE))
"""32 zero bytes: the padding leaf of every tree, and "none" where a digest may be absent."""

ZERO_ADDRESS: Final = Address(bytes(ADDRESS_SIZE))
"""The account that no key owns."""

L2_CHAIN_ID: Final = ChainId(210614763)
"""The L2's chain id unless a deployment says otherwise (docs/encoding.md)."""
