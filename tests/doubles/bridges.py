"""Bridges without a cluster, for `Cluster`: what each does is in its address. They run in processes."""

import os
import signal
import time
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from anh_rollup.cluster.messages import (
    Done,
    Failed,
    News,
    Nodes,
    Release,
    Share,
    Shared,
    Stop,
    Submit,
    Unusable,
)

NODES = Nodes(2, 3, (News("node 10.0.0.1 works with 3 core(s)", is_trouble=False),))


def serve(connection: Connection, address: str) -> None:
    """Carries out tasks itself; `die` and `hang` end it, or silence it; `heard` tells what it was sent."""
    kind, _, folder = address.partition(":")
    if kind == "mute":
        time.sleep(600)
    if kind == "none" or (kind == "once" and not _is_first(Path(folder))):
        connection.send(Unusable("there is nothing"))
        return
    connection.send(NODES)
    heard: list[object] = []
    shared: dict[Shared, Any] = {}
    while not isinstance(message := connection.recv(), Stop):
        heard.append(message)
        match message:
            case Share(name, value):
                shared[name] = value
            case Release(name):
                del shared[name]
            case Submit(number, "heard"):
                connection.send(Done(number, heard))
            case Submit(number, work, arguments):
                given = [shared[each] if isinstance(each, Shared) else each for each in arguments]
                _carry_out(connection, number, work, given)


def _carry_out(connection: Connection, number: int, work: str, arguments: list[Any]) -> None:
    if work == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    elif work == "hang":
        time.sleep(600)
    elif work != "never":
        module, _, name = work.partition(":")
        try:
            connection.send(Done(number, getattr(import_module(module), name)(*arguments)))
        except ArithmeticError as error:
            connection.send(Failed(number, str(error)))


def _is_first(folder: Path) -> bool:
    """Whether nobody has asked this before."""
    try:
        (folder / "begun").touch(exist_ok=False)
    except FileExistsError:
        return False
    return True
