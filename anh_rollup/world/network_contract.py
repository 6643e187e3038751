"""The DNN system contract: contracts evaluate networks, and have some trained (docs/world.md)."""

from math import ceil
from typing import Final

import numpy as np

from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.errors import ProgramTooLargeError, SourcesRefusedError, WorkTooLargeError
from anh_rollup.evaluation.workload import check_work
from anh_rollup.primitives import Gas
from anh_rollup.protocol.called import TrainingRequest, Untrained, encode_request
from anh_rollup.protocol.jobs import terms
from anh_rollup.tensor.program import Program
from anh_rollup.world.cell_store import CellStore
from anh_rollup.world.engine import SystemAnswer, SystemCall
from anh_rollup.world.errors import ResultMissingError
from anh_rollup.world.inference import Inference
from anh_rollup.world.network_calls import (
    INFER_SELECTOR,
    TRAIN_SELECTOR,
    InferCall,
    decode_infer,
    decode_train,
    encode_answer,
    encode_training,
    refusal,
)

CALL_GAS: Final = 5_000
"""What every call takes, refused ones too."""

WORD_GAS: Final = 6
"""What every 32 bytes of calldata take beside it (those of KECCAK256)."""

TRAIN_GAS: Final = 45_000
"""What `train` takes beside it."""

WAIT_GAS: Final = 5_000
"""What each second until its deadline takes besides (choice): while a training waits others do, too."""

MOST_TRAINING_SECONDS: Final = 3_600
"""From a call of `train` to its deadline at most (choice): one call holds up others by no more than that and
L1's `settlement`, and an hour is enough for networks of which contracts can pay for an inference."""

WORK_PER_GAS: Final = 32
"""Multiply-adds of an evaluation for one gas: 25 million gas a second on two slow cores (`ONE_ELEMENT`)."""

VALUE_GAS: Final = 1_000
"""What each value of a program takes beside its work. Measured: to decode it, with a parameter of the model,
and to hand it to the evaluator takes 40 microseconds."""

MOST_CALL_WORK: Final = 1 << 31
"""Multiply-adds of one call of `infer` at most: three seconds there, 67 million gas."""


class NetworkContract:
    """Answers calls of the DNN address.

    Args:
        cells: Results of called jobs.
        inference: Evaluates networks.
    """

    def __init__(self, cells: CellStore, inference: Inference) -> None:
        self._cells = cells
        self._inference = inference

    def call(self, call: SystemCall) -> SystemAnswer:
        """What a call returns; see `SystemContract.call`.

        Raises:
            ResultMissingError: An artifact, or a final claim about a called job, is not there yet.
            SystemRevertError: The call is malformed, or does not fit its network, or nobody has trained it.
        """
        gas = Gas(CALL_GAS + WORD_GAS * ceil(len(call.data) / 32))
        if call.gas < gas:
            return SystemAnswer(b"", gas)
        selector = call.data[:4]
        if selector == INFER_SELECTOR:
            return self._infer(call, gas)
        if selector == TRAIN_SELECTOR:
            return self._train(call, gas)
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
        uris = tuple(dict.fromkeys(each for each in (asked.uri, *self._cells.uris_of(asked.model)) if each))
        program = self._inference.program(asked.architecture, uris)
        fields = _fields(program, asked, gas)
        try:
            owed = Gas(gas + inference_gas(program))
        except (ProgramTooLargeError, WorkTooLargeError) as error:
            raise refusal(gas, "ProgramUnfit", asked.architecture) from error
        if call.gas < owed:
            return SystemAnswer(b"", owed)
        try:
            y = self._inference.evaluate(program, asked.model, fields, uris)
        except SourcesRefusedError as error:
            raise refusal(owed, "ModelUnfit", asked.architecture, asked.model) from error
        return SystemAnswer(encode_answer(y), owed)


def inference_gas(program: Program) -> Gas:
    """What one evaluation of a program takes.

    Raises:
        ProgramTooLargeError: It takes more memory than it may.
        WorkTooLargeError: It takes more work than one call may.
    """
    work = check_work(program, 1, MOST_CALL_WORK)
    return Gas(VALUE_GAS * len(program.values) + ceil(work / WORK_PER_GAS))


def _fields(program: Program, asked: InferCall, gas: Gas) -> list[Elements]:
    """The elements of each field of one sample: (1, *shape).

    Raises:
        SystemRevertError: They are not what the program declares, or it takes answers, too.
    """
    if program.answers:
        raise refusal(gas, "ProgramUnfit", asked.architecture)
    needed = sum(each.size for each in program.fields)
    if len(asked.x) != needed:
        raise refusal(gas, "WrongInputCount", len(asked.x), needed)
    fields, start = [], 0
    for each in program.fields:
        elements = asked.x[start : start + each.size]
        outside = np.flatnonzero((elements < each.low) | (elements > each.high))
        if len(outside):
            place = int(outside[0])
            where = (start + place, int(elements[place]), each.low, each.high)
            raise refusal(gas, "InputOutOfRange", *where)
        fields.append(elements.reshape(1, *each.shape))
        start += each.size
    return fields
