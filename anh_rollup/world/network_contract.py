"""The DNN system contract: networks are published, evaluated and trained (docs/world.md)."""

from functools import partial
from typing import Final

import numpy as np

from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.errors import SourcesRefusedError
from anh_rollup.primitives import ZERO_DIGEST, Gas
from anh_rollup.protocol.called import TrainingRequest, Untrained, encode_request
from anh_rollup.protocol.jobs import terms
from anh_rollup.protocol.publications import (
    MOST_ARTIFACT_BYTES,
    SELECTORS,
    Assembly,
    Part,
    PublicationMalformedError,
    PublishedKind,
    assembly_gas,
    decode_publication,
    dnn_call_gas,
    measured,
)
from anh_rollup.world.cell_store import CellStore
from anh_rollup.world.engine import SystemAnswer, SystemCall
from anh_rollup.world.errors import ResultMissingError
from anh_rollup.world.inference import Inference
from anh_rollup.world.network_calls import (
    INFER_SELECTOR,
    PUBLISHED_SELECTOR,
    TRAIN_SELECTOR,
    InferCall,
    decode_infer,
    decode_published,
    decode_train,
    encode_answer,
    encode_published,
    encode_training,
    refusal,
)
from anh_rollup.world.prepared import PreparedProgram, prepare
from anh_rollup.world.publication_store import Candidate
from anh_rollup.world.published import Published

TRAIN_GAS: Final = 45_000
"""What `train` takes beside it."""

WAIT_GAS: Final = 5_000
"""What each second until its deadline takes besides (choice): while a training waits others do, too."""

MOST_TRAINING_SECONDS: Final = 3_600
"""From a call of `train` to its deadline at most (choice): one call holds up others by no more than that and
L1's `settlement`, and an hour is enough for networks of which contracts can pay for an inference."""


