"""The artifact store: programs, models, data sets and score lists by root, verified when read."""

import struct
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import nullcontext
from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from threading import Lock
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

from anh_rollup.encoding.artifacts import (
    Dataset,
    Model,
    decode_dataset,
    decode_model,
    encode_dataset,
    encode_model,
)
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.scores import ScoreTree, decode_scores, encode_scores
from anh_rollup.protocol.jobs import Job
from anh_rollup.storage.cache import FetchedArtifacts, unmark
from anh_rollup.storage.errors import (
    ArtifactCorruptError,
    ArtifactMissingError,
    ArtifactTooLargeError,
    StoreFolderMissingError,
)
from anh_rollup.storage.files import FileStore
from anh_rollup.storage.remote import RemotePolicy, fetch
from anh_rollup.tensor.codec import decode_program, encode_program
from anh_rollup.tensor.errors import ProgramError
from anh_rollup.tensor.program import Program

T = TypeVar("T")

#: Most bytes of an artifact of our own.
MOST_BYTES: Final = 1 << 32

#: Most bytes of a recipe.
MOST_RECIPE_BYTES: Final = 1 << 20

#: Bytes of artifacts that are read side by side (choice). Larger ones are read one at a time: with its trees
#: an artifact can take many times its bytes.
MOST_LIGHT_BYTES: Final = 1 << 24

#: What reading hostile bytes may end in if a decoder misses a fault: to whoever asked they are no artifact.
UNREADABLE: Final = (ArithmeticError, AttributeError, LookupError, MemoryError, RecursionError, struct.error,
                     TypeError, ValueError)  # fmt: skip


class ArtifactKind(StrEnum):
    """Kinds of artifacts: the first part of their names in the store."""

    PROGRAM = "program"
    MODEL = "model"
    DATASET = "dataset"
    SCORES = "scores"
    RECIPE = "recipe"


