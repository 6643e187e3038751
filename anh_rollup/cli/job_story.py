"""What is told of a job in sentences: where its artifacts are, how long it is open, how to see its result."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final
from urllib.parse import unquote

from anh_rollup.cli.follow_up import as_called, command
from anh_rollup.cli.options import visible
from anh_rollup.client.wording import show_time
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.docket import ClaimRecord
from anh_rollup.protocol.jobs import Job, JobKind

#: How the URI of a folder of this machine begins (RFC 8089).
FOLDER: Final = "file://"

#: A number as JSON-RPC has it, and no hash.
SHORT_NUMBER: Final = re.compile("0x[0-9a-f]{1,16}")


def job_state(
    claims: Sequence[ClaimRecord], *, is_settled: bool, is_late: bool = False, is_over: bool = False
) -> str:
    """What the claims about a job have come to, in a word.

    Args:
        claims: All claims about the job.
        is_settled: Whether its reward is paid out, or goes back to who ordered it.
        is_late: Whether its deadline has passed on L1: no further claim can be revealed.
        is_over: Whether no claim can become final any more.
    """
    states = {each.state for each in claims}
    if ClaimState.FINAL in states:
        return "final"
    if is_settled:
        return "returned"
    if is_over:
        return "refundable"
    if ClaimState.STANDING in states:
        return "claimed"
    if is_late:
        return "expired"
    return "open again" if ClaimState.REFUTED in states else "open"


def has_claim(claims: Sequence[ClaimRecord]) -> bool:
    """Whether one of the claims about a job stands or is final."""
    return any(each.state in (ClaimState.STANDING, ClaimState.FINAL) for each in claims)


def told_position(position: Mapping[str, Any]) -> Iterator[str]:
    """Where the sequencer has put a transaction, a fact a line: what anh_getPosition answers but blanks."""
    for name, value in position.items():
        if value is not None and value is not False:
            number = isinstance(value, str) and SHORT_NUMBER.fullmatch(value)
            yield f"{name}: {int(value, 16) if number else value}"


def told_deadline(job: Job, state: str, settlement: int) -> str:
    """Until when a job can be claimed, and of one that nobody did how its reward goes back.

    Args:
        job: The job.
        state: What `job_state` says about it.
        settlement: Seconds after the deadline in which a claim may become final.
    """
    line = f"deadline: {show_time(job.deadline)}"
    if state == "expired":
        return f"{line}; expired: its reward can go back from {show_time(job.deadline + settlement)} on"
    if state == "refundable":
        return as_called(f"{line}; nobody has done it: its reward goes back with `anh job refund`")
    return line


def told_silence(job: Job, claims: Sequence[ClaimRecord], state: str) -> Iterator[str]:
    """What it means that a job has no claim, and what to try: L1 knows of claims, not of attempts.

    Args:
        job: The job.
        claims: All claims about it; where one stands or is final, nothing is told.
        state: What `job_state` says about it.
    """
    if has_claim(claims):
        return
    is_open = state in ("open", "open again")
    none = "no claim stands" if claims else "no claims yet" if is_open else "no claims"
    yield f"{none}: accountants may claim until the deadline" if is_open else none
    if job.kind is JobKind.TRAINING:
        yield "an accountant whose training misses a threshold claims nothing; its log says how near it came"
        change = "more epochs or another learning rate in the recipe, or a lower LEAST"
    else:
        yield "an accountant whose answers miss a threshold claims nothing; its log says by how much"
        change = "a larger tolerance, or a lower LEAST"
    begin = "if none comes" if is_open else "to try again"
    yield f"{begin}, see that an accountant runs and can read the artifacts;"
    yield f"  or order with {change}"
    if is_open:
        yield from told_place(job.uri)


def told_results(claims: Sequence[ClaimRecord]) -> Iterator[str]:
    """How to look at the result of the final claim; nothing where there is none, or it is not published."""
    for each in claims:
        if each.state is ClaimState.FINAL and each.claim.uri:
            shown = look_at(each.job.kind, each.job.architecture, each.claim.result, each.claim.uri)
            yield f"look at it with: {shown}"


def look_at(kind: JobKind, architecture: bytes, result: bytes, uri: str) -> str:
    """The command that shows a job's result, for a shell: a model, or answers in their own units."""
    words = ("show", f"0x{result.hex()}", "--from", visible(uri).plain)
    if kind is JobKind.TRAINING:
        return command("model", *words)
    return command("answers", *words, "--architecture", f"0x{architecture.hex()}")


def told_place(uri: str) -> Iterator[str]:
    """Who can read the artifacts of a job whose URI is a folder of this machine; nothing about other URIs."""
    if not uri.startswith(FOLDER):
        return
    place = unquote(uri.removeprefix(FOLDER))
    if is_read_by_devnet(Path(place)):
        yield "the devnet's accountants and challenger read the artifacts' folder; nothing more is needed"
        return
    role = command("accountant", "--allow-folder", visible(place).plain)
    yield "accountants on this machine do the job where they allow the artifacts' folder:"
    yield f"  {role} (with its other options)"
    yield "for those of a devnet use --store devnet/user instead; for others serve it: --uri http://HOST:PORT"


def is_read_by_devnet(folder: Path) -> bool:
    """Whether a folder is `user`, or below it, beside the deployment and the keys of `anh devnet`."""
    try:
        return any(
            each.name == "user"
            and (each.parent / "deployment.json").is_file()
            and (each.parent / "keys").is_dir()
            for each in (folder, *folder.parents)
        )
    except OSError:
        return False
