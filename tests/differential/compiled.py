"""Contracts for tests of the L2, compiled once and kept in cache/."""

import hashlib
import json
import os
from functools import cache
from pathlib import Path
from typing import Any

from scripts.build_contracts import ROOT, compile_sources, read_settings

FOLDER = Path(__file__).with_name("contracts")


@cache
def contracts(source: str = "World.sol") -> dict[str, Any]:
    """Each contract's `abi` and `code` by name; what has been compiled before is read back."""
    text = (FOLDER / source).read_text(encoding="utf-8")
    settings = {**read_settings(ROOT / "foundry.toml"), "evmVersion": "cancun", "viaIR": False}
    name = hashlib.sha256(json.dumps([text, settings]).encode()).hexdigest()[:16]
    kept = ROOT / "cache" / f"world-{name}.json"
    if not kept.exists():
        kept.parent.mkdir(exist_ok=True)
        aside = kept.with_suffix(f".{os.getpid()}")
        aside.write_text(json.dumps(_compiled(source, text, settings)), encoding="utf-8")
        aside.rename(kept)
    found: dict[str, Any] = json.loads(kept.read_text(encoding="utf-8"))
    return found


def _compiled(source: str, text: str, settings: dict[str, Any]) -> dict[str, Any]:
    output = compile_sources({source: text}, settings)[source]
    return {
        name: {"abi": each["abi"], "code": each["evm"]["bytecode"]["object"]} for name, each in output.items()
    }
