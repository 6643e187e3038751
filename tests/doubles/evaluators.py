"""Fast evaluators for every kind of processor, and what all of them must give: the reference's bytes."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Final

import pytest
from llvmlite import binding

from anh_rollup.evaluation import compiled_program, tape
from anh_rollup.evaluation.backend import Evaluator
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.evaluation.torch_program import TorchEvaluator
from anh_rollup.kernels.machine_code import NARROW, WIDE, Processor, this_processor
from anh_rollup.tensor.program import Program, Tensor

#: For this processor, for its vectors in both widths, for any processor of its kind, and not at all.
BUILDS: Final = ("here", "wide", "narrow", "generic", "none")


def processor_of(build: str) -> Processor | None:
    """What a build's kernels are compiled for; None for no kernels."""
    if build == "none":
        return None
    if build == "generic":
        return Processor("generic", "", NARROW)
    here = this_processor()
    assert here is not None
    lanes = {"wide": WIDE, "narrow": NARROW}.get(build, here.lanes)
    return Processor(binding.get_host_cpu_name(), here.features, lanes)


@contextmanager
def small_parts(module: ModuleType, threads: int) -> Iterator[None]:
    """So many threads, for which a module shares work out in parts as small as can be."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "PART_WORK", 1)
        for each in (tape, compiled_program):
            patch.setattr(each, "processors", lambda: threads)
        yield


def same(program: Program, sources: Sources, *evaluators: Evaluator) -> None:
    """Asserts that evaluators give the reference's bytes, for all samples and for one's trace.

    Args:
        program: The program.
        sources: Its samples and parameters.
        evaluators: Compiled kernels, and torch alone, where none are given.
    """
    reference = ReferenceEvaluator().evaluate(program, sources)
    last = sources.count - 1
    expected = ReferenceEvaluator().trace(program, sources, last)
    for each in evaluators or (FastEvaluator(), TorchEvaluator()):
        ours = each.evaluate(program, sources)
        assert (ours.dtype, ours.shape) == (reference.dtype, reference.shape)
        assert ours.tobytes() == reference.tobytes()
        same_trace(each.trace(program, sources, last), expected)
        loaded = each.load(program, sources.parameters)
        for _ in range(2):
            # The second time with what the first has kept.
            assert loaded.evaluate(sources.fields, sources.answers).tobytes() == reference.tobytes()
            same_trace(loaded.trace(last, sources.fields, sources.answers), expected)


def same_trace(ours: Sequence[Tensor], reference: Sequence[Tensor]) -> None:
    """Asserts that two traces have the same types, shapes and bytes."""
    for one, other in zip(ours, reference, strict=True):
        assert (one.dtype, one.shape, one.tobytes()) == (other.dtype, other.shape, other.tobytes())
