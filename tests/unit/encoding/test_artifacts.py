import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.artifacts import (
    Dataset,
    DatasetHeader,
    Model,
    ModelHeader,
    ProgramHeader,
    decode_dataset,
    decode_model,
    encode_dataset,
    encode_model,
    sample_root,
    tensor_roots,
)
from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.encoding.tensors import Elements, TensorTree
from anh_rollup.primitives import ZERO_DIGEST

SHAPES = st.lists(st.integers(1, 7), max_size=3).map(tuple)


def tensor_of(shape: tuple[int, ...], seed: int = 0) -> Elements:
    words = np.random.default_rng(seed).integers(-(2**31), 2**31, shape, np.int64)
    return np.asarray(words.astype(np.int32), np.int32)


def model_of(*shapes: tuple[int, ...]) -> Model:
    return Model([tensor_of(shape, at) for at, shape in enumerate(shapes)])


def dataset_of(count: int, *shapes: tuple[int, ...]) -> Dataset:
    return Dataset([tensor_of((count, *shape), at) for at, shape in enumerate(shapes)])


@given(st.lists(SHAPES, min_size=1, max_size=9))
def test_the_root_of_a_model_is_the_defined_one(shapes: list[tuple[int, ...]]) -> None:
    model = model_of(*shapes)
    tree_root = MerkleTree([TensorTree(elements).root for elements in model.parameters]).root
    assert model.header == ModelHeader(len(shapes), tree_root)
    assert model.root == keccak256(b"\2" + len(shapes).to_bytes(4, "big") + tree_root)


@given(st.lists(SHAPES, min_size=1, max_size=9))
def test_every_parameter_opens_its_model(shapes: list[tuple[int, ...]]) -> None:
    model = model_of(*shapes)
    openings = [model.opening(index) for index in range(len(shapes))]
    assert [opening.root() for opening in openings] == [model.root] * len(shapes)
    assert [opening.tensor for opening in openings] == [tensor.root for tensor in model.tensors]


@given(st.lists(SHAPES, min_size=1, max_size=4), st.integers(1, 9))
def test_the_root_of_a_dataset_is_the_defined_one(shapes: list[tuple[int, ...]], count: int) -> None:
    dataset = dataset_of(count, *shapes)
    roots = [[TensorTree(field[at]).root for field in dataset.fields] for at in range(count)]
    samples = [keccak256(b"\3" + bytes([len(shapes)]) + b"".join(row)) for row in roots]
    tree_root = MerkleTree(samples).root
    assert dataset.header == DatasetHeader(count, tree_root)
    assert dataset.root == keccak256(b"\4" + count.to_bytes(4, "big") + tree_root)
    assert [list(dataset.tensors(at)) for at in range(count)] == roots


@pytest.mark.parametrize("shape", [(), (32,), (33,), (97,), (5, 31), (400,)])
def test_the_roots_of_a_field_are_those_of_its_samples(shape: tuple[int, ...]) -> None:
    field = tensor_of((5, *shape))
    assert tensor_roots(field) == b"".join([TensorTree(sample).root for sample in field])


def test_a_field_longer_than_one_slab_has_the_same_roots() -> None:
    field = tensor_of((3, 1 << 20))
    assert tensor_roots(field) == b"".join([TensorTree(sample).root for sample in field])


@given(st.integers(1, 20))
def test_every_sample_opens_its_dataset(count: int) -> None:
    dataset = dataset_of(count, (3, 4), ())
    openings = [dataset.opening(index) for index in range(count)]
    assert [opening.root() for opening in openings] == [dataset.root] * count


def test_a_sample_is_one_row_of_each_field() -> None:
    dataset = dataset_of(4, (3,), ())
    image, label = dataset.sample(2)
    assert dataset.field_shapes == ((3,), ())
    assert (image.tolist(), label.shape) == (dataset.fields[0][2].tolist(), ())
    assert dataset.tensors(2) == (TensorTree(image).root, TensorTree(label).root)


@pytest.mark.parametrize("index", [-1, 4])
def test_what_is_not_there_has_no_opening(index: int) -> None:
    dataset, model = dataset_of(4, ()), model_of((), (), (), ())
    for read in (dataset.sample, dataset.tensors, dataset.opening, model.opening):
        with pytest.raises(EncodingError) as caught:
            read(index)
        assert caught.value.reason is EncodingReason.OUT_OF_RANGE


def test_an_opening_with_another_index_or_count_opens_another_root() -> None:
    model, dataset = model_of((), (), ()), dataset_of(3, ())
    assert replace(model.opening(0), index=1).root() != model.root
    assert replace(model.opening(0), count=4).root() != model.root
    assert replace(dataset.opening(0), index=1).root() != dataset.root
    assert replace(dataset.opening(0), count=4).root() != dataset.root


def test_an_opening_behind_the_count_is_refused() -> None:
    for opening in (model_of((), (), ()).opening(0), dataset_of(3, ()).opening(0)):
        with pytest.raises(EncodingError, match=r"^index 0x3 is not in 0 to 2$"):
            replace(opening, index=3).root()
        with pytest.raises(EncodingError, match=r"^the proof has 2 siblings for a depth of 3$"):
            replace(opening, count=5).root()


def test_the_root_of_a_program_is_the_defined_one() -> None:
    header = ProgramHeader(300, 2, 1, 7, ZERO_DIGEST)
    assert header.root == keccak256(bytes.fromhex("05 0000012c 02 01 00000007") + bytes(32))


