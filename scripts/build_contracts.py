"""Compiles contracts/ and writes what Python needs of each shipped contract into the package.

The settings are read from foundry.toml, and forge tests what is shipped. The output depends on the
sources and the settings alone: it names no machine, no folder outside the repository and no time.

    python scripts/build_contracts.py            write anh_rollup/l1/artifacts/<Name>.json
    python scripts/build_contracts.py --check    change nothing, fail where the files differ from the sources
"""

import argparse
import json
import re
import sys
import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import solcx
from solcx.exceptions import SolcError

from anh_rollup.errors import AnhError

ROOT = Path(__file__).resolve().parent.parent
CONTRACTS = ROOT / "contracts"
ARTIFACTS = ROOT / "anh_rollup" / "l1" / "artifacts"
NODE_FRONT = ROOT / "scripts" / "solc"
COMPILER_VERSION = str(json.loads((ROOT / "package.json").read_text())["devDependencies"]["solc"])

#: What these folders hold is compiled into the contracts that use it and is never deployed by itself.
INTERNAL = ("contracts/interfaces/", "contracts/types/", "contracts/libraries/")

#: What is written for the L2: its users compile it (`scripts.l2_contracts`).
FOR_L2 = ("contracts/sdk/", "contracts/examples/")

OUTPUTS = (
    "abi",
    "evm.bytecode.object",
    "evm.bytecode.linkReferences",
    "evm.deployedBytecode.object",
    "storageLayout",
)

Json = Mapping[str, Any]


class UnshippableContractError(AnhError):
    """A contract that cannot become an artifact.

    Attributes:
        source: Its file, from the repository's root.
        reason: Why not.
    """

    def __init__(self, source: str, reason: str, remedy: str) -> None:
        super().__init__(f"{source}: {reason}", remedy=remedy)
        self.source = source
        self.reason = reason


def main(arguments: list[str]) -> int:
    """Writes or checks the artifacts; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.build_contracts",
        description="Compile contracts/ into anh_rollup/l1/artifacts.",
    )
    parser.add_argument("--check", action="store_true", help="fail where artifacts differ from the sources")
    check = parser.parse_args(arguments).check
    try:
        rendered = render(compile_sources(read_sources(CONTRACTS), read_settings(ROOT / "foundry.toml")))
    except SolcError as error:
        print(error.message, file=sys.stderr)
        return 1
    except UnshippableContractError as error:
        print(f"Error: {error.message}\nNext:  {error.remedy}", file=sys.stderr)
        return 1
    return check_artifacts(rendered) if check else write_artifacts(rendered)


def read_sources(folder: Path) -> dict[str, str]:
    """Every Solidity file below `folder` for L1, by its path from the repository root, in a fixed order."""
    names = [path.relative_to(ROOT).as_posix() for path in sorted(folder.rglob("*.sol"))]
    return {name: (ROOT / name).read_text() for name in names if not name.startswith(FOR_L2)}


def read_settings(foundry_toml: Path) -> Json:
    """The settings of forge's profile `shipped`, in the compiler's own terms."""
    profiles = tomllib.loads(foundry_toml.read_text())["profile"]
    profile = profiles["default"] | profiles["shipped"]
    return {
        "remappings": profile["remappings"],
        "optimizer": {"enabled": profile["optimizer"], "runs": profile["optimizer_runs"]},
        "metadata": {
            "useLiteralContent": False,
            "bytecodeHash": profile["bytecode_hash"],
            "appendCBOR": profile["cbor_metadata"],
        },
        "viaIR": profile["via_ir"],
        "evmVersion": profile["evm_version"],
        "outputSelection": {"*": {"*": list(OUTPUTS)}},
    }


def compile_sources(sources: Mapping[str, str], settings: Json) -> Json:
    """The compiler's output by file and contract name; imports are read from the repository."""
    if not sources:
        return {}
    request = {
        "language": "Solidity",
        "sources": {name: {"content": text} for name, text in sources.items()},
        "settings": settings,
    }
    answer = solcx.compile_standard(request, base_path=ROOT, allow_paths=ROOT, solc_binary=find_compiler())
    contracts: Json = answer["contracts"]
    return contracts


def find_compiler() -> Path:
    """A native compiler of the pinned version where py-solc-x has one, otherwise the npm package's."""
    installed = {str(version) for version in solcx.get_installed_solc_versions()}
    if COMPILER_VERSION not in installed:
        return NODE_FRONT
    return Path(solcx.install.get_executable(COMPILER_VERSION))


def render(contracts: Json) -> dict[str, str]:
    """The text of each artifact, by file name."""
    rendered: dict[str, str] = {}
    for source, name, output in shipped(contracts):
        if f"{name}.json" in rendered:
            raise UnshippableContractError(
                source, f"another contract is named {name} too", "Rename one of the two."
            )
        artifact = make_artifact(source, name, output)
        rendered[f"{name}.json"] = json.dumps(artifact, indent=1, sort_keys=True) + "\n"
    return rendered


def shipped(contracts: Json) -> Iterator[tuple[str, str, Json]]:
    """File, name and output of every contract of ours that can be deployed."""
    for source, named in sorted(contracts.items()):
        if not source.startswith("contracts/") or source.startswith(INTERNAL):
            continue
        for name, output in sorted(named.items()):
            if output["evm"]["bytecode"]["object"]:
                yield source, name, output


def make_artifact(source: str, name: str, output: Json) -> Json:
    """What Python needs to deploy and call a contract, and its storage layout for reviewers."""
    if output["evm"]["bytecode"]["linkReferences"]:
        raise UnshippableContractError(
            source, f"{name} calls an external library", "Make the library's functions internal."
        )
    return {
        "contractName": name,
        "sourceName": source,
        "compiler": COMPILER_VERSION,
        "abi": output["abi"],
        "bytecode": "0x" + output["evm"]["bytecode"]["object"],
        "deployedBytecode": "0x" + output["evm"]["deployedBytecode"]["object"],
        "storage": [storage_entry(entry) for entry in output["storageLayout"]["storage"]],
    }


def storage_entry(entry: Json) -> Json:
    """One variable's place; its type without syntax tree numbers, which change with unrelated edits."""
    kind = re.sub(r"(t_(?:struct|contract|enum|userDefinedValueType)\([^()]*\))\d+", r"\1", entry["type"])
    return {"label": entry["label"], "slot": int(entry["slot"]), "offset": entry["offset"], "type": kind}


def write_artifacts(rendered: Mapping[str, str]) -> int:
    """Makes the folder hold exactly the rendered files."""
    ARTIFACTS.mkdir(parents=True, exist_ok=True)
    for path in ARTIFACTS.glob("*.json"):
        if path.name not in rendered:
            path.unlink()
    for name, text in rendered.items():
        (ARTIFACTS / name).write_text(text)
    print(f"{len(rendered)} artifacts written to {ARTIFACTS.relative_to(ROOT)}")
    return 0


def check_artifacts(rendered: Mapping[str, str]) -> int:
    """Compares the folder with the rendered files; prints what differs and returns 1 if anything does."""
    present = {path.name: path.read_text() for path in ARTIFACTS.glob("*.json")}
    different = sorted(name for name in {*present, *rendered} if present.get(name) != rendered.get(name))
    for name in different:
        print(f"{ARTIFACTS.relative_to(ROOT) / name} differs from contracts/", file=sys.stderr)
    if different:
        print("run `make contracts` and commit the result", file=sys.stderr)
        return 1
    print(f"{len(rendered)} artifacts match contracts/")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
