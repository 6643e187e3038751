"""The settings of each role, read once by the command line and passed down as records."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from anh_rollup.primitives import Seconds, Wei


@dataclass(frozen=True, slots=True)
class AccountantConfig:
    """Settings of `anh accountant`.

    Attributes:
        l1_url: The L1 node's JSON-RPC.
        deployment: The deployment file.
        key_file: File with the private key.
        store: Folder of the artifact store.
        blobs: Folder in which L1's blobs are kept; None keeps none.
        listen: host:port at which the store is served.
        public_url: How others reach the store; part of every claim.
        beacon_url: A beacon node, for batches in blobs.
        least_reward: Smallest reward to work for, in wei.
        least_time: Least seconds to a job's deadline.
        most_work: Most multiply-adds for the evaluation of one property.
        reserved_games: Games over each own claim whose gas stays in the account.
        most_cache: Most bytes of fetched artifacts that are kept.
        most_lag: Greatest age of the L1 head in seconds; None allows any.
        interval: Seconds between two rounds.
        ledger_claims: Seconds from one own claim about the ledger to the next; None makes none.
        ledger_depth: L1 blocks above a batch before the ledger after it is claimed.
        follower_url: A follower's JSON-RPC, which tells what contracts wait for; None: ordered jobs alone.
        allowed_folders: Folders below which `file://` URIs of others are read.
        private_hosts: Whether artifacts are fetched from private hosts.
        answers_with: What answers inference jobs: `auto`, `onnxruntime` or `torch`.
        checks_answers: Whether answers are evaluated exactly before they are claimed.
        drill: A lie to tell, for tests; None for an honest accountant.
        cluster: Address of the Ray cluster that evaluates; None evaluates on this machine.
        workers: Most evaluations of samples at a time there; None for all of its cores.
    """

    l1_url: str
    deployment: Path
    key_file: Path
    store: Path
    blobs: Path | None
    listen: str
    public_url: str
    beacon_url: str | None
    least_reward: Wei
    least_time: Seconds
    most_work: int
    reserved_games: int
    most_cache: int
    most_lag: Seconds | None
    interval: float
    ledger_claims: Seconds | None
    ledger_depth: int
    follower_url: str | None
    allowed_folders: tuple[Path, ...]
    private_hosts: bool
    answers_with: str
    checks_answers: bool
    drill: str | None
    cluster: str | None = None
    workers: int | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> "AccountantConfig":
        """The settings that a command line gave."""
        given = dict(options)
        given["public_url"] = given["public_url"] or f"http://{given['listen']}"
        return cls(**_renamed(_with_blobs(given)))


@dataclass(frozen=True, slots=True)
class ChallengerConfig:
    """Settings of `anh challenger`.

    Attributes:
        l1_url: The L1 node's JSON-RPC.
        deployment: The deployment file.
        key_file: File with the private key.
        store: Folder for fetched artifacts.
        blobs: Folder in which L1's blobs are kept; None keeps none.
        beacon_url: A beacon node, for batches in blobs.
        budget: Most wei in bonds and fees at any time.
        most_demand_fees: Most wei in demand fees for one claim; None stands for the prize of refuting it.
        most_lost_fees: Most wei in demand fees that no prize makes up for; None stands for a few prizes.
        most_work: Most multiply-adds for the evaluation of one property.
        most_cache: Most bytes of fetched artifacts that are kept.
        most_lag: Greatest age of the L1 head in seconds; None allows any.
        interval: Seconds between two rounds.
        allowed_folders: Folders below which `file://` URIs of others are read.
        private_hosts: Whether artifacts are fetched from private hosts.
        cluster: Address of the Ray cluster that evaluates; None evaluates on this machine.
        workers: Most evaluations of samples at a time there; None for all of its cores.
    """

    l1_url: str
    deployment: Path
    key_file: Path
    store: Path
    blobs: Path | None
    beacon_url: str | None
    budget: Wei
    most_demand_fees: Wei | None
    most_lost_fees: Wei | None
    most_work: int
    most_cache: int
    most_lag: Seconds | None
    interval: float
    allowed_folders: tuple[Path, ...]
    private_hosts: bool
    cluster: str | None = None
    workers: int | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> "ChallengerConfig":
        """The settings that a command line gave."""
        return cls(**_renamed(_with_blobs(options)))


@dataclass(frozen=True, slots=True)
class SequencerConfig:
    """Settings of `anh sequencer`.

    Attributes:
        l1_url: The L1 node's JSON-RPC.
        deployment: The deployment file.
        key_file: File with the private key of the deployment's sequencer.
        data: Folder of the journal.
        beacon_url: A beacon node, for batches in blobs.
        listen: host:port of the JSON-RPC server.
        follower_url: The follower that is asked for what needs execution; None refuses it.
        block_interval: Seconds between two looks whether a block can be sealed.
        post_interval: Seconds between two looks whether a batch can be posted.
        forced_depth: L1 blocks above a forced transaction before a block takes it in.
        most_unposted: Bytes of sealed blocks that may wait for L1; None stands for what the rules allow.
        pool_size: Transactions that may wait for those with lower nonces.
        pool_bytes: Bytes of those.
        pool_per_sender: How far a nonce may be ahead of its account's.
        pool_seconds: How long a transaction waits at most.
        replacement_percent: How much more a replacement pays, of both fees.
        sender_rate: Transactions a second of one sender.
        sender_bytes: Bytes of transactions a second of one sender.
        fault_rate: Errors a second of one network address, beyond which its requests wait.
        calldata: Post calldata even where L1 has blobs.
        new_journal: Begin an empty journal on an L2 that has batches.
        no_refunds: Give no rewards back that nobody has earned.
    """

    l1_url: str
    deployment: Path
    key_file: Path
    data: Path
    beacon_url: str | None
    listen: str
    follower_url: str | None
    block_interval: float
    post_interval: float
    forced_depth: int
    most_unposted: int | None
    pool_size: int
    pool_bytes: int
    pool_per_sender: int
    pool_seconds: float
    replacement_percent: int
    sender_rate: int
    sender_bytes: int
    fault_rate: int
    calldata: bool
    new_journal: bool
    no_refunds: bool

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> "SequencerConfig":
        """The settings that a command line gave."""
        return cls(**_renamed(options))


@dataclass(frozen=True, slots=True)
class FollowerConfig:
    """Settings of `anh follower`.

    Attributes:
        l1_url: The L1 node's JSON-RPC.
        deployment: The deployment file.
        beacon_url: A beacon node, for batches in blobs.
        l2_url: The sequencer's JSON-RPC; None follows L1 alone.
        listen: host:port of the JSON-RPC server.
        data: Folder of the world and of what was followed.
        blobs: Folder in which L1's blobs are kept; None keeps none.
        interval: Seconds between two looks at L1.
        l2_interval: Seconds between two looks at the sequencer.
        allowed_origins: Web pages that may ask; none stands for all.
        workers: Processes beside this one that execute what is independent, None leaves one core to the rest;
            or most tasks of the cluster at a time, None takes all of its cores.
        cluster: Address of the Ray cluster that executes instead; None executes on this machine.
    """

    l1_url: str
    deployment: Path
    beacon_url: str | None
    l2_url: str | None
    listen: str
    data: Path
    blobs: Path | None
    interval: float
    l2_interval: float
    allowed_origins: tuple[str, ...]
    workers: int | None
    cluster: str | None = None

    @classmethod
    def from_options(cls, options: Mapping[str, Any]) -> "FollowerConfig":
        """The settings that a command line gave."""
        return cls(**_renamed(_with_blobs(options, "data")))


#: Options whose name on the command line is not the setting's.
_SETTINGS: Final = {
    "deployment_path": "deployment",
    "allow_folder": "allowed_folders",
    "allow_origin": "allowed_origins",
    "allow_private": "private_hosts",
}


def _renamed(options: Mapping[str, Any]) -> dict[str, Any]:
    return {_SETTINGS.get(name, name): value for name, value in options.items()}


def _with_blobs(options: Mapping[str, Any], beside: str = "store") -> dict[str, Any]:
    """Options with the folder of the blobs, which is in that of the store, or another one."""
    given = dict(options)
    given["blobs"] = None if given.pop("no_blob_store") else given[beside] / "blobs"
    return given
