"""A withheld result, put together from the answers to demands on L1."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.reader import Reader
from anh_rollup.encoding.tensors import (
    CHUNK_ELEMENTS,
    Elements,
    TensorTree,
    chunk_count_of,
    encode_shape,
    opening_tree_root,
    read_shape,
)
from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.claims import Answered, Demand
from anh_rollup.protocol.checks import value_record
from anh_rollup.protocol.claims import Claim
from anh_rollup.protocol.jobs import Job, JobKind
from anh_rollup.protocol.refutations import OneShot, RefuteResult, RefuteShape
from anh_rollup.tensor.program import Kind, Program, Value

#: Chunks that one demand asks for (IClaims.Demand.count).
MOST_CHUNKS: Final = 32

#: More demands than this cost more than any prize; it also bounds what a claim can make us plan.
MOST_PIECES: Final = 10_000


class ResultTooLargeError(AnhError):
    """A withheld result that takes more demands than anybody would pay for.

    Attributes:
        pieces: How many.
    """

    def __init__(self, pieces: int) -> None:
        super().__init__(
            f"the withheld result takes {pieces} demands, and {MOST_PIECES} are the most",
            remedy="Get its artifact from elsewhere into the challenger's store.",
        )
        self.pieces = pieces


@dataclass(frozen=True, slots=True)
class Withheld:
    """A claim whose result cannot be had off L1.

    Attributes:
        identifier: The claim's id.
        claim: The claim.
        job: Its job.
        index: A property that reads the result.
        program: Its score program, which says what the result looks like.
    """

    identifier: bytes
    claim: Claim
    job: Job
    index: int
    program: Program

    @property
    def sources(self) -> tuple[Value, ...]:
        """What the result holds: parameters, or the answers of each sample."""
        return self.program.parameters if self._is_training else self.program.answers

    @property
    def count(self) -> int:
        """Leaves of the result."""
        return len(self.sources) if self._is_training else self.claim.scores[self.index].count

    @property
    def _is_training(self) -> bool:
        return self.job.kind is JobKind.TRAINING

    def pieces(self) -> list[Demand]:
        """The demands that together ask for all of the result.

        Raises:
            ResultTooLargeError: There are more than anybody would pay for.
        """
        sizes = [-(-chunk_count_of(each.size) // MOST_CHUNKS) for each in self.sources]
        total = sum(sizes) * (1 if self._is_training else self.count)
        if total > MOST_PIECES:
            raise ResultTooLargeError(total)
        found = []
        for leaf in range(self.count):
            fields = [self.sources[leaf]] if self._is_training else list(self.sources)
            for field, source in enumerate(fields):
                starts = range(0, chunk_count_of(source.size), MOST_CHUNKS)
                found += [Demand(self.identifier, leaf, field, first, MOST_CHUNKS) for first in starts]
        return found

    def recover(self, answers: Sequence[Answered]) -> Model | Dataset | OneShot | tuple[Demand, ...]:
        """The result, or what is wrong with it, or what has to be demanded to know.

        Raises:
            ResultTooLargeError: It takes more demands than anybody would pay for, and its owner answers.
        """
        given = {each.demand: each for each in answers}
        for asked, answer in given.items():
            wrong = self._contradict(asked, answer)
            if wrong is not None:
                return wrong
        try:
            pieces = self.pieces()
        except ResultTooLargeError:
            first = Demand(self.identifier, 0, 0, 0, MOST_CHUNKS)
            if first in given:
                raise
            return (first,)  # whoever has nothing to show falls by it
        if not all(asked in given for asked in pieces):
            return tuple(pieces)
        tensors = [self._tensor(leaf, given) for leaf in range(self.count)]
        found = self._assembled(tensors)
        return found if found.root == self.claim.result else (self._behind(tensors, given),)

    def _assembled(self, tensors: list[list[Elements]]) -> Model | Dataset:
        if self._is_training:
            return Model([fields[0] for fields in tensors])
        return Dataset([np.stack([row[field] for row in tensors]) for field in range(len(self.sources))])

    def _behind(self, tensors: list[list[Elements]], given: dict[Demand, Answered]) -> Demand:
        """What a result cannot answer whose trees hold something where padding belongs.

        Its elements are known, and yet no bytes have its root. A demand behind an end is answered by showing
        that only padding follows.
        """
        for leaf, fields in enumerate(tensors):
            for field, elements in enumerate(fields):
                shown = given[Demand(self.identifier, leaf, field, 0, MOST_CHUNKS)].path.tensors[field]
                tree = TensorTree(elements)
                if tree.root != shown:
                    return Demand(self.identifier, leaf, field, tree.chunk_count, MOST_CHUNKS)
        return Demand(self.identifier, self.count, 0, 0, MOST_CHUNKS)

    def _tensor(self, leaf: int, given: dict[Demand, Answered]) -> list[Elements]:
        """The tensors of one leaf."""
        fields = [self.sources[leaf]] if self._is_training else list(self.sources)
        found = []
        for field, source in enumerate(fields):
            chunks = chunk_count_of(source.size)
            flat = np.zeros((chunks, CHUNK_ELEMENTS), dtype=np.int32)
            for first in range(0, chunks, MOST_CHUNKS):
                opening = given[Demand(self.identifier, leaf, field, first, MOST_CHUNKS)].opening
                flat[list(opening.chunks)] = opening.elements()
            found.append(flat.reshape(-1)[: source.size].reshape(source.shape))
        return found

    def _contradict(self, asked: Demand, answer: Answered) -> OneShot | None:
        """What an answer shows to be wrong with the result's counts and shapes."""
        path = answer.path
        head = (self.claim, self.job, self.index)
        wanted = 1 if self._is_training else len(self.sources)
        if path.count != self.count or len(path.tensors) != wanted:
            # A demand behind the end, which strangers can make, is answered with the last leaf.
            leaf = min(asked.leaf, path.count - 1)
            return RefuteResult(*head, self.program.header, leaf, path)
        index = asked.leaf if self._is_training else asked.field
        spare = asked.field if self._is_training else 0
        if spare or index >= len(self.sources) or asked.leaf >= self.count:
            return None  # a stranger asked for what the result does not have; the answer shows no shape
        source = self.sources[index]
        if path.shape == encode_shape(source.shape):
            return None
        kind = Kind.PARAMETER if self._is_training else Kind.ANSWER
        record = value_record(self.program, self.program.source_ids(kind)[index])
        shown = replace(path, chunks_root=_chunks_root(answer))
        return RefuteShape(*head, record, 0 if self._is_training else asked.leaf, shown)


def _chunks_root(answer: Answered) -> bytes:
    """The root over the chunks that an answer opens; L1 does not look at the one that stands beside it."""
    try:
        shape = read_shape(Reader(answer.path.shape, "the shape in an answer"))
        return opening_tree_root(shape, answer.opening)
    except EncodingError:
        return answer.path.chunks_root
