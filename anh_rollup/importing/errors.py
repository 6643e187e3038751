"""Why a network cannot be imported: one type per kind of fault, all of them `ImportingError`."""

from anh_rollup.errors import AnhError


class ImportingError(AnhError):
    """A network that cannot become a tensor program."""


class OnnxFileError(ImportingError):
    """Bytes that are not an ONNX model that can be read.

    Attributes:
        reason: What is wrong, as a phrase.
    """

    def __init__(
        self,
        reason: str,
        *,
        remedy: str = "Export the network again, with ONNX's own operators, and check it with onnx.checker.",
    ) -> None:
        super().__init__(f"not a readable ONNX model: {reason}", remedy=remedy)
        self.reason = reason


class OperatorRefusedError(ImportingError):
    """A node of the graph that cannot be computed exactly.

    Attributes:
        operator: The operator, with its domain where it is not ONNX's own.
        node: The node's name, or that of its first output.
        reason: What about it cannot be done, as a phrase.
    """

    def __init__(self, operator: str, node: str, reason: str) -> None:
        super().__init__(
            f"{operator} (node {node!r}): {reason}",
            remedy="docs/importing.md lists what can be imported; replace this part.",
        )
        self.operator = operator
        self.node = node
        self.reason = reason


class KnownValueNeededError(OperatorRefusedError):
    """A node that needs to know a value which depends on the network's input.

    Attributes:
        fields: The inputs of the network that the value depends on.
    """

    def __init__(self, operator: str, node: str, reason: str, fields: tuple[str, ...]) -> None:
        super().__init__(operator, node, reason)
        self.fields = fields


class InputRefusedError(ImportingError):
    """An input or output of the network that is not known well enough.

    Attributes:
        name: Its name.
        reason: What is missing or does not fit, as a phrase.
    """

    def __init__(
        self,
        name: str,
        reason: str,
        *,
        remedy: str = "Name shapes with --input-shape name=1x3x224x224, and give samples that have them.",
    ) -> None:
        super().__init__(f"{name!r}: {reason}", remedy=remedy)
        self.name = name
        self.reason = reason


class WeightlessError(ImportingError):
    """A network whose output depends on no weights, so that there is no model for a job to name."""

    def __init__(self) -> None:
        super().__init__(
            "the network has no weights: nothing becomes a parameter of its model, and a model needs one",
            remedy="Import a network with weights inside: constants, not inputs, that its output depends on.",
        )


class FormatRefusedError(ImportingError):
    """A value of the network that no number format of 32 bits holds.

    Attributes:
        source: The node of the graph that it comes from.
        reason: Its range, as a phrase.
    """

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(
            f"a value of node {source!r} {reason}",
            remedy="Give samples, so that ranges are those that occur, or scale the network's values.",
        )
        self.source = source
        self.reason = reason
