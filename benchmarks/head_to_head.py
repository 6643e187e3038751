"""Whole disputes in real time, beside published ones: `python -m benchmarks.head_to_head`.

It writes docs/head-to-head.md. zk-OPML measures disputes about three networks with a window of 120 s for
challenges and 30 s to respond. Here networks of the same sizes are imported and asked; a liar claims wrong
scores, a challenger refutes it, and an honest accountant's claim becomes final. Each role is the shipped
command in a process of its own, on one anvil with a block each second.
"""

import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final

import numpy as np

from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.local_network import LOCAL_RULES, LocalNetwork
from anh_rollup.cli.moves import moves_of
from anh_rollup.cli.processes import ProcessGroup
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.importing.network import import_network
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.primitives import ETHER, Seconds
from anh_rollup.protocol.jobs import Job, JobKind, Property
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.properties import closeness
from benchmarks.networks.head_to_head import PUBLISHED, Published
from benchmarks.report import machine
from scripts.chains import connect_rollup
from scripts.submit_training_job import order

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "head-to-head.md"

#: The windows of the comparison, in seconds, and what is wanted here.
WINDOW, RESPONSE, WANTED = Seconds(120), Seconds(30), 200

#: Its figures in seconds: zk-OPML, then opML (which it gives as a range, for the first network).
ZK_OPML: Final = {"MNIST network": "361", "LeNet": "494", "MobileNet": "1,115"}
OPML: Final = {"MNIST network": "1,440 to 1,560"}

#: Samples of a job, a part of the largest output by which an answer may be off, and seconds for all of it.
SAMPLES, TOLERANCE, PATIENCE = 4, 100, 600.0

RULES: Final = replace(LOCAL_RULES, window=WINDOW, clock=RESPONSE)


@dataclass(slots=True)
class Story:
    """What became of one job, in seconds of L1's clock.

    Attributes:
        network: What it asks.
        transaction: Of its order, as claims name it.
        lied: When the false claim was revealed.
        refuted: When it fell.
        claimed: When the true claim was revealed.
        final: When it became final.
        moves: Of the game: the challenger's and the liar's.
    """

    network: Published
    transaction: bytes
    lied: int = 0
    refuted: int = 0
    claimed: int = 0
    final: int = 0
    moves: dict[str, int] = field(default_factory=dict)

    def look(self, view: L1View, liar: str, now: int) -> None:
        """Notes what has happened since the last look."""
        for record in view.docket.claims_of(self.transaction):
            revealed = view.contracts.claims.status(record.identifier).revealed_at
            if record.claim.claimant == liar:
                self.lied = self.lied or revealed
                if record.state is ClaimState.REFUTED and not self.refuted:
                    self.refuted, self.moves = now, _moves(view, record.identifier)
            else:
                self.claimed = self.claimed or revealed
                if record.state is ClaimState.FINAL:
                    self.final = self.final or now

    def cells(self) -> list[str]:
        """Its line of the table."""
        name = self.network.name
        return [
            name, f"{self.network.parameters:,}",
            f"{self.refuted - self.lied} s", f"{self.final - self.lied} s",
            f"{self.moves['challenger']} and {self.moves['accountant']}", f"{at_the_last_second()} s",
            f"{ZK_OPML[name]} s", f"{OPML[name]} s" if name in OPML else "",
        ]  # fmt: skip


def at_the_last_second() -> int:
    """Seconds to a verdict where the game is opened, and everything answered, as late as can be.

    A clock runs for all moves of a side together, so their number does not matter.
    """
    return WINDOW + 2 * RESPONSE


def _moves(view: L1View, claim: bytes) -> dict[str, int]:
    """Moves of the game that refuted a claim, by side."""
    games = [each for each in view.docket.games.values() if each.position.claim == claim]
    sides = [move.side for each in games for move in moves_of(view, each.identifier).moves]
    return {side: sides.count(side) for side in ("challenger", "accountant")}


