"""Every command ends as docs/cli.md says: 1 after an explained error, 2 where the words make no sense."""

import sys
from importlib import import_module
from pathlib import Path

import pytest
from click.testing import CliRunner

from anh_rollup.cli import main
from scripts.chains import run

KEY = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
ROOT = "12" * 32
SIGNED = f"{ROOT}:{'34' * 65}"
PROPERTY = f"{ROOT}:{ROOT}:1"

L1 = "--l1 http://127.0.0.1:9"
L2 = "--l2 http://127.0.0.1:9"
DEPLOY = f"deploy {L1} --key-file KEY --sequencer"
SUBMIT = f"job submit {L1} {L2} --key-file KEY --store store --architecture {ROOT} --reward 1"
SEQUENCER = f"sequencer {L1} --key-file KEY --data data"
ACCOUNTANT = f"accountant {L1} --key-file KEY --store store"
FOLLOWER = f"follower {L1} --data data"
SLASH = f"slash {L1} --key-file KEY --height"
DEPOSIT = f"deposit {L1} --key-file KEY"
EXIT, WITHDRAW = f"exit {L1} --key-file KEY", f"withdraw {L1} --key-file KEY"
CHALLENGER = f"challenger {L1} --key-file KEY --store store"

#: Words that make no sense, whatever is in the files and on the chains.
SENSELESS = [
    "dance",
    "job dance",
    f"claim show 0x12 {L1}",
    f"claim show {ROOT}",
    f"claim show {ROOT} --l1 ftp://a",
    f"game show zz {L1}",
    f"game show {ROOT} --l1 nowhere",
    f"job status 0x12 {L1}",
    f"job status {ROOT} {L1} --l2 nowhere",
    f"job status {ROOT} {L1} --beacon ftp://a",
    "job list --l1 http://127.0.0.1:99999",
    f"job list {L1} --beacon http://",
    f"job list {L1} more",
    "model show 0x12 --store store",
    f"model show {ROOT}",
    f"model show {ROOT} --from nowhere",
    f"model show {ROOT} --from gopher://a",
    "model export 0x12 out.npz --store store",
    f"model export {ROOT} out.npz",
    "model put",
    f"model publish {L2} --key-file KEY",
    f"model publish {ROOT} {L2} --key-file KEY",
    f"model publish model.npz {L2} --key-file KEY --store store",
    f"model publish {ROOT} --key-file KEY --store store",
    f"program publish 0x12 {L2} --key-file KEY --store store",
    f"program publish {ROOT} {L2} --key-file KEY",
    "model import",
    "model import KEY --store store --input-shape x",
    "model import KEY --store store --setting best",
    "model import KEY --store store --questions KEY",
    "model import KEY --store store --questions KEY --tolerance nan",
    "model import KEY --store store --training-data KEY",
    "model import KEY --store store --test-data KEY --accuracy 0.9",
    "model import KEY --store store --training-data KEY --test-data KEY --accuracy 1.1",
    "model report KEY",
    "model report KEY --page page.html --input-shape x",
    "answers show 0x12 --store store",
    f"answers show {ROOT}",
    f"answers export {ROOT} out.npz --from nowhere",
    "program show 0x12 --store store",
    f"{DEPLOY} 0x12",
    f"{DEPLOY} {ADDRESS} --rule pony=1",
    f"{DEPLOY} {ADDRESS} --rule window",
    f"{DEPLOY} {ADDRESS} --rule window=1",
    f"{DEPLOY} {ADDRESS} --l2-chain-id 0",
    f"deploy --l1 ftp://a --key-file KEY --sequencer {ADDRESS}",
    f"{SUBMIT} --property a:b",
    f"{SUBMIT} --property {ROOT}:{ROOT}:{2**63}",
    f"{SUBMIT} --property {ROOT}:0x12:1",
    f"{SUBMIT} --property {PROPERTY} --reward -1",
    f"{SUBMIT} --property {PROPERTY} --architecture 0x12",
    f"{SUBMIT} --property {PROPERTY} --model 0x12",
    f"{SUBMIT} --property {PROPERTY} --model {ROOT}",
    f"{SUBMIT} --property {PROPERTY} --kind inference",
    f"{SUBMIT} --property {PROPERTY} --hours nan",
    f"{SUBMIT} --property {PROPERTY} --uri {'x' * 513}",
    f"{SUBMIT} --property {PROPERTY} --l2 ftp://a",
    f"{SUBMIT} {f'--property {PROPERTY} ' * 5}",
    SUBMIT,
    f"{SEQUENCER} --listen nowhere",
    f"{SEQUENCER} --l1 nowhere",
    f"{SEQUENCER} --beacon nowhere",
    f"{FOLLOWER} --listen nowhere",
    f"{FOLLOWER} --engine spark",
    f"{FOLLOWER} --engine ray --ray-address nowhere",
    f"{FOLLOWER} --ray-address auto",
    f"{ACCOUNTANT} --workers 2",
    f"{ACCOUNTANT} --unchecked-answers 1",
    f"{CHALLENGER} --engine ray --workers 0",
    "devnet --ray-address 127.0.0.1:6379",
    f"{FOLLOWER} --l1 nowhere",
    f"{FOLLOWER} --l2 ftp://a",
    f"{ACCOUNTANT} --listen 127.0.0.1:70000",
    f"{ACCOUNTANT} --listen 127.0.0.1:0",
    f"{SLASH} 0",
    f"{SLASH} 1 --block {SIGNED}",
    f"{SLASH} 1 --block {SIGNED} --block {ROOT}",
    f"{ACCOUNTANT} --drill honesty",
    f"{ACCOUNTANT} --public-url nowhere",
    f"{CHALLENGER} --budget -1",
    f"{CHALLENGER} --l1 nowhere",
    f"{DEPOSIT} much",
    f"{DEPOSIT} 0",
    f"{DEPOSIT} 0.000",
    f"{DEPOSIT} 1 --l2 ftp://a",
    f"{EXIT} 1",
    f"{EXIT} much --force",
    f"{EXIT} 0 --force",
    f"{EXIT} 1 --l2 ftp://a",
    f"{WITHDRAW} 0x12",
    f"{WITHDRAW} --depth -1",
    f"ledger show 0x12 {L1}",
    f"ledger post-forced {L1}",
    "devnet --port 70000",
    "devnet --drill honesty",
]
#: Words that make sense, with files or chains that do not fit them.
REFUSED = [
    f"claim show {ROOT} {L1}",
    f"game show {ROOT} {L1}",
    f"job status {ROOT} {L1}",
    f"job list {L1}",
    f"{SUBMIT} --property {PROPERTY}",
    f"{SUBMIT} --property {PROPERTY} --key-file none.key",
    f"model show {ROOT} --store store",
    f"model publish {ROOT} {L2} --key-file KEY --store store",
    f"model publish model.npz {L2} --key-file KEY",
    f"program publish {ROOT} {L2} --key-file KEY --store store",
    f"model export {ROOT} out.npz --store store",
    "model put KEY --store store",
    "model import KEY --store store",
    "model import none.onnx --store store",
    "model import none.onnx --store store --questions KEY --tolerance 1",
    "model import none.onnx --store store --training-data KEY --test-data KEY --accuracy 1",
    "model import no_module:none --store store",
    "model report none.onnx --page page.html",
    f"answers show {ROOT} --store store",
    f"answers export {ROOT} out.npz --store store",
    f"program show {ROOT} --store store",
    f"deploy {L1} --key-file none.key --sequencer {ADDRESS}",
    f"deploy {L1} --key-file KEY --sequencer {ADDRESS} --out KEY",
    f"{SLASH} 1 --block {SIGNED} --block {SIGNED}",
    f"{DEPOSIT} 1",
    f"{DEPOSIT} 1 --key-file none.key",
    f"{EXIT} 1 --force",
    f"{EXIT} all --l2 http://127.0.0.1:9",
    WITHDRAW,
    f"{WITHDRAW} {ADDRESS} --key-file none.key",
    f"ledger show {ADDRESS} {L1}",
    f"ledger post-forced {L1} --key-file KEY",
    SEQUENCER,
    ACCOUNTANT,
    CHALLENGER,
    "devnet --port 0 --l2-port 0 --anvil none --keep kept",
]
SCRIPTS_SENSELESS = [
    f"deploy {L1} --key-file KEY --sequencer 0x12",
    f"submit_training_job {L1} --l2 ftp://a --key-file KEY --store store",
    f"submit_training_job {L1} {L2} --key-file KEY --store store --reward much",
    f"submit_inference_job {L1} {L2} --key-file KEY --store store --model 0x12",
    f"watch 0x12 {L1} {L2}",
    f"withdraw much {L1} {L2} --key-file KEY",
    f"watch {ROOT} --l1 nowhere {L2}",
    f"baseless_challenge {L1} --key-file KEY --deployment d --against 0x12 --store s --allow-folder s",
]
SCRIPTS_REFUSED = [
    f"deploy {L1} --key-file none.key --sequencer {ADDRESS}",
    f"deploy {L1} --key-file KEY --sequencer {ADDRESS} --out KEY",
    f"submit_training_job {L1} {L2} --key-file KEY --store store",
    f"submit_inference_job {L1} {L2} --key-file KEY --store store --model {ROOT}",
    f"watch {ROOT} {L1} {L2}",
    f"withdraw 1 {L1} {L2} --key-file KEY",
    f"baseless_challenge {L1} --key-file KEY --deployment d --against {ADDRESS} --store s --allow-folder s",
]


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ANH_L1", "ANH_L2", "ANH_DEPLOYMENT"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "KEY").write_text(KEY)


@pytest.mark.parametrize(
    ("words", "code"),
    [*((words, 2) for words in SENSELESS), *((words, 1) for words in REFUSED)],
)
def test_a_command_ends_with_the_code_of_the_documentation(words: str, code: int) -> None:
    shown = CliRunner().invoke(main, words.split())
    assert (shown.exit_code, "Error: " in shown.output) == (code, True), shown.output


@pytest.mark.parametrize(
    ("words", "code"),
    [*((words, 2) for words in SCRIPTS_SENSELESS), *((words, 1) for words in SCRIPTS_REFUSED)],
)
def test_a_script_ends_with_the_same_codes(
    words: str, code: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = words.partition(" ")[0]
    monkeypatch.setattr(sys, "argv", words.split())
    assert run(import_module(f"scripts.{name}").main) == code
    assert "Error: " in capsys.readouterr().err


def test_every_command_is_in_the_table() -> None:
    told = {words.split()[0] for words in (*SENSELESS, *REFUSED)}
    assert set(main.commands) <= told
