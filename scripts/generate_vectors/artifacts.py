"""Tensors, their openings, models, data sets and program roots."""

from anh_rollup.encoding.artifacts import (
    Dataset,
    Model,
    ProgramHeader,
    encode_dataset,
    encode_model,
    sample_root,
)
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.tensors import (
    Elements,
    Opening,
    TensorTree,
    encode_shape,
    opening_tree_root,
    tensor_root,
)
from scripts.generate_vectors.cases import Row, Vectors, packed_uint32s, some_bytes, some_elements, table

_SHAPES = ((), (1,), (31,), (32,), (33,), (5, 13), (3, 4, 5, 6), (1, 1, 1, 1, 1, 1, 1, 1), (2, 200))
_LARGEST_SHAPES = ((2**31 - 1,), (1,) * 7 + (2**31 - 1,), (46340, 46341))


def vectors() -> Vectors:
    """Tables for each kind of artifact.

    shape is rank and dims as they enter the hash; elements are 4 bytes each, chunks too, hashes 32.
    """
    trees = [
        TensorTree(some_elements(f"tensor {shape}", shape, _bits(at))) for at, shape in enumerate(_SHAPES)
    ]
    models, datasets = [Model([tree.elements for tree in trees[:size]]) for size in (1, 2, 5, 9)], _datasets()
    return {
        "tensors": table([_tensor(tree) for tree in trees]),
        "large_tensors": table([_large_tensor(shape) for shape in _LARGEST_SHAPES]),
        "openings": table([row for tree in trees for row in _openings(tree)]),
        "bad_openings": table(_bad_openings()),
        "models": table([_model(model) for model in models]),
        "parameters": table([_parameter(model, at) for model in models for at in range(len(model.tensors))]),
        "datasets": table([_dataset(dataset) for dataset in datasets]),
        "samples": table([_sample(dataset, at) for dataset in datasets for at in (0, dataset.count - 1)]),
        "programs": table([_program(at) for at in range(4)]),
    }


def _bits(at: int) -> int:
    return (8, 16, 24, 32)[at % 4]


def _bytes_of(elements: Elements) -> bytes:
    return elements.astype(">i4").tobytes()


def _tensor(tree: TensorTree) -> Row:
    return {
        "shape": encode_shape(tree.shape),
        "elements": _bytes_of(tree.elements),
        "chunk_count": tree.chunk_count,
        "tree_root": tree.tree_root,
        "root": tree.root,
    }


def _large_tensor(shape: tuple[int, ...]) -> Row:
    tree_root = some_bytes(f"large {shape}", 32)
    return {"shape": encode_shape(shape), "tree_root": tree_root, "root": tensor_root(shape, tree_root)}


def _opening(shape: tuple[int, ...], opening: Opening) -> Row:
    return {
        "shape": encode_shape(shape),
        "chunks": packed_uint32s(opening.chunks),
        "width": opening.width,
        "data": opening.data,
        "proof": b"".join(opening.proof),
    }


def _openings(tree: TensorTree) -> list[Row]:
    last = tree.chunk_count - 1
    choices = sorted({(0,), (last,), tuple(sorted({0, last})), tuple(range(min(3, last + 1)))})
    openings = [tree.opening(chunks) for chunks in choices] + [tree.opening([0], width=4)]
    return [
        {
            **_opening(tree.shape, opening),
            "root": tensor_root(tree.shape, opening_tree_root(tree.shape, opening)),
        }
        for opening in openings
    ]


def _bad_openings() -> list[Row]:
    tree = TensorTree(some_elements("bad opening", (70,), 16))
    good, last = _opening(tree.shape, tree.opening([0, 2])), tree.opening([2])
    padded = last.data[:12] + b"\1" + last.data[13:]
    data = bytes(tree.opening([0, 2]).data)
    return [
        {**good, "data": data[:-1], "why": "data too short"},
        {**good, "data": data + b"\0", "why": "data too long"},
        {**good, "width": 0, "data": b"", "why": "width 0"},
        {**good, "width": 5, "data": bytes(2 * 32 * 5), "why": "width 5"},
        {**good, "chunks": packed_uint32s([2, 0]), "why": "not ascending"},
        {**good, "chunks": packed_uint32s([0, 3]), "why": "a chunk behind the last one"},
        {**good, "proof": b"", "why": "no proof"},
        {**_opening(tree.shape, last), "data": padded, "why": "padding that is not zero"},
    ]


def _model(model: Model) -> Row:
    return {
        "bytes": encode_model(model),
        "tensors": b"".join([tensor.root for tensor in model.tensors]),
        "count": model.header.count,
        "tree_root": model.header.tree_root,
        "root": model.root,
    }


def _parameter(model: Model, index: int) -> Row:
    opening = model.opening(index)
    return {
        "count": opening.count,
        "index": index,
        "tensor": opening.tensor,
        "proof": b"".join(opening.proof),
        "root": model.root,
    }


def _datasets() -> list[Dataset]:
    shapes: tuple[tuple[int, tuple[tuple[int, ...], ...]], ...] = (
        (1, ((),)),
        (3, ((4, 9), ())),
        (6, ((65,), (2,), ())),
    )
    return [
        Dataset(
            [some_elements(f"dataset {count} {at}", (count, *shape), 16) for at, shape in enumerate(fields)]
        )
        for count, fields in shapes
    ]


def _dataset(dataset: Dataset) -> Row:
    return {
        "bytes": encode_dataset(dataset),
        "count": dataset.header.count,
        "tree_root": dataset.header.tree_root,
        "root": dataset.root,
    }


def _sample(dataset: Dataset, index: int) -> Row:
    opening = dataset.opening(index)
    return {
        "tensors": b"".join(opening.tensors),
        "sample": sample_root(opening.tensors),
        "count": opening.count,
        "index": index,
        "proof": b"".join(opening.proof),
        "root": dataset.root,
    }


def _program(at: int) -> Row:
    values, fields, answers, parameters = (
        (1, 1, 0, 0),
        (300, 2, 3, 70),
        (2**32 - 1, 255, 255, 2**16),
        (9, 0, 1, 5),
    )[at]
    header = ProgramHeader(values, fields, answers, parameters, keccak256(some_bytes(f"program {at}", 32)))
    return {
        "values": values,
        "fields": fields,
        "answers": answers,
        "parameters": parameters,
        "tree_root": header.tree_root,
        "root": header.root,
    }
