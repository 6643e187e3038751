"""The committed vectors, replayed by their stated facts; forge replays the same files."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from anh_rollup.encoding.artifacts import (
    Dataset,
    ModelHeader,
    ParameterOpening,
    ProgramHeader,
    SampleOpening,
    decode_dataset,
    decode_model,
)
from anh_rollup.encoding.batches import BatchHeader, block_transactions_root, decode_batch
from anh_rollup.encoding.blobs import pack
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import root_from_multiproof, root_from_proof, zero_hash
from anh_rollup.encoding.reader import Reader
from anh_rollup.encoding.scores import ScoreTree, SumNode
from anh_rollup.encoding.tensors import Opening, TensorTree, read_shape, tensor_root
from anh_rollup.encoding.transactions import decode_record, decode_signed, encode_record
from anh_rollup.encoding.zero_runs import compress, decompress
from anh_rollup.primitives import Digest
from scripts.generate_vectors.__main__ import stale_files
from tests.doubles.proofs import opening_root, root_from_nodes, score_leaf, top_from_nodes, top_from_proof

ENCODINGS = ("artifacts", "merkle", "records", "scores", "zero_runs")
VECTORS = Path(__file__).resolve().parents[2] / "vectors"


def cases(family: str, table: str) -> Iterator[dict[str, Any]]:
    columns = json.loads((VECTORS / f"{family}.json").read_text())[table]
    rows = zip(*columns.values(), strict=True)
    for row in rows:
        yield {name: plain(cell) for name, cell in zip(columns, row, strict=True)}


def plain(cell: int | str) -> int | bytes | str:
    return bytes.fromhex(cell[2:]) if isinstance(cell, str) and cell.startswith("0x") else cell


def pieces(data: bytes, size: int = 32) -> tuple[Digest, ...]:
    return tuple([Digest(data[at : at + size]) for at in range(0, len(data), size)])


def numbers(data: bytes) -> tuple[int, ...]:
    return tuple([int.from_bytes(piece, "big") for piece in pieces(data, 4)])


def nodes_of(data: bytes) -> list[SumNode]:
    return [
        SumNode(Digest(piece[:32]), int.from_bytes(piece[32:], "big", signed=True))
        for piece in pieces(data, 40)
    ]


def shape_of(data: bytes) -> tuple[int, ...]:
    return read_shape(Reader(data, "the shape"))


def opening_of(case: dict[str, Any]) -> Opening:
    return Opening(numbers(case["chunks"]), case["width"], case["data"], pieces(case["proof"]))


def test_merkle_proofs_lead_to_their_roots() -> None:
    for case in cases("merkle", "proofs"):
        proof = pieces(case["proof"])
        assert root_from_proof(case["node"], case["index"], proof, case["height"]) == case["root"]


def test_merkle_multiproofs_lead_to_their_roots() -> None:
    for case in cases("merkle", "multiproofs"):
        places = numbers(case["indices"])
        root = root_from_multiproof(pieces(case["leaves"]), places, pieces(case["proof"]), case["height"])
        assert root == case["root"]


def test_merkle_nodes_and_padding_lead_to_their_roots() -> None:
    for case in cases("merkle", "nodes"):
        assert root_from_nodes(pieces(case["nodes"]), case["level"], case["top"]) == case["root"]
    assert [zero_hash(case["level"]) for case in cases("merkle", "padding")] == [
        case["hash"] for case in cases("merkle", "padding")
    ]


def test_bad_merkle_proofs_are_refused() -> None:
    for case in cases("merkle", "bad_proofs"):
        with pytest.raises(EncodingError):
            root_from_proof(case["node"], case["index"], pieces(case["proof"]), case["height"])
    for case in cases("merkle", "bad_multiproofs"):
        with pytest.raises(EncodingError):
            root_from_multiproof(
                pieces(case["leaves"]), numbers(case["indices"]), pieces(case["proof"]), case["height"]
            )


def test_score_lists_have_their_roots() -> None:
    for case in cases("scores", "lists"):
        tree = ScoreTree(np.frombuffer(case["scores"], ">i4").astype(np.int32))
        assert (tree.count, str(tree.total)) == (case["count"], case["sum"])
        assert (tree.top.hash, tree.root) == (case["top"], case["root"])


def test_score_proofs_and_nodes_lead_to_their_tops() -> None:
    for case in cases("scores", "proofs"):
        leaf = score_leaf(case["score"])
        top = top_from_proof(leaf, case["index"], nodes_of(case["proof"]), case["height"])
        assert (top.hash, str(top.sum)) == (case["top"], case["sum"])
    for case in cases("scores", "nodes"):
        top = top_from_nodes(nodes_of(case["nodes"]), case["level"], case["top_level"])
        assert (top.hash, str(top.sum)) == (case["top"], case["sum"])


def test_score_sums_outside_int64_are_refused() -> None:
    for case in cases("scores", "overflows"):
        with pytest.raises(EncodingError):
            top_from_nodes(nodes_of(case["nodes"]), case["level"], case["top_level"])


def test_tensors_have_their_roots() -> None:
    for case in cases("artifacts", "tensors"):
        shape = shape_of(case["shape"])
        tree = TensorTree(np.frombuffer(case["elements"], ">i4").astype(np.int32).reshape(shape))
        assert (tree.chunk_count, tree.tree_root) == (case["chunk_count"], case["tree_root"])
        assert tree.root == case["root"]
    for case in cases("artifacts", "large_tensors"):
        assert tensor_root(shape_of(case["shape"]), case["tree_root"]) == case["root"]


def test_openings_yield_their_roots_and_bad_ones_none() -> None:
    for case in cases("artifacts", "openings"):
        assert opening_root(shape_of(case["shape"]), opening_of(case)) == case["root"]
    for case in cases("artifacts", "bad_openings"):
        with pytest.raises(EncodingError):
            opening_root(shape_of(case["shape"]), opening_of(case))


def test_models_have_their_roots() -> None:
    for case in cases("artifacts", "models"):
        model = decode_model(case["bytes"], case["root"])
        assert model.header == ModelHeader(case["count"], case["tree_root"])
        assert tuple([tensor.root for tensor in model.tensors]) == pieces(case["tensors"])
    for case in cases("artifacts", "parameters"):
        opening = ParameterOpening(case["count"], case["index"], case["tensor"], pieces(case["proof"]))
        assert opening.root() == case["root"]


def test_datasets_have_their_roots() -> None:
    for case in cases("artifacts", "datasets"):
        dataset: Dataset = decode_dataset(case["bytes"], case["root"])
        assert (dataset.count, dataset.tree.root) == (case["count"], case["tree_root"])
    for case in cases("artifacts", "samples"):
        tensors, proof = pieces(case["tensors"]), pieces(case["proof"])
        assert SampleOpening(case["count"], case["index"], tensors, proof).root() == case["root"]


def test_programs_have_their_roots() -> None:
    for case in cases("artifacts", "programs"):
        counts = [case[name] for name in ("values", "fields", "answers", "parameters")]
        assert ProgramHeader(*counts, case["tree_root"]).root == case["root"]


def test_records_stand_for_their_transactions() -> None:
    for case in cases("records", "records"):
        transaction = decode_signed(case["raw"])
        assert encode_record(transaction) == case["record"]
        assert decode_record(case["record"]) == transaction
        assert (transaction.hash, transaction.sender) == (case["hash"], case["sender"])
        assert (keccak256(case["record"]), transaction.data) == (case["digest"], case["data"])
        assert (transaction.to or bytes(20), transaction.to is not None) == (case["to"], case["has_to"] == 1)
        for name in ("nonce", "gas_limit", "max_fee", "priority_fee", "value"):
            assert str(getattr(transaction, name)) == case[name]


def test_bad_records_are_refused() -> None:
    for case in cases("records", "bad_records"):
        with pytest.raises(EncodingError):
            decode_record(case["record"])


def test_batches_and_commitments_agree() -> None:
    batches, commitments = list(cases("records", "batches")), list(cases("records", "commitments"))
    for batch_case, case in zip(batches, commitments, strict=True):
        batch = decode_batch(batch_case["bytes"])
        assert (len(batch.records), batch.forced) == (batch_case["count"], batch_case["forced"])
        assert batch.transactions_root == batch_case["transactions_root"] == case["transactions_root"]
        commitment = case.pop("commitment")
        assert BatchHeader(**case).commitment() == commitment
    assert [case["previous"] for case in cases("records", "commitments")][1:] == [
        case["commitment"] for case in cases("records", "commitments")
    ][:-1]


def test_headers_hash_to_their_blocks() -> None:
    records = [case["record"] for case in cases("records", "records")]
    for case in cases("records", "headers"):
        assert keccak256(case["rlp"]) == case["hash"]
        assert block_transactions_root(records[: case["number"]]) == case["transactions_root"]


def test_blobs_are_packed_alike() -> None:
    for case in cases("records", "blobs"):
        blobs = pack(bytes([at % 251 for at in range(case["size"])]))
        assert (len(blobs), keccak256(b"".join(blobs))) == (case["blobs"], case["digest"])


def test_zero_runs_pack_and_unpack_alike() -> None:
    for case in cases("zero_runs", "pairs"):
        assert (compress(case["data"]), decompress(case["packed"])) == (case["packed"], case["data"])
    for case in cases("zero_runs", "unpacked"):
        assert decompress(case["packed"]) == case["data"]


def test_the_committed_vectors_are_what_the_generator_writes() -> None:
    assert stale_files() == []


def test_the_vectors_stay_small() -> None:
    assert sum([(VECTORS / f"{family}.json").stat().st_size for family in ENCODINGS]) < 300_000
