"""How the command line's roles evaluate, train and answer."""

import logging
import time
from collections.abc import Callable, Sequence
from typing import Final

from anh_rollup.accountant.conduct import HONEST, Conduct
from anh_rollup.accountant.work import Answerer, Trainer, TrainingTask
from anh_rollup.cli.on_demand import NO_TIME
from anh_rollup.cluster.cluster import Cluster
from anh_rollup.cluster.evaluator import ClusterEvaluator
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.backend import Evaluator
from anh_rollup.evaluation.fast_backend import fastest_evaluator
from anh_rollup.primitives import Seconds
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.program import Program
from anh_rollup.training.answering import answer
from anh_rollup.training.float_program import FloatProgram
from anh_rollup.training.hints import TrainingHints, decode_hints
from anh_rollup.training.trainer import Epoch, Oversight, train_module
from anh_rollup.watching import Watch, unwatched

LOG = logging.getLogger(__name__)

#: Epochs of a training whose result nobody checks before it is claimed.
UNCHECKED_EPOCHS: Final = 1


def make_evaluator(cluster: Cluster | None = None, watch: Watch = unwatched) -> Evaluator:
    """The exact backend that roles use; it gives what is much to a cluster where there is one.

    Args:
        cluster: The cluster, which tells by itself how far it is.
        watch: Shows how far it is with samples here.
    """
    return fastest_evaluator(watch) if cluster is None else ClusterEvaluator(fastest_evaluator(), cluster)


def make_trainer(
    store: ArtifactStore,
    conduct: Conduct = HONEST,
    watch: Watch = unwatched,
    spare: Seconds = NO_TIME,
    clock: Callable[[], float] = time.time,
) -> Trainer:
    """How training jobs are done: as the job's poster suggests, until its properties hold or time is up.

    Args:
        store: Where hints and training data are read.
        conduct: Whoever does not check results hardly trains, whatever the hints say: its lie is that they
            are good. Other lies are about a result that reaches the thresholds, and need a whole training.
        watch: Shows how far it is with an epoch.
        spare: Seconds before a job's deadline in which it is trained for no more: its claim needs them.
        clock: Seconds since 1970, as L1's blocks have them.
    """

    def work(task: TrainingTask) -> Sequence[Elements]:
        hints, samples = _hints(store, task)
        module = FloatProgram(task.architecture)
        if hints.initial_root is not None:
            module.load(store.get_model(hints.initial_root, task.job.uri).parameters)
        if not conduct.checks:
            hints = hints.model_copy(update={"epochs": UNCHECKED_EPOCHS})
        LOG.info("training 0x%s: %d samples", task.job.architecture.hex()[:8], samples.count)
        oversight = Oversight(_tell, watch, lambda: clock() >= task.job.deadline - spare)
        trained = train_module(module, samples, hints, task.is_good, oversight)
        LOG.info("trained %d epochs in %.1f s", trained.epochs, trained.seconds)
        return trained.parameters

    return work


def make_answerer(engine: str, store: ArtifactStore, watch: Watch = unwatched) -> Answerer:
    """How inference jobs are answered: from the float reading, by one of `ENGINES`.

    Args:
        engine: Which one.
        store: Where networks are that were imported here.
        watch: Shows how far it is.
    """

    def work(architecture: Program, samples: Dataset, model: Model) -> Sequence[Elements]:
        network = store.get_network(architecture.root, model.root)
        return answer(architecture, samples, model.parameters, engine, network=network, watch=watch)

    return work


def _hints(store: ArtifactStore, task: TrainingTask) -> tuple[TrainingHints, Dataset]:
    """The poster's hints with their data; without hints the property's own data and the usual recipe."""
    document = store.get_recipe(task.job.architecture, task.job.uri)
    if document is None:
        return TrainingHints(training_data=f"0x{task.samples.root.hex()}"), task.samples
    hints = decode_hints(document)
    return hints, store.get_dataset(hints.data_root, task.job.uri)


def _tell(epoch: Epoch) -> None:
    LOG.info("epoch %d of %d: loss %.4f", epoch.number, epoch.of, epoch.loss)