@pytest.mark.parametrize("count", [0, 256])
def test_a_sample_has_1_to_255_fields(count: int) -> None:
    message = rf"^the number of fields is {count}, outside 1 to 255$"
    with pytest.raises(EncodingError, match=message):
        sample_root([bytes(32)] * count)
    with pytest.raises(EncodingError, match=message):
        Dataset([np.zeros(1, np.int32)] * count)


@pytest.mark.parametrize("count", [0, 2**16 + 1])
def test_a_model_has_1_to_65536_parameters(count: int) -> None:
    with pytest.raises(EncodingError, match=rf"^the number of parameters is {count}, outside 1 to 65536$"):
        Model([np.int32(0)] * count)


@pytest.mark.parametrize("bad", [np.zeros(2, np.float64), np.array([np.nan, 0]), np.zeros(2, np.int8)])
def test_nothing_but_int32_enters_an_artifact(bad: Elements) -> None:
    for make in (Model, Dataset):
        with pytest.raises(EncodingError) as caught:
            make([bad])
        assert caught.value.reason is EncodingReason.WRONG_TYPE


@pytest.mark.parametrize(
    "shapes", [[(3,), (4,)], [()], [(3,), ()], [(3, 0)], [(1,) * 10], [(1, 2**10, 0, 2)]]
)
def test_fields_of_a_dataset_agree_in_the_number_of_samples_and_are_tensors(
    shapes: list[tuple[int, ...]],
) -> None:
    with pytest.raises(EncodingError) as caught:
        Dataset([np.zeros(shape, np.int32) for shape in shapes])
    assert caught.value.reason is EncodingReason.WRONG_SHAPE


def test_a_dataset_without_samples_is_refused() -> None:
    with pytest.raises(EncodingError, match=r"^the number of samples is 0, "):
        Dataset([np.zeros((0, 3), np.int32)])


@given(st.lists(SHAPES, min_size=1, max_size=5))
def test_a_stored_model_comes_back(shapes: list[tuple[int, ...]]) -> None:
    model = model_of(*shapes)
    back = decode_model(encode_model(model), model.root)
    assert [elements.tolist() for elements in back.parameters] == [
        elements.tolist() for elements in model.parameters
    ]
    assert encode_model(back) == encode_model(model)


@given(st.lists(SHAPES, min_size=1, max_size=4), st.integers(1, 5))
def test_a_stored_dataset_comes_back(shapes: list[tuple[int, ...]], count: int) -> None:
    dataset = dataset_of(count, *shapes)
    back = decode_dataset(encode_dataset(dataset), dataset.root)
    assert back.field_shapes == dataset.field_shapes
    assert [field.tolist() for field in back.fields] == [field.tolist() for field in dataset.fields]
    assert encode_dataset(back) == encode_dataset(dataset)


def test_an_artifact_cut_anywhere_is_refused() -> None:
    model, dataset = encode_model(model_of((3,), (2, 2))), encode_dataset(dataset_of(3, (2,), ()))
    for decode, data in ((decode_model, model), (decode_dataset, dataset)):
        for end in range(len(data)):
            with pytest.raises(EncodingError):
                decode(data[:end])
        with pytest.raises(EncodingError) as caught:
            decode(data + b"\0")
        assert caught.value.reason is EncodingReason.TRAILING


def test_an_artifact_with_any_byte_changed_is_refused() -> None:
    model, dataset = model_of((3,), (2, 2)), dataset_of(3, (2,), ())
    stored = (
        (decode_model, encode_model(model), model.root),
        (decode_dataset, encode_dataset(dataset), dataset.root),
    )
    for decode, data, root in stored:
        for at in range(len(data)):
            with pytest.raises(EncodingError):
                decode(data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :], root)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("00000000", EncodingReason.OUT_OF_RANGE),
        ("ffffffff", EncodingReason.OUT_OF_RANGE),
        ("00010000", EncodingReason.TRUNCATED),
        ("00000001 01 7fffffff", EncodingReason.TRUNCATED),
        ("00000001 08" + "ffffffff" * 8, EncodingReason.WRONG_SHAPE),
    ],
)
def test_a_model_that_promises_too_much_is_refused_before_memory_is_taken(
    data: str, reason: EncodingReason
) -> None:
    with pytest.raises(EncodingError) as caught:
        decode_model(bytes.fromhex(data))
    assert caught.value.reason is reason


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        ("00000000 01 00", EncodingReason.OUT_OF_RANGE),
        ("00000001 00", EncodingReason.OUT_OF_RANGE),
        ("ffffffff 01 00", EncodingReason.TRUNCATED),
        ("ffffffff 01 01 7fffffff", EncodingReason.TRUNCATED),
        ("00000001 01 02 ffffffff ffffffff", EncodingReason.WRONG_SHAPE),
        ("00000001 ff", EncodingReason.TRUNCATED),
    ],
)
def test_a_dataset_that_promises_too_much_is_refused_before_memory_is_taken(
    data: str, reason: EncodingReason
) -> None:
    with pytest.raises(EncodingError) as caught:
        decode_dataset(bytes.fromhex(data))
    assert caught.value.reason is reason


def test_an_artifact_of_another_root_is_refused() -> None:
    with pytest.raises(EncodingError, match=r"^the model has another root$"):
        decode_model(encode_model(model_of(())), bytes(32))
    with pytest.raises(EncodingError, match=r"^the dataset has another root$"):
        decode_dataset(encode_dataset(dataset_of(1, ())), bytes(32))


def test_a_dataset_takes_two_hashes_a_sample_beside_its_elements() -> None:
    field = np.ones(100_000, np.int32)
    Dataset([field])  # what is compiled and loaded with the first one is not part of any
    tracemalloc.start()
    dataset = Dataset([field])
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert taken / dataset.count == pytest.approx(64, rel=0.05)
