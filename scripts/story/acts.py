"""The acts of the story; each one ends with what it came to, read back from the chains."""

import sys
from dataclasses import dataclass
from typing import Final

from anh_rollup.accountant.drills import BOASTED_PERCENT
from anh_rollup.cli.local_network import LEDGER_CLAIMS
from anh_rollup.cli.moves import moves_of
from anh_rollup.client.ordering import PlacedOrder, batch_on_l1
from anh_rollup.client.wording import short, show_ether
from anh_rollup.encoding.artifacts import Model
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.contracts.game import GameOutcome
from anh_rollup.l1.docket import ClaimRecord
from anh_rollup.primitives import ETHER, GWEI
from anh_rollup.storage.artifacts import ArtifactStore
from scripts import submit_inference_job, submit_training_job
from scripts.chains import Rollup, connect_rollup
from scripts.digits import TEST_IMAGES
from scripts.story.stage import Stage

TRAINING_REWARD: Final = ETHER
INFERENCE_REWARD: Final = ETHER // 4

#: Moves that make L1 compute an element.
PROOFS: Final = {"prove", "proveBlock"}

#: Most wei that an exit's fee is in the story: 21,000 gas at two gwei.
MOST_FEE: Final = 42_000 * GWEI

#: Seconds for a step of the story on two busy cores.
PATIENCE: Final = 150.0

HONEST, DISHONEST = "honest accountant", "dishonest accountant"
CHALLENGER, BASELESS = "challenger", "baseless challenger"


@dataclass(frozen=True, slots=True)
class ClaimMade:
    """A claim of the story with the truth about it.

    Attributes:
        name: Who claimed.
        record: The claim.
        true_sum: The sum of the scores, evaluated exactly here.
    """

    name: str
    record: ClaimRecord
    true_sum: int


def order_training(stage: Stage) -> PlacedOrder:
    """Acts 1 and 2: the user orders; the sequencer signs a position and posts the batch."""
    wanted = f"{submit_training_job.LEAST_RIGHT} of {TEST_IMAGES} test images"
    reward = show_ether(TRAINING_REWARD, 2)
    stage.act(f"1. The user orders a network for handwritten digits: {reward} for {wanted}")
    network = stage.network
    placed = submit_training_job.submit(user_of(stage), network.user_folder, TRAINING_REWARD, stage.say)
    stage.act("2. The sequencer has executed nothing: it signs the position and posts the batch")
    stage.say(f"position: L2 block {int(placed.position['blockNumber'], 16)}, signed by the sequencer")
    customer = network.customer()
    number = stage.until("the order's batch", lambda: batch_on_l1(customer, placed), PATIENCE)
    root = "0x" + stage.view.contracts.inbox.commitment(number).hex()
    stage.checked(f"a Merkle proof leads from the order to batch {number} on L1", root)
    return placed


def user_of(stage: Stage) -> Rollup:
    """The user with web3.py connections to both chains, as anybody has them."""
    network = stage.network
    return connect_rollup(network.l1_url, network.l2_url, network.deployment_file, network.accounts["user"])


def lie(stage: Stage, placed: PlacedOrder) -> ClaimRecord:
    """Act 3: the dishonest accountant is first, and L1 computes the element that refutes it."""
    stage.act(f"3. The dishonest accountant hardly trains, is first, and claims {BOASTED_PERCENT} %")
    stage.say("the honest accountant is started when that claim is on L1, so that the lie is the first")
    claim = stage.until("the dishonest claim", lambda: stage.claim_of(DISHONEST, placed.record), PATIENCE)
    stage.network.start_accountant(HONEST, *LEDGER_CLAIMS)
    head = claim.claim.scores[0]
    stage.require(f"the lie claims {BOASTED_PERCENT} %", True, 100 * head.sum >= BOASTED_PERCENT * head.count)
    ended = stage.until("the end of the lie", lambda: stage.ended(claim), PATIENCE)
    stage.require("the dishonest claim", ClaimState.REFUTED, stage.status(ended).state)
    stage.require("the prize is credited to", stage.address(CHALLENGER), ended.refuter)
    game = stage.game_of(CHALLENGER, ended)
    stage.require("the challenger's game", GameOutcome.REFUTED, game.outcome)
    last = moves_of(stage.view, game.identifier).moves[-1]
    stage.require("the last move made L1 compute an element", True, last.function in PROOFS)
    stage.network.processes.stop(DISHONEST)
    stage.say("the dishonest accountant has lost its bond and leaves")
    return ended