def job_about(store: ArtifactStore, published: Published, deadline: int) -> Job:
    """An inference with the network; its artifacts are in the store."""
    shown, asked = {"x": published.images(8, 1)}, {"x": published.images(SAMPLES, 2)}
    network = import_network(published.model(), samples=shown)
    fields = network.quantized(asked)
    exact = FastEvaluator().load(network.program, network.emitted.parameters).evaluate(fields)
    tolerance = int(np.abs(exact).max()) // TOLERANCE
    wanted = Property(
        store.put_program(closeness(network.program, tolerance)), store.put_dataset(Dataset(fields)), SAMPLES
    )
    architecture, model = store.put_program(network.program), store.put_model(network.model)
    folder = store.folder or Path()
    return Job(
        JobKind.INFERENCE, architecture, model, (wanted,), Seconds(deadline), folder.resolve().as_uri()
    )


def told(network: LocalNetwork) -> list[Story]:
    """Orders all jobs, has each lied about, refuted and done, and what became of them.

    Raises:
        SystemExit: It does not end in time.
    """
    network.start_l1()
    store = ArtifactStore(network.user_folder)
    network.user_folder.mkdir(exist_ok=True)
    jobs = [job_about(store, each, network.l1().head().time + 3_600) for each in PUBLISHED]
    network.start_sequencer()
    network.start_challenger()
    rollup = connect_rollup(network.l1_url, network.l2_url, network.deployment_file, network.accounts["user"])
    placed = [order(rollup, job, ETHER // 10, lambda _line: None) for job in jobs]
    stories = [Story(each, one.record) for each, one in zip(PUBLISHED, placed, strict=True)]
    network.start_accountant("dishonest accountant", "--drill", "wrong-element")
    watch(network, stories, "lied")
    network.start_accountant("honest accountant")
    watch(network, stories, "final")
    return stories


def watch(network: LocalNetwork, stories: Sequence[Story], until: str) -> None:
    """Looks at L1 until something has happened in every story.

    Raises:
        SystemExit: It does not happen in time.
    """
    client = network.l1()
    view, liar = L1View(client, network.deployment), str(network.accounts["dishonest accountant"].address)
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        view.refresh()
        now = client.head().time
        for story in stories:
            story.look(view, liar, now)
        if all(getattr(story, until) for story in stories):
            return
        time.sleep(0.3)
    raise SystemExit(f"not everything was {until} in {PATIENCE:g} s: {stories}")


HEADINGS: Final = (
    "network", "parameters", "claim to verdict", "claim to the true answer's being final",
    "moves of challenger and liar, without the seal", "verdict, everything at the last second",
    "zk-OPML", "opML",
)  # fmt: skip


def page(stories: Sequence[Story]) -> str:
    """The page."""
    lines = [HEADINGS, ["---"] + ["---:"] * (len(HEADINGS) - 1), *(each.cells() for each in stories)]
    slowest = max(each.final - each.lied for each in stories)
    verdict = "yes" if slowest <= WANTED else "missed"
    table = "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
    return f"""# Disputes in real time, beside published ones

Written by `python -m benchmarks.head_to_head`, on: {machine()}.

"zk-OPML: Using Zero-Knowledge Proofs to Optimize OPML" measures disputes about three networks, of its
own protocol and of opML, with a window of {WINDOW} s for challenges and {RESPONSE} s for a response.
Here networks of the same sizes with random weights are imported from ONNX and asked, with the same
window; {RESPONSE} s is a side's clock for all of its answers together. A liar claims a wrong score and
the challenger refutes it; then an honest accountant does the job, and its claim stands for the whole
window. All three go on at once, each role a process, on one anvil with a block each second. The
published figures are from other machines.

{table}

Wanted: at most {WANTED} s from the false claim to the true answer's being final. Met: {verdict}. Where
the game is opened in the window's last second and each side uses up its clock but for the last moment, a
verdict comes {WINDOW} + 2 x {RESPONSE} s after the claim, whatever the network.
"""


def main() -> None:
    """Measures, and writes the page."""
    with (
        tempfile.TemporaryDirectory(prefix="anh-head-to-head-") as folder,
        ProcessGroup(Path(folder) / "logs") as processes,
    ):
        text = page(told(LocalNetwork(Path(folder), processes, rules=RULES)))
    PAGE.write_text(text, encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
