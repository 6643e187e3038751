"""Every decoder of outside bytes, with good examples, its one error, and the way back."""

import struct
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from eth_account import Account

from anh_rollup.cli.model import read_model
from anh_rollup.cli.options import KeyFileError, read_account
from anh_rollup.encoding.abi import encode
from anh_rollup.encoding.artifacts import (
    Dataset,
    Model,
    decode_dataset,
    decode_model,
    encode_dataset,
    encode_model,
)
from anh_rollup.encoding.batches import Batch, BlockRecord, decode_batch, encode_batch
from anh_rollup.encoding.blobs import BLOB_SIZE, pack, unpack
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.rlp import decode as decode_rlp
from anh_rollup.encoding.scores import decode_scores, encode_scores
from anh_rollup.encoding.transactions import (
    decode_record,
    decode_signed,
    encode_record,
    encode_signed,
    record_to_raw,
)
from anh_rollup.encoding.zero_runs import decompress
from anh_rollup.errors import AnhError
from anh_rollup.importing.errors import OnnxFileError
from anh_rollup.importing.onnx_file import decode_model as decode_onnx
from anh_rollup.importing.onnx_file import read_model as read_onnx
from anh_rollup.l1.abi import decode_values, encode_arguments, load_artifact
from anh_rollup.l1.deployment import (
    Deployment,
    DeploymentFileError,
    Rules,
    predict_addresses,
    read_deployment,
    write_deployment,
)
from anh_rollup.l1.errors import L1AnswerError
from anh_rollup.l1.reverts import decode_revert
from anh_rollup.primitives import L2_CHAIN_ID, ZERO_DIGEST, Gas, Wei
from anh_rollup.protocol.called import (
    RequestMalformedError,
    TrainingRequest,
    called_job,
    decode_request,
    encode_request,
)
from anh_rollup.protocol.claims import Claim, ClaimMalformedError, Scores, decode_claim, encode_claim
from anh_rollup.protocol.jobs import (
    NO_ROOT,
    PROPERTY_TYPE,
    Job,
    JobKind,
    JobMalformedError,
    Property,
    decode_job,
    decode_order,
    encode_job,
    order_calldata,
)
from anh_rollup.protocol.ledger import decode_or_none
from anh_rollup.protocol.publications import (
    Assembly,
    Part,
    Publication,
    PublicationMalformedError,
    PublishedKind,
    decode_publication,
    encode_publication,
    whole,
)
from anh_rollup.sequencer.journal import pack_records, unpack_records
from anh_rollup.storage.npz import ArrayFileError, read_arrays
from anh_rollup.tensor.codec import decode_program, encode_program
from anh_rollup.tensor.errors import ProgramError
from anh_rollup.tensor.records import decode_value, encode_value
from anh_rollup.training.errors import HintsError
from anh_rollup.training.hints import TrainingHints, decode_hints, encode_hints
from anh_rollup.world.errors import SystemRevertError
from anh_rollup.world.network_calls import (
    INFER_SELECTOR,
    PUBLISHED_SELECTOR,
    TRAIN_SELECTOR,
    decode_infer,
    decode_published,
    decode_train,
)
from tests.doubles.small_program import small_program
from tests.unit.importing.graphs import model_of, node

ROOT = bytes([9]) * 32
ONNX = model_of([node("Gemm", "x w b")], {"x": (1, 3)}, {"w": np.ones((3, 2)), "b": np.ones(2)})
ADDRESS = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
ELEMENTS = np.arange(40, dtype=np.int32).reshape(5, 8)


@dataclass(frozen=True)
class Decoder:
    """A function from bytes.

    Attributes:
        decode: The function.
        good: Bytes that it takes.
        refusal: The only error that it raises.
        encode: The bytes of what it gave, where a thing has one encoding.
    """

    decode: Callable[[bytes], Any]
    good: tuple[bytes, ...]
    refusal: type[AnhError]
    encode: Callable[[Any], bytes] | None = None


class NeverError(AnhError):
    """What a decoder raises that takes any bytes."""


def signed(**fields: Any) -> bytes:
    """A signed transaction of any type that there is."""
    base = {"chainId": L2_CHAIN_ID, "nonce": 1, "gas": 50_000, "value": 3, "data": bytes(60), "to": ADDRESS}
    return bytes(Account.sign_transaction({**base, **fields}, b"\1" * 32).raw_transaction)