class NetworkContract:
    """Answers calls of the DNN address.

    Args:
        cells: Results of called jobs.
        published: What is published before the place of the run.
        inference: Evaluates networks.
    """

    def __init__(self, cells: CellStore, published: Published, inference: Inference) -> None:
        self._cells = cells
        self._published = published
        self._inference = inference

    def call(self, call: SystemCall) -> SystemAnswer:
        """What a call returns; see `SystemContract.call`.

        Raises:
            ResultMissingError: A final claim about a called job is not there yet.
            SystemRevertError: The call is malformed, or does not fit its network, or nobody has published or
                trained it.
            OrderReplacedError: The order was replaced meanwhile.
        """
        gas = dnn_call_gas(call.data)
        if call.gas < gas:
            return SystemAnswer(b"", gas)
        selector = call.data[:4]
        if selector == INFER_SELECTOR:
            return self._infer(call, gas)
        if selector == TRAIN_SELECTOR:
            return self._train(call, gas)
        if selector == PUBLISHED_SELECTOR:
            return self._tell(call, gas)
        if selector in SELECTORS:
            return self._publish(call, gas)
        raise refusal(gas, "UnknownFunction", selector.ljust(4, b"\0"))

    def _train(self, call: SystemCall, gas: Gas) -> SystemAnswer:
        job = decode_train(call.data, gas)
        left = job.deadline - call.time
        if not 1 <= left <= MOST_TRAINING_SECONDS:
            allowed = call.time + 1, call.time + MOST_TRAINING_SECONDS
            raise refusal(gas, "DeadlineOutside", job.deadline, *allowed)
        gas = Gas(gas + TRAIN_GAS + left * WAIT_GAS)
        if call.gas < gas:
            return SystemAnswer(b"", gas)
        cell = self._cells.cell(terms(job))
        if cell is None:
            raise ResultMissingError(encode_request(TrainingRequest(job, call.value)))
        if isinstance(cell, Untrained):
            raise refusal(gas, "NotTrained", terms(job))
        return SystemAnswer(encode_training(cell), gas, cell.claimant)

    def _infer(self, call: SystemCall, gas: Gas) -> SystemAnswer:
        if call.value:
            raise refusal(gas, "ValueRefused", call.value)
        asked = decode_infer(call.data, gas)
        found = self._find(PublishedKind.PROGRAM, asked.architecture, gas)
        model = None if asked.model == ZERO_DIGEST else self._find(PublishedKind.MODEL, asked.model, gas)
        gas = Gas(gas + found.gas + (0 if model is None else model.gas))
        if call.gas < gas:
            return SystemAnswer(b"", gas)
        made = self._inference.program(asked.architecture, lambda: prepare(self._published.program(found)))
        if made.work is None:
            raise refusal(gas, "ProgramUnfit", asked.architecture)
        fields = _fields(made, asked, gas)
        gas = Gas(gas + made.gas)
        if call.gas < gas:
            return SystemAnswer(b"", gas)
        return SystemAnswer(encode_answer(self._evaluate(made, asked, model, fields, gas)), gas)

    def _evaluate(
        self, made: PreparedProgram, asked: InferCall, model: Candidate | None, x: list[Elements], gas: Gas
    ) -> Elements:
        """The output for one sample whose inference is paid; raises `SystemRevertError` for a wrong model."""
        if model is not None and model.size != made.model_size:
            raise refusal(gas, "ModelUnfit", asked.architecture, asked.model)
        read = None if model is None else partial(self._published.model, model)
        try:
            return self._inference.evaluate(made, asked.model, x, read)
        except SourcesRefusedError as error:
            raise refusal(gas, "ModelUnfit", asked.architecture, asked.model) from error

    def _find(self, kind: PublishedKind, root: bytes, gas: Gas) -> Candidate:
        """The publication of a root; raises `SystemRevertError` where there is none."""
        found = self._published.find(kind, root)
        if found is None:
            raise refusal(gas, "NotPublished", root)
        return found

    def _tell(self, call: SystemCall, gas: Gas) -> SystemAnswer:
        if call.value:
            raise refusal(gas, "ValueRefused", call.value)
        root = decode_published(call.data, gas)
        found = any(self._published.find(kind, root) is not None for kind in PublishedKind)
        return SystemAnswer(encode_published(found), gas)

    def _publish(self, call: SystemCall, gas: Gas) -> SystemAnswer:
        """Says of a publication whether it counts: the order has it already (`PublicationStore.add`)."""
        if not call.is_direct:
            raise refusal(gas, "NotDirect")
        if call.value:
            raise refusal(gas, "ValueRefused", call.value)
        try:
            publication = decode_publication(call.data)
        except PublicationMalformedError as error:
            raise refusal(gas, "MalformedCall") from error
        if publication.assembly is None:
            return SystemAnswer(b"", gas)
        return self._assemble(call, publication.assembly, publication.part, gas)

    def _assemble(self, call: SystemCall, assembly: Assembly, part: Part | None, gas: Gas) -> SystemAnswer:
        content = None if part is None else part.content
        missing = self._published.missing_part(assembly) if content is None else None
        if missing is not None:
            raise refusal(gas, "NotPublished", missing)
        measure = self._published.measure(assembly) if content is None else measured(content)
        needed = assembly_gas(assembly, measure)
        if needed is None and measure.size > MOST_ARTIFACT_BYTES:
            raise refusal(gas, "ArtifactTooLarge", measure.size, MOST_ARTIFACT_BYTES)
        if needed is None:
            raise refusal(gas, "WrongBytes", assembly.root)
        gas = Gas(gas + needed)
        if call.gas < gas:
            return SystemAnswer(b"", gas)
        if not self._published.is_sound(assembly, content):
            raise refusal(gas, "WrongBytes", assembly.root)
        return SystemAnswer(b"", gas)


def _fields(made: PreparedProgram, asked: InferCall, gas: Gas) -> list[Elements]:
    """The elements of each field of one sample: (1, *shape).

    Raises:
        SystemRevertError: They are not what the program declares.
    """
    if len(asked.x) != made.inputs:
        raise refusal(gas, "WrongInputCount", len(asked.x), made.inputs)
    fields, start = [], 0
    for each in made.program.fields:
        elements = asked.x[start : start + each.size]
        outside = np.flatnonzero((elements < each.low) | (elements > each.high))
        if len(outside):
            place = int(outside[0])
            where = (start + place, int(elements[place]), each.low, each.high)
            raise refusal(gas, "InputOutOfRange", *where)
        fields.append(elements.reshape(1, *each.shape))
        start += each.size
    return fields
