"""`anh job`: what is told of jobs, and what an order ends with."""

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from anh_rollup.cli import job as job_module
from anh_rollup.cli import main
from anh_rollup.cli.job_refund import NotOverError, RewardGoneError
from anh_rollup.cli.job_story import is_read_by_devnet, job_state, told_place
from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.processes import ProcessGroup
from anh_rollup.client.ordering import PlacedOrder
from anh_rollup.l1.contracts.claims import Claims, ClaimState
from anh_rollup.l1.deployment import Rules
from anh_rollup.l1.docket import ClaimRecord
from anh_rollup.primitives import ETHER, BatchNumber, Wei
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.jobs import NO_ROOT, Job, JobKind, Property
from anh_rollup.protocol.orders import OrderedBatch, OrderedJob

NOW = 1_700_000_000
ROOT = "ab" * 32


class _Record:
    def __init__(self, state: ClaimState) -> None:
        self.state = state


@pytest.mark.parametrize(
    ("states", "is_settled", "is_late", "word"),
    [
        ([], False, False, "open"),
        ([ClaimState.REFUTED], False, False, "open again"),
        ([ClaimState.REFUTED, ClaimState.STANDING], False, False, "claimed"),
        ([ClaimState.REFUTED, ClaimState.STANDING], False, True, "claimed"),
        ([], False, True, "expired"),
        ([ClaimState.REFUTED], False, True, "expired"),
        ([ClaimState.REFUTED, ClaimState.FINAL, ClaimState.RELEASED], True, True, "final"),
        ([], True, True, "returned"),
        ([ClaimState.REFUTED, ClaimState.STANDING], True, True, "returned"),
    ],
)
def test_a_jobs_state_is_told_in_a_word(
    states: list[ClaimState], is_settled: bool, is_late: bool, word: str
) -> None:
    records = [_Record(state) for state in states]
    assert job_state(records, is_settled=is_settled, is_late=is_late) == word  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("states", "is_settled", "word"),
    [
        ([], False, "refundable"),
        ([ClaimState.STANDING], False, "refundable"),
        ([ClaimState.FINAL], True, "final"),
        ([], True, "returned"),
    ],
)
def test_a_job_whose_time_is_over_is_refundable_until_its_reward_goes_back(
    states: list[ClaimState], is_settled: bool, word: str
) -> None:
    records = [_Record(state) for state in states]
    assert job_state(records, is_settled=is_settled, is_late=True, is_over=True) == word  # type: ignore[arg-type]


CLAIMANT, SCORES = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8", (Scores(5, 3, bytes(32)),)
RESULT, URI = b"\x31" * 32, "http://10.0.0.1:8650/$(x)"


#: What is told of a training that nobody did.
SILENCE = (
    "an accountant whose training misses a threshold claims nothing; its log says how near it came",
    "to try again, see that an accountant runs and can read the artifacts;",
    "  or order with more epochs or another learning rate in the recipe, or a lower LEAST",
)


def looked_at(
    monkeypatch: pytest.MonkeyPatch, kind: JobKind, now: int, *states: ClaimState, place: str = ""
) -> list[str]:
    """The lines of `anh job status` below the tables, at an L1 time, of a job with claims in these states."""
    wanted = (Property(b"\1" * 32, b"\2" * 32, 3),)
    job = Job(kind, b"\4" * 32, b"\5" * 32 if kind is JobKind.INFERENCE else NO_ROOT, wanted, NOW, place)
    ordered = OrderedJob(BatchNumber(1), bytes(32), 5, b"\6" * 32, job, Wei(ETHER))
    claim = Claim(CLAIMANT, BatchNumber(1), bytes(32), 5, ordered.transaction, bytes(32), RESULT, SCORES, URI)
    claims = [
        ClaimRecord(bytes([place]) * 32, claim, job, place, state) for place, state in enumerate(states)
    ]
    view = SimpleNamespace(
        docket=SimpleNamespace(claims_of=lambda _key: claims),
        client=SimpleNamespace(head=lambda: SimpleNamespace(time=now)),
        deployment=SimpleNamespace(rules=Rules()),
    )
    unsettled = [] if ClaimState.FINAL in states else [ordered]
    reader = SimpleNamespace(
        unsettled_jobs=lambda: unsettled, all_jobs=lambda: [ordered], order=SimpleNamespace(blocks=[])
    )
    monkeypatch.setattr(job_module, "connect", lambda *_: (view, reader))
    words = ["job", "status", ordered.transaction.hex(), "--l1", "http://a:1"]
    told = CliRunner().invoke(main, words, env={"ANH_L2": ""})
    assert told.exit_code == 0, told.output
    tables = re.compile(r"[┏┃┡│└]| +(jobs|claims) *$")
    return [line for line in told.output.splitlines() if line and not tables.match(line)]