class ArtifactStore:
    """Artifacts below a base URL, with other people's stores as a second place to look in.

    Args:
        base_url: A folder, or a URL that `FileStore` takes.
        policy: What other people's URIs may make this machine do.
        most_bytes: Most bytes of one artifact of our own.
        most_cache: Most bytes of what is fetched from others, in a folder; None keeps everything.
    """

    def __init__(
        self,
        base_url: str | Path,
        policy: RemotePolicy | None = None,
        most_bytes: int = MOST_BYTES,
        most_cache: int | None = None,
    ) -> None:
        self.policy = policy or RemotePolicy()
        self._files = FileStore(str(base_url), self.policy.timeout)
        self._most_bytes = most_bytes
        folder = self._files.folder
        self._fetched = None if folder is None or most_cache is None else FetchedArtifacts(folder, most_cache)
        self._decoding = Lock()

    def within(self, seconds: float) -> "ArtifactStore":
        """The same store; all that is fetched from others through it takes so many seconds together at most.

        What was fetched by then is kept, so that the next attempt goes on from there.
        """
        policy = replace(self.policy, deadline=time.monotonic() + seconds)
        store = ArtifactStore(self._files.base_url, policy, self._most_bytes)
        store._fetched, store._decoding = self._fetched, self._decoding
        return store

    @property
    def folder(self) -> Path | None:
        """The store's folder on this machine, or None for other places."""
        return self._files.folder

    def put_program(self, program: Program) -> bytes:
        """Keeps a program; its root."""
        return self._put(ArtifactKind.PROGRAM, program.root, encode_program(program))

    def put_model(self, model: Model) -> bytes:
        """Keeps a model; its root."""
        return self._put(ArtifactKind.MODEL, model.root, encode_model(model))

    def put_dataset(self, dataset: Dataset) -> bytes:
        """Keeps a data set, or the answers of an inference job; its root."""
        return self._put(ArtifactKind.DATASET, dataset.root, encode_dataset(dataset))

    def put_scores(self, scores: npt.NDArray[np.int32]) -> bytes:
        """Keeps a score list (N,); its root."""
        return self._put(ArtifactKind.SCORES, ScoreTree(scores).root, encode_scores(scores))

    def get_program(self, root: bytes, uri: str = "") -> Program:
        """The program of a root; see `get_model`."""
        return self._get(ArtifactKind.PROGRAM, root, uri, verified_program)

    def get_model(self, root: bytes, uri: str = "") -> Model:
        """The model of a root, from this store, or else from another one whose base is `uri`.

        What is fetched is verified, and kept here.

        Raises:
            ArtifactMissingError: Neither place has it.
            ArtifactCorruptError: The bytes there are something else.
            ArtifactTooLargeError: It has more bytes than allowed.
            UriRefusedError: The policy does not allow the URI.
            StoreUnreachableError: A place gives no whole answer.
        """
        return self._get(ArtifactKind.MODEL, root, uri, decode_model)

    def get_dataset(self, root: bytes, uri: str = "") -> Dataset:
        """The data set or answers of a root; see `get_model`."""
        return self._get(ArtifactKind.DATASET, root, uri, decode_dataset)

    def get_scores(self, root: bytes, uri: str = "") -> npt.NDArray[np.int32]:
        """The score list of a root; see `get_model`."""
        return self._get(ArtifactKind.SCORES, root, uri, decode_scores)

    def put_recipe(self, architecture: bytes, document: bytes) -> None:
        """Keeps a document of hints beside an architecture; it is named by the architecture's root.

        Raises:
            ArtifactTooLargeError: It has more than `MOST_RECIPE_BYTES`.
        """
        if len(document) > MOST_RECIPE_BYTES:
            raise ArtifactTooLargeError(f"recipe 0x{architecture.hex()}", MOST_RECIPE_BYTES)
        self._files.write(name_of(ArtifactKind.RECIPE, architecture), document)

    def get_recipe(self, architecture: bytes, uri: str = "") -> bytes | None:
        """The hints for an architecture, or None. They are a suggestion and verified by nothing."""
        name = name_of(ArtifactKind.RECIPE, architecture)
        content = self._files.read(name, MOST_RECIPE_BYTES)
        if content is None and uri:
            content = fetch(uri, name, replace(self.policy, most_bytes=MOST_RECIPE_BYTES))
        return content

    def put_network(self, program: bytes, model: bytes, file: bytes) -> None:
        """Keeps the ONNX file that a program and a model were imported from; nobody else is given it.

        Raises:
            ArtifactTooLargeError: It is larger than an artifact may be.
        """
        if len(file) > self._most_bytes:
            raise ArtifactTooLargeError(f"the network of model 0x{model.hex()}", self._most_bytes)
        self._files.write(_network_name(program, model), file)

    def get_network(self, program: bytes, model: bytes) -> bytes | None:
        """The ONNX file of a program with a model, or None; never fetched, for nothing could verify it."""
        return self._files.read(_network_name(program, model), self._most_bytes)

    def has(self, kind: ArtifactKind, root: bytes) -> bool:
        """Whether this store holds something under an artifact's name (unverified)."""
        return self._files.exists(name_of(kind, root))

    def need_only(self, jobs: Iterable[tuple[Job, bytes]]) -> None:
        """Says for which jobs and results fetched artifacts stay, however many; own ones always do."""
        if self._fetched is not None:
            self._fetched.need_only(name for job, result in jobs for name in names_for(job, result))

    def _put(self, kind: ArtifactKind, root: bytes, content: bytes) -> bytes:
        if len(content) > self._most_bytes:
            raise ArtifactTooLargeError(f"{kind} 0x{root.hex()}", self._most_bytes)
        name = name_of(kind, root)
        if self._fetched is not None:
            self._fetched.own(name)
        elif self._files.folder is not None:
            unmark(self._files.folder, name)
        self._files.write(name, content)
        return root

    def _get(self, kind: ArtifactKind, root: bytes, uri: str, decode: Callable[[bytes, bytes], T]) -> T:
        name = name_of(kind, root)
        content = self._files.read(name, self._most_bytes)
        if content is not None:
            if self._fetched is not None:
                self._fetched.use(name)
            return self._verified(kind, root, content, decode)
        content = fetch(uri, name, self.policy) if uri else None
        if content is None:
            raise self._missing(kind, root, uri)
        artifact = self._verified(kind, root, content, decode)
        if self._fetched is None or self._fetched.make_room(name, len(content)):
            self._files.write(name, content)
        return artifact

    def _verified(
        self, kind: ArtifactKind, root: bytes, content: bytes, decode: Callable[[bytes, bytes], T]
    ) -> T:
        with self._decoding if len(content) > MOST_LIGHT_BYTES else nullcontext():
            return _verified(kind, root, content, decode)

    def _missing(self, kind: ArtifactKind, root: bytes, uri: str) -> ArtifactMissingError:
        """What to raise where an artifact is nowhere: a mistyped folder lacks everything."""
        folder = self._files.folder
        if not uri and folder is not None and not folder.is_dir():
            return StoreFolderMissingError(kind, root, self._files.base_url)
        return ArtifactMissingError(kind, root, uri or self._files.base_url)


def name_of(kind: ArtifactKind, root: bytes) -> str:
    """The name of an artifact in every store: `<kind>/<root>` in hexadecimal."""
    return f"{kind}/{root.hex()}"


def _network_name(program: bytes, model: bytes) -> str:
    """Not an `ArtifactKind`'s, so it is not served."""
    return f"network/{keccak256(program + model).hex()}"


def names_for(job: Job, result: bytes) -> Iterator[str]:
    """The names of all that a job and a result of it consist of, by the kinds that they can have."""
    yield name_of(ArtifactKind.PROGRAM, job.architecture)
    for root in (job.model, result):
        yield name_of(ArtifactKind.MODEL, root)
    yield name_of(ArtifactKind.DATASET, result)
    for wanted in job.properties:
        yield name_of(ArtifactKind.PROGRAM, wanted.program)
        yield name_of(ArtifactKind.DATASET, wanted.dataset)


def _verified(kind: ArtifactKind, root: bytes, content: bytes, decode: Callable[[bytes, bytes], T]) -> T:
    try:
        return decode(content, root)
    except (EncodingError, ProgramError) as error:
        raise ArtifactCorruptError(kind, root, error.message) from error
    except UNREADABLE as error:
        raise ArtifactCorruptError(kind, root, f"reading them ends in {type(error).__name__}") from error


def verified_program(content: bytes, root: bytes) -> Program:
    """The program in bytes, verified against its root.

    Raises:
        ProgramError: The bytes are no program.
        ArtifactCorruptError: They are another one.
    """
    program = decode_program(content)
    if program.root != root:
        raise ArtifactCorruptError(ArtifactKind.PROGRAM, root, f"their root is 0x{program.root.hex()}")
    return program