ACCESS = [{"address": ADDRESS, "storageKeys": ["0x" + "11" * 32]}]
SIGNED = (
    signed(gasPrice=9),
    signed(type=1, gasPrice=9, accessList=ACCESS),
    signed(type=2, maxFeePerGas=9, maxPriorityFeePerGas=1, accessList=ACCESS, data=b"\xff" * 40),
)
RECORDS = tuple(encode_record(decode_signed(each)) for each in SIGNED)
BATCH = Batch(1, ZERO_DIGEST, (BlockRecord(1, 2, ZERO_DIGEST, 1, (b"record", b"another")),))
FULL_BATCH = Batch(1, ZERO_DIGEST, (BlockRecord(1, 2, ZERO_DIGEST, 1, RECORDS * 2), *BATCH.blocks))
JOB = Job(
    JobKind.TRAINING, ROOT, NO_ROOT, (Property(ROOT, ROOT, -7), Property(ROOT, ROOT, 9)), 50, "https://a"
)
REQUEST = TrainingRequest(called_job(ROOT, JOB.properties, JOB.deadline, "https://a"), Wei(7))
INFER = (INFER_SELECTOR + encode(["bytes32", "bytes32", "int32[]"], [ROOT, ROOT, [-1, 2**31 - 1]]),)
PUBLICATIONS = (
    Publication(Part(b"abc"), None),
    whole(PublishedKind.MODEL, ROOT, b"defg" * 10),
    Publication(None, Assembly(PublishedKind.PROGRAM, ROOT, (ROOT, b"\2" * 32))),
)
TRAIN = (
    TRAIN_SELECTOR
    + encode(
        ["bytes32", f"{PROPERTY_TYPE}[]", "uint64", "string"], [ROOT, [(ROOT, ROOT, -7)], 5, "https://a"]
    ),
)
CLAIM = Claim(ADDRESS, 3, ROOT, 5, ROOT, ROOT, ROOT, (Scores(360, 349, ROOT),), "https://a.b")
PROGRAM = small_program()
VALUES = tuple(PROGRAM.records)
HINTS = TrainingHints(training_data="0x" + ROOT.hex())
DEPLOYMENT = Deployment(31_337, L2_CHAIN_ID, ADDRESS, 5, ROOT, predict_addresses(ADDRESS, 0), Rules())


def from_file(read: Callable[[Path], Any]) -> Callable[[bytes], Any]:
    """A reader of files as a decoder of bytes."""

    def decode(content: bytes) -> Any:
        with tempfile.NamedTemporaryFile() as file:
            Path(file.name).write_bytes(content)
            return read(Path(file.name))

    return decode