def test_a_job_without_claims_is_told_with_its_deadline(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked_at(monkeypatch, JobKind.TRAINING, NOW) == [
        "deadline: 2023-11-14 22:13:20 UTC",
        "no claims yet: accountants may claim until the deadline",
        "an accountant whose training misses a threshold claims nothing; its log says how near it came",
        "if none comes, see that an accountant runs and can read the artifacts;",
        "  or order with more epochs or another learning rate in the recipe, or a lower LEAST",
    ]


def test_an_inference_without_claims_is_told_what_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked_at(monkeypatch, JobKind.INFERENCE, NOW)[1:] == [
        "no claims yet: accountants may claim until the deadline",
        "an accountant whose answers miss a threshold claims nothing; its log says by how much",
        "if none comes, see that an accountant runs and can read the artifacts;",
        "  or order with a larger tolerance, or a lower LEAST",
    ]


def test_a_job_without_claims_is_told_with_who_can_read_its_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    place = "file:///srv/mine"
    open_lines = looked_at(monkeypatch, JobKind.TRAINING, NOW, place=place)
    assert open_lines[5:] == list(told_place(place))
    assert len(open_lines) == 5 + 3
    late = looked_at(monkeypatch, JobKind.TRAINING, NOW + 1, place=place)
    assert late == looked_at(monkeypatch, JobKind.TRAINING, NOW + 1)


def test_a_job_whose_claims_are_refuted_is_told_what_to_try(monkeypatch: pytest.MonkeyPatch) -> None:
    told = looked_at(monkeypatch, JobKind.TRAINING, NOW, ClaimState.REFUTED)
    assert told[1:5] == [
        "no claim stands: accountants may claim until the deadline",
        "an accountant whose training misses a threshold claims nothing; its log says how near it came",
        "if none comes, see that an accountant runs and can read the artifacts;",
        "  or order with more epochs or another learning rate in the recipe, or a lower LEAST",
    ]


@pytest.mark.parametrize("seconds", [1, Rules().settlement], ids=["expired", "refundable"])
def test_a_job_whose_claims_are_refuted_is_told_what_to_try_after_its_deadline_too(
    monkeypatch: pytest.MonkeyPatch, seconds: int
) -> None:
    bare, told = (
        looked_at(monkeypatch, JobKind.TRAINING, NOW + seconds, *states)
        for states in ((), (ClaimState.REFUTED, ClaimState.REFUTED))
    )
    assert told[:-2] == [bare[0], "no claim stands", *SILENCE]
    assert [line.partition(":")[0] for line in told[-2:]] == ["0x00000000", "0x01010101"]


@pytest.mark.parametrize("seconds", [0, 1, Rules().settlement], ids=["open", "late", "over"])
@pytest.mark.parametrize("state", [ClaimState.STANDING, ClaimState.FINAL])
def test_a_job_with_a_claim_is_told_nothing_of_silence(
    monkeypatch: pytest.MonkeyPatch, state: ClaimState, seconds: int
) -> None:
    told = looked_at(monkeypatch, JobKind.TRAINING, NOW + seconds, ClaimState.REFUTED, state)
    kept = [line.partition(":")[0] for line in told if not line.startswith("look at it")]
    assert kept == ["deadline", "0x00000000", "0x01010101"]


def test_an_expired_job_is_told_with_the_time_of_its_rewards_return(monkeypatch: pytest.MonkeyPatch) -> None:
    assert looked_at(monkeypatch, JobKind.TRAINING, NOW + 1) == [
        "deadline: 2023-11-14 22:13:20 UTC; expired: its reward can go back from 2023-11-21 22:13:20 UTC on",
        "no claims",
        *SILENCE,
    ]


def test_a_job_whose_time_is_over_is_told_with_how_its_reward_goes_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert looked_at(monkeypatch, JobKind.TRAINING, NOW + Rules().settlement) == [
        "deadline: 2023-11-14 22:13:20 UTC; nobody has done it: its reward goes back with `anh job refund`",
        "no claims",
        *SILENCE,
    ]


# --- refunds ---


class _Refund:
    """A rollup with one job in escrow; notes what `anh job refund` sends."""

    def __init__(
        self, monkeypatch: pytest.MonkeyPatch, folder: Path, now: int, *, gone: bool = False
    ) -> None:
        wanted = (Property(b"\1" * 32, b"\2" * 32, 3),)
        self.job = Job(JobKind.TRAINING, b"\4" * 32, NO_ROOT, wanted, NOW, "")
        ordered = OrderedJob(BatchNumber(1), bytes(32), 1, b"\6" * 32, self.job, Wei(ETHER))
        self.claims = Claims(None, "0x" + "00" * 19 + "02")  # type: ignore[arg-type]
        view = SimpleNamespace(
            contracts=SimpleNamespace(claims=self.claims),
            client=SimpleNamespace(head=lambda: SimpleNamespace(time=now)),
            deployment=SimpleNamespace(rules=Rules()),
        )
        header: Any = SimpleNamespace(count=2)
        reader = SimpleNamespace(
            unsettled_jobs=lambda: [] if gone else [ordered],
            all_jobs=lambda: [ordered],
            batch={1: OrderedBatch(header, (b"one", b"order"))}.get,
            order=SimpleNamespace(blocks=[]),
        )
        self.sent: list[Any] = []
        sender = SimpleNamespace(send=self.sent.append)
        monkeypatch.setattr(job_module, "connect", lambda *_: (view, reader))
        monkeypatch.setattr(job_module, "TransactionSender", lambda *_: sender)
        key = folder / "user.key"
        key.write_text("0x" + "11" * 32)
        key.chmod(0o600)
        words = ["job", "refund", ordered.transaction.hex(), "--l1", "http://a:1", "--key-file", str(key)]
        self.told = CliRunner().invoke(main, words)


def test_a_refund_shows_the_order_to_l1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refund = _Refund(monkeypatch, tmp_path, NOW + Rules().settlement)
    assert refund.told.exit_code == 0, refund.told.output
    assert refund.sent == [refund.claims.lapse(b"order", refund.job)]
    told = "1.0000 ETH go back to who ordered the job, with the next L2 block\n"
    assert refund.told.output == told


def test_a_reward_that_can_still_be_earned_is_not_given_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    refund = _Refund(monkeypatch, tmp_path, NOW + Rules().settlement - 1)
    assert (refund.told.exit_code, refund.sent) == (1, [])
    error = NotOverError(NOW + Rules().settlement)
    assert error.message == "a claim about the job may become final until 2023-11-21 22:13:20 UTC"
    assert refund.told.stderr == f"Error: {error.message}\nNext:  {error.remedy}\n"


def test_a_reward_that_is_gone_is_not_given_back(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    refund = _Refund(monkeypatch, tmp_path, NOW + Rules().settlement, gone=True)
    assert (refund.told.exit_code, refund.sent) == (1, [])
    error = RewardGoneError()
    assert refund.told.stderr == f"Error: {error.message}\nNext:  {error.remedy}\n"


@pytest.mark.parametrize(
    ("kind", "name", "units"),
    [
        (JobKind.TRAINING, "model", ""),
        (JobKind.INFERENCE, "answers", f" --architecture 0x{'04' * 32}"),
    ],
)
def test_a_final_claim_is_told_with_the_command_that_shows_its_result(
    kind: JobKind, name: str, units: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = looked_at(monkeypatch, kind, NOW + 1, ClaimState.REFUTED, ClaimState.FINAL)
    assert told[0] == "deadline: 2023-11-14 22:13:20 UTC"
    shown = f"anh {name} show 0x{RESULT.hex()} --from 'http://10.0.0.1:8650/$(x)'{units}"
    assert told[-1] == f"look at it with: {shown}"


def test_no_result_is_looked_at_before_its_claim_is_final(monkeypatch: pytest.MonkeyPatch) -> None:
    told = looked_at(monkeypatch, JobKind.TRAINING, NOW, ClaimState.STANDING)
    assert told[-1] == f"0x00000000: anh claim show 0x{'00' * 32} --l1 http://a:1"


@pytest.mark.parametrize("uri", ["https://a.b/folder", "", "http://[", "/folder"])
def test_of_a_place_that_is_no_folder_nothing_is_told(uri: str) -> None:
    assert list(told_place(uri)) == []


def test_of_a_devnets_folder_is_told_that_its_roles_read_it(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, ProcessGroup(tmp_path / "logs"))
    below, beside = network.user_folder / "more", tmp_path / "mine"
    network.key_file("user").parent.mkdir()
    assert not is_read_by_devnet(network.user_folder)
    network.deployment_file.touch()
    told = ["the devnet's accountants and challenger read the artifacts' folder; nothing more is needed"]
    assert [list(told_place(each.as_uri())) for each in (network.user_folder, below)] == [told, told]
    assert list(told_place(beside.as_uri())) != told
    assert not is_read_by_devnet(beside)


@pytest.mark.parametrize("name", ["%00", "x" * 5_000])
def test_a_folder_that_no_system_has_is_no_devnets(name: str) -> None:
    assert len(list(told_place(f"file:///{name}/user"))) == 3


def test_a_job_that_l1_has_paid_is_listed_with_all_only(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = (Property(b"\1" * 32, b"\2" * 32, 3),)
    job = Job(JobKind.TRAINING, b"\4" * 32, NO_ROOT, wanted, NOW, "")
    paid, waits = (OrderedJob(1, bytes(32), index, bytes([index]) * 32, job, 10**18) for index in (5, 6))
    docket = SimpleNamespace(
        claims_of=lambda key: [_Record(ClaimState.FINAL)] if key == paid.transaction else []
    )
    reader = SimpleNamespace(
        unsettled_jobs=lambda: [waits],
        all_jobs=lambda: [paid, waits],
        order=SimpleNamespace(blocks=[]),
    )
    client = SimpleNamespace(head=lambda: SimpleNamespace(time=NOW))
    view = SimpleNamespace(docket=docket, client=client, deployment=SimpleNamespace(rules=Rules()))
    monkeypatch.setattr(job_module, "connect", lambda *_: (view, reader))

    def listed(*words: str) -> list[str]:
        told = CliRunner().invoke(main, ["job", "list", "--l1", "http://a:1", *words]).output
        return [line for line in told.splitlines() if "job status" in line or "final" in line]

    assert listed() == [f"0x06060606: anh job status 0x{waits.transaction.hex()} --l1 http://a:1"]
    assert [line.partition(":")[0] for line in listed("--all")[1:]] == ["0x05050505", "0x06060606"]
    assert "final" in listed("--all")[0]


def test_the_end_of_an_order_is_the_command_that_follows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = PlacedOrder("0x" + "5c" * 32, b"", {"blockNumber": "0x7"})
    chain = SimpleNamespace(head=lambda: SimpleNamespace(time=NOW))
    monkeypatch.setattr(job_module, "read_account", lambda _path: None)
    monkeypatch.setattr(job_module, "open_rollup", lambda *_where: (chain, None))
    monkeypatch.setattr(job_module, "open_l2", lambda *_where: None)
    folder = SimpleNamespace(uri=(tmp_path / "my store").as_uri())
    monkeypatch.setattr(job_module, "make_job", lambda *_wish: folder)
    monkeypatch.setattr(job_module, "place_order", lambda *_order: placed)
    words = {
        "--l1": "http://a:1", "--l2": "http://b:2", "--deployment": "my devnet/deployment.json",
        "--key-file": "key", "--store": str(tmp_path), "--reward": "1",
        "--architecture": ROOT,
        "--property": f"{ROOT}:{ROOT}:2",
    }  # fmt: skip
    told = CliRunner().invoke(main, ["job", "submit", *(word for pair in words.items() for word in pair)])
    *_, who, role, others, following = told.output.splitlines()
    assert (who, role, others) == (
        "accountants on this machine do the job where they allow the artifacts' folder:",
        f"  anh accountant --allow-folder '{tmp_path}/my store' (with its other options)",
        "for those of a devnet use --store devnet/user instead; for others serve it: --uri http://HOST:PORT",
    )
    assert following == (
        f"follow it with: anh job status {placed.hash} --l1 http://a:1 --l2 http://b:2 "
        "--deployment 'my devnet/deployment.json'"
    )
