"""Openings that the contract reads: elements of the accountant's tensors, proven against its trace."""

from collections.abc import Sequence
from typing import Final

import numpy as np

from anh_rollup.encoding.tensors import CHUNK_ELEMENTS, Opening
from anh_rollup.protocol.evaluated import Indices, Trace
from anh_rollup.protocol.game import Inputs
from anh_rollup.protocol.overlay import NodeSource, proof_between

#: What stands for an input that the element does not read; the width is any that is valid.
NO_OPENING: Final = Opening((), 1, b"", ())


def open_inputs(trace: Trace, tree: NodeSource, inputs: Sequence[int], needed: Sequence[Indices]) -> Inputs:
    """Opens what an instruction reads.

    Args:
        trace: The tensors, on which both sides agree.
        tree: The accountant's trace tree, to whose root the proofs lead.
        inputs: Ids of the instruction's inputs.
        needed: For each input the flat indices that are read.
    """
    openings, proofs = [], []
    for source, indices in zip(inputs, needed, strict=True):
        chunks = [int(chunk) for chunk in np.unique(indices // CHUNK_ELEMENTS)]
        openings.append(trace.tensors[source].opening(chunks) if chunks else NO_OPENING)
        proofs.append(proof_between(tree, 0, source, tree.depth) if chunks else ())
    return Inputs(tuple(openings), tuple(proofs))


def open_shown(chunk: bytes, index: int, tree: NodeSource) -> Opening:
    """Opens one chunk that the accountant revealed.

    Args:
        chunk: Its 128 bytes.
        index: Its index.
        tree: The accountant's chunk tree.
    """
    return Opening((index,), 4, chunk, proof_between(tree, 0, index, tree.depth))