def true_claim(stage: Stage, placed: PlacedOrder) -> ClaimRecord:
    """Act 4: the honest accountant trains, claims, survives a baseless challenge, and is paid."""
    stage.act("4. The honest accountant trains with torch, claims, is challenged without a case, and is paid")
    start_baseless(stage)
    claim = stage.until("the honest claim", lambda: stage.claim_of(HONEST, placed.record), PATIENCE)
    rules = stage.view.deployment.rules
    stage.say(f"the claim is final when the baseless challenger's clock of {rules.clock} s has run out,")
    stage.say(f"and the {rules.window} s in which anybody may dispute a claim are over")
    ended = stage.until("the end of the honest claim", lambda: stage.ended(claim), PATIENCE)
    stage.require("the honest claim", ClaimState.FINAL, stage.status(ended).state)
    for words in log_of(stage, BASELESS):
        stage.say(f"the {BASELESS}, in its own words: {words}")
    stage.require("the baseless game", GameOutcome.CHALLENGER_LATE, stage.game_of(BASELESS, ended).outcome)
    paid(stage, TRAINING_REWARD)
    return ended


def inference(stage: Stage, trained: ClaimRecord) -> ClaimRecord:
    """Act 6: a second job asks the trained network; the float network answers; the answer becomes final."""
    reward = show_ether(INFERENCE_REWARD, 2)
    stage.act(f"6. The user asks the trained network about the {TEST_IMAGES} test images, for {reward}")
    network, model = stage.network, (trained.claim.result, trained.claim.uri)
    placed = submit_inference_job.submit(
        user_of(stage), network.user_folder, model, INFERENCE_REWARD, stage.say
    )
    claim = stage.until("the answers", lambda: stage.claim_of(HONEST, placed.record), PATIENCE)
    window = stage.view.deployment.rules.window
    stage.say(f"the claim is final when the {window} s in which anybody may dispute it are over")
    ended = stage.until("the end of the second claim", lambda: stage.ended(claim), PATIENCE)
    stage.require("the claim about the answers", ClaimState.FINAL, stage.status(ended).state)
    paid(stage, TRAINING_REWARD + INFERENCE_REWARD)
    return ended


def start_baseless(stage: Stage) -> None:
    """Starts the challenger without a case; it ends by itself when its game is over."""
    network = stage.network
    options = {
        "--l1": network.l1_url,
        "--deployment": str(network.deployment_file),
        "--key-file": str(network.key_file(BASELESS)),
        "--against": stage.address(HONEST),
        "--store": str(network.store_folder(BASELESS)),
        "--allow-folder": str(network.user_folder),
    }
    words = [word for pair in options.items() for word in pair]
    command = [sys.executable, "-m", "scripts.baseless_challenge", *words]
    network.processes.start(BASELESS, command, ends=True)


def log_of(stage: Stage, name: str) -> list[str]:
    """What a process has said."""
    log = next(each.log for each in stage.network.processes.running if each.name == name)
    return [line for line in log.read_text(errors="replace").splitlines() if line]


def paid(stage: Stage, wei: int) -> None:
    """Waits until the honest accountant has earned an amount on the L2, with what it took out of it."""
    l2 = stage.network.customer().l2

    def look() -> int | None:
        account = l2.record("anh_getLedgerAccount", stage.address(HONEST)) or {}
        earned = sum(int(account[name], 16) for name in ("cleared", "withdrawn"))
        return earned if earned >= wei - MOST_FEE else None

    earned = stage.until("the payment on the L2", look, PATIENCE)
    stage.require("the honest accountant has earned on the L2", show_ether(wei), show_ether(earned))


def claims_made(
    stage: Stage, lied: ClaimRecord, honest: ClaimRecord, answered: ClaimRecord
) -> list[ClaimMade]:
    """The claims of the story, each with its true sum of scores, evaluated exactly here.

    Raises:
        OutcomeError: A lie is true, or a true claim is not.
    """
    made = [
        ClaimMade(DISHONEST, lied, evaluate(stage, DISHONEST, lied)),
        ClaimMade(HONEST, honest, evaluate(stage, HONEST, honest)),
        ClaimMade(HONEST, answered, evaluate(stage, HONEST, answered)),
    ]
    for each in made:
        claimed = each.record.claim.scores[0].sum
        truth = "true" if each.name == HONEST else "false"
        what = f"the {each.name}'s claim {short(each.record.identifier)} is {truth}"
        stage.require(what, True, (claimed == each.true_sum) == (each.name == HONEST))
    return made


def evaluate(stage: Stage, name: str, record: ClaimRecord) -> int:
    """The true sum of a claim's scores, by the reference evaluator on the claimant's own artifacts."""
    store, jobs = ArtifactStore(stage.network.store_folder(name)), ArtifactStore(stage.network.user_folder)
    wanted = record.job.properties[0]
    program, dataset = jobs.get_program(wanted.program), jobs.get_dataset(wanted.dataset)
    model: Model = (
        jobs.get_model(record.job.model) if any(record.job.model) else store.get_model(record.claim.result)
    )
    answers = store.get_dataset(record.claim.result).fields if program.answers else ()
    parameters = model.parameters if program.parameters else ()
    sources = Sources(dataset.fields, answers, parameters)
    return int(ReferenceEvaluator().evaluate(program, sources).sum(dtype="int64"))
