"""The engine that the world runs transactions with, unless it is given another one."""

from collections.abc import Callable
from importlib import import_module
from typing import cast

from anh_rollup.world.engine import Engine

LoadEngine = Callable[[], Engine]
"""Makes the engine when the first transaction is executed: whoever only orders imports no EVM."""


def load_engine() -> Engine:
    """The executable specification, and revm for the strict runs that it can be trusted with."""
    specification = import_module("anh_rollup.world.specification")
    revm = import_module("anh_rollup.world.revm")
    return cast(Engine, revm.RevmEngine(specification.SpecificationEngine()))
