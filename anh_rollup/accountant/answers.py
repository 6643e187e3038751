"""What answers a demand: the chunks with the way to them, or what shows that there are none.

A leaf or chunk behind the end is answered by the last one, whose proof shows that only padding follows
(contracts/libraries/Results.sol).
"""

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.tensors import Opening, TensorTree, encode_shape
from anh_rollup.l1.contracts.claims import Demand
from anh_rollup.protocol.evidence import NO_OPENING
from anh_rollup.protocol.game import TensorPath

Shown = tuple[TensorPath, Opening]


def answer_from_model(asked: Demand, model: Model) -> Shown:
    """The answer to a demand for a parameter of a trained model."""
    leaf = min(asked.leaf, model.tree.count - 1)
    opened = model.opening(leaf)
    path = TensorPath(model.tree.count, model.tree.root, (opened.tensor,), opened.proof)
    if leaf != asked.leaf or asked.field > 0:
        return path, NO_OPENING
    return _with_chunks(asked, path, model.tensors[leaf])


def answer_from_answers(asked: Demand, answers: Dataset) -> Shown:
    """The answer to a demand for an answer of an inference."""
    leaf = min(asked.leaf, answers.count - 1)
    opened = answers.opening(leaf)
    path = TensorPath(answers.count, answers.tree.root, opened.tensors, opened.proof)
    if leaf != asked.leaf or asked.field >= len(answers.fields):
        return path, NO_OPENING
    return _with_chunks(asked, path, TensorTree(answers.sample(leaf)[asked.field]))


def _with_chunks(asked: Demand, path: TensorPath, tensor: TensorTree) -> Shown:
    """The way down to the tensor, and the chunks of the demand that it has, or its last one."""
    shape = encode_shape(tensor.shape)
    whole = TensorPath(path.count, path.tree_root, path.tensors, path.proof, shape, tensor.tree_root)
    first = min(asked.first_chunk, tensor.chunk_count - 1)
    end = min(asked.first_chunk + asked.count, tensor.chunk_count)
    return whole, tensor.opening(range(first, max(end, first + 1)))
