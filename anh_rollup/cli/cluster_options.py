"""Where a role has its heavy work done: on this machine, or on a Ray cluster too."""

import re
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from importlib.util import find_spec
from typing import Any, Final

import click

from anh_rollup.cli.options import Decorator, UsageError, count_option, decorated
from anh_rollup.cluster.cluster import Cluster
from anh_rollup.encoding.checks import UINT16_MOST

LOCAL, RAY = "local", "ray"

#: The cluster that runs on this machine, or that the environment variable RAY_ADDRESS names.
AUTO: Final = "auto"

_PLACE: Final = re.compile(r"(ray://)?(\[[0-9a-fA-F:]+\]|[A-Za-z0-9._-]+):([0-9]{1,5})")


class RayMissingError(UsageError):
    """A Ray cluster was asked for, and ray is not installed."""

    def __init__(self) -> None:
        super().__init__(
            "--engine ray needs the package ray, which is not installed",
            remedy="Install it with `pip install 'anh_rollup[ray]'`, or leave the option out.",
        )


class RayAddressError(UsageError):
    """A word that should be the address of a Ray cluster.

    Attributes:
        word: The word.
    """

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{word[:80]!r} is no address of a Ray cluster",
            remedy="Give auto, host:port as `ray start --head` prints it, or ray://host:port.",
        )
        self.word = word


class ClusterOptionError(UsageError):
    """An option about a cluster, where there is none.

    Attributes:
        option: The option.
    """

    def __init__(self, option: str) -> None:
        super().__init__(f"{option} is about a Ray cluster", remedy="Add --engine ray, or leave it out.")
        self.option = option


def ray_address(word: str) -> str:
    """`word`, where it can be the address of a cluster: the type of `--ray-address`.

    Raises:
        RayAddressError: It is something else.
    """
    found = _PLACE.fullmatch(word)
    if word != AUTO and (found is None or int(found[3]) > UINT16_MOST):
        raise RayAddressError(word)
    return word


def engine_options(work: str, workers: str, least_workers: int = 1) -> Decorator:
    """`--engine`, `--workers` and `--ray-address`.

    Args:
        work: What is done there.
        workers: What `--workers` bounds.
        least_workers: The least that it may be.
    """
    choices = click.Choice([LOCAL, RAY])
    return decorated(
        click.option("--engine", type=choices, default=LOCAL, show_default=True, help=f"Where {work}."),
        count_option("--workers", None, workers, least=least_workers),
        click.option(
            "--ray-address",
            type=ray_address,
            metavar="ADDRESS",
            default=None,
            help="Ray cluster: auto (default), host:port or ray://host:port.",
        ),
    )


def with_cluster(options: Mapping[str, Any], *, has_local_workers: bool = False) -> dict[str, Any]:
    """Options with the address of a cluster, None without one, instead of the words about it.

    Args:
        options: The command line's.
        has_local_workers: Whether `--workers` means something without a cluster.

    Raises:
        ClusterOptionError: There is none, and something about it is said.
        RayMissingError: ray is not installed.
    """
    given = dict(options)
    engine, address = given.pop("engine"), given.pop("ray_address")
    if engine == LOCAL:
        if address is not None:
            raise ClusterOptionError("--ray-address")
        if given["workers"] is not None and not has_local_workers:
            raise ClusterOptionError("--workers")
        return {**given, "cluster": None}
    if find_spec("ray") is None:
        raise RayMissingError
    return {**given, "cluster": address or AUTO}


def cluster_words(address: str | None, workers: int | None) -> list[str]:
    """The same choice for the command line of a role that is started by this one."""
    words = [] if address is None else ["--engine", RAY, "--ray-address", address]
    return words if workers is None else [*words, "--workers", str(workers)]


@contextmanager
def joined(address: str | None, workers: int | None) -> Iterator[Cluster | None]:
    """A connection to a cluster, until the block ends; None without an address.

    Args:
        address: See `Cluster`.
        workers: Most tasks at a time; None for all cores.

    Raises:
        ClusterUnreachableError: It cannot be used.
    """
    if address is None:
        yield None
        return
    with closing(Cluster(address, workers)) as cluster:
        cluster.start()
        yield cluster