def written(write: Callable[[Path], Any]) -> bytes:
    """The bytes that are written to a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file.npz"
        write(path)
        return path.read_bytes()


def unpack_padded(data: bytes) -> bytes:
    """The payload of one blob that begins with these bytes."""
    return unpack([data[:BLOB_SIZE].ljust(BLOB_SIZE, b"\0")])


#: Reverts of Solidity's own: Error("why") and Panic(1).
ERROR = bytes.fromhex("08c379a0") + struct.pack(">31xB31xB32s", 32, 3, b"why")
PANIC = bytes.fromhex("4e487b71") + bytes(31) + b"\1"

#: The data of the event that shows a claim with its job.
REVEALED = [
    each for each in load_artifact("Claims").entry("event", "Revealed")["inputs"] if not each["indexed"]
]
NPZ = tuple(
    written(lambda path, save=save: save(path, parameter_00000=ELEMENTS, parameter_00001=ELEMENTS.T))
    for save in (np.savez, np.savez_compressed)
)

DECODERS: dict[str, Decoder] = {
    "encoding.rlp.decode": Decoder(decode_rlp, SIGNED[:1], EncodingError),
    "encoding.transactions.decode_signed": Decoder(decode_signed, SIGNED, EncodingError, encode_signed),
    "encoding.transactions.decode_record": Decoder(decode_record, RECORDS, EncodingError, encode_record),
    "encoding.transactions.record_to_raw": Decoder(record_to_raw, RECORDS, EncodingError),
    "encoding.batches.decode_batch": Decoder(
        decode_batch, (encode_batch(BATCH), encode_batch(FULL_BATCH)), EncodingError
    ),
    "encoding.blobs.unpack": Decoder(unpack_padded, (pack(b"payload")[0][:64],), EncodingError),
    "encoding.zero_runs.decompress": Decoder(decompress, (b"\xfe\xfd\xfc\xfb\0\x7f\0\xff\5",), EncodingError),
    "encoding.artifacts.decode_model": Decoder(
        decode_model, (encode_model(Model([ELEMENTS, ELEMENTS[0]])),), EncodingError, encode_model
    ),
    "encoding.artifacts.decode_dataset": Decoder(
        decode_dataset, (encode_dataset(Dataset([ELEMENTS, ELEMENTS[:, 0]])),), EncodingError, encode_dataset
    ),
    "encoding.scores.decode_scores": Decoder(
        decode_scores, (encode_scores(ELEMENTS[0]),), EncodingError, encode_scores
    ),
    "tensor.codec.decode_program": Decoder(
        decode_program, (encode_program(PROGRAM),), ProgramError, encode_program
    ),
    "tensor.records.decode_value": Decoder(
        decode_value, VALUES, ProgramError, lambda decoded: encode_value(*decoded)
    ),
    "protocol.jobs.decode_job": Decoder(decode_job, (encode_job(JOB),), JobMalformedError, encode_job),
    "protocol.jobs.decode_order": Decoder(
        decode_order, (order_calldata(JOB),), JobMalformedError, order_calldata
    ),
    "protocol.called.decode_request": Decoder(
        decode_request, (encode_request(REQUEST),), RequestMalformedError, encode_request
    ),
    "protocol.publications.decode_publication": Decoder(
        decode_publication,
        tuple(map(encode_publication, PUBLICATIONS)),
        PublicationMalformedError,
        encode_publication,
    ),
    "world.network_calls.decode_infer": Decoder(
        lambda data: decode_infer(data, Gas(9)), INFER, SystemRevertError
    ),
    "world.network_calls.decode_published": Decoder(
        lambda data: decode_published(data, Gas(9)), (PUBLISHED_SELECTOR + ROOT,), SystemRevertError
    ),
    "world.network_calls.decode_train": Decoder(
        lambda data: decode_train(data, Gas(9)), TRAIN, SystemRevertError
    ),
    "protocol.claims.decode_claim": Decoder(
        decode_claim, (encode_claim(CLAIM),), ClaimMalformedError, encode_claim
    ),
    "protocol.ledger.decode_or_none": Decoder(
        lambda data: decode_or_none(data, L2_CHAIN_ID), RECORDS, NeverError
    ),
    "l1.reverts.decode_revert": Decoder(
        decode_revert,
        (ERROR, PANIC),
        NeverError,
    ),
    "l1.deployment.read_deployment": Decoder(
        from_file(read_deployment),
        (written(lambda path: write_deployment(DEPLOYMENT, path)),),
        DeploymentFileError,
    ),
    "l1.abi.decode_values": Decoder(
        lambda data: decode_values(REVEALED, data),
        (encode_arguments(REVEALED, [3, CLAIM, JOB, (ROOT, ROOT)]),),
        L1AnswerError,
    ),
    "sequencer.journal.unpack_records": Decoder(
        unpack_records, (pack_records([b"one", b"", b"three"]),), EncodingError, pack_records
    ),
    "training.hints.decode_hints": Decoder(
        decode_hints, (encode_hints(HINTS), orjson.dumps({"training_data": "0x" + "ab" * 32})), HintsError
    ),
    "storage.npz.read_arrays": Decoder(from_file(read_arrays), NPZ, ArrayFileError),
    "importing.onnx_file.decode_model": Decoder(decode_onnx, (ONNX.SerializeToString(),), OnnxFileError),
    "importing.onnx_file.read_model": Decoder(
        from_file(read_onnx), (ONNX.SerializeToString(),), OnnxFileError
    ),
    "cli.model.read_model": Decoder(from_file(read_model), NPZ, AnhError),
    "cli.options.read_account": Decoder(
        from_file(read_account), (b"0x" + b"59" * 32, b" " + b"ab" * 32 + b"\n"), KeyFileError
    ),
}
