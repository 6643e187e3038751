"""What can go wrong with stored artifacts, one type each."""

from collections.abc import Sequence
from pathlib import Path

from anh_rollup.errors import AnhError


class ArtifactError(AnhError):
    """An artifact cannot be had or kept; the root of the store's errors."""


class ArtifactMissingError(ArtifactError):
    """The store does not hold an artifact.

    Attributes:
        kind: program, model, dataset or scores.
        root: Its root.
        place: Where it was looked for.
    """

    def __init__(
        self,
        kind: str,
        root: bytes,
        place: str,
        *,
        remedy: str = "Get it from whoever made it, or look whether its URI is reachable.",
    ) -> None:
        super().__init__(f"there is no {kind} 0x{root.hex()} in {place}", remedy=remedy)
        self.kind = kind
        self.root = root
        self.place = place


class StoreFolderMissingError(ArtifactMissingError):
    """An artifact is looked for in a folder that does not exist."""

    def __init__(self, kind: str, root: bytes, folder: str) -> None:
        place = f"{folder}: no such folder"
        super().__init__(kind, root, place, remedy="Give --store the folder of an existing store.")


class ArtifactCorruptError(ArtifactError):
    """Bytes under an artifact's name are not that artifact.

    Attributes:
        kind: program, model, dataset or scores.
        root: The root that they should have.
        reason: What is wrong with them.
    """

    def __init__(self, kind: str, root: bytes, reason: str) -> None:
        super().__init__(
            f"the bytes of {kind} 0x{root.hex()} are not what its root commits to: {reason}",
            remedy="Remove the file and fetch it again from another place.",
        )
        self.kind = kind
        self.root = root
        self.reason = reason


class ArtifactTooLargeError(ArtifactError):
    """An artifact has more bytes than allowed.

    Attributes:
        place: Where it is.
        limit: The most bytes.
    """

    def __init__(self, place: str, limit: int) -> None:
        super().__init__(
            f"{place} has more than {limit} bytes", remedy="Raise the limit if you trust its source."
        )
        self.place = place
        self.limit = limit


class UriRefusedError(ArtifactError):
    """A URI from somebody else that the policy does not allow to be opened.

    Attributes:
        uri: The URI, shortened.
        reason: Why.
    """

    def __init__(
        self,
        uri: str,
        reason: str,
        *,
        remedy: str = "If you trust its source, allow it: --allow-folder, --allow-private; or fetch it.",
    ) -> None:
        super().__init__(f"the URI {uri[:200]!r} is refused: {reason}", remedy=remedy)
        self.uri = uri
        self.reason = reason


class OtherHostRefusedError(UriRefusedError):
    """A `file://` URI that names a folder of another host."""

    def __init__(self, uri: str) -> None:
        super().__init__(
            uri,
            "it names a folder of another host",
            remedy="Serve that folder over HTTP (--uri http://HOST:PORT), and order again.",
        )


class FolderRefusedError(UriRefusedError):
    """A URI that names a folder of this machine which this process is not allowed to read.

    Attributes:
        allowed: The folders that it may read, with those below them.
    """

    def __init__(self, uri: str, allowed: Sequence[Path]) -> None:
        folders = ", ".join(map(str, allowed)) or "none"
        super().__init__(
            uri,
            f"it is not below an allowed folder ({folders})",
            remedy="Put the artifacts below such a folder (of a devnet: --store devnet/user), or serve them "
            "over HTTP (--uri http://HOST:PORT), and order again; or start this role with --allow-folder for "
            "theirs, if you trust their source.",
        )
        self.allowed = tuple(allowed)


class StoreUnreachableError(ArtifactError):
    """A place of artifacts gives no whole answer in time; trying later may help.

    Attributes:
        place: Where it is.
        cause: What happened.
    """

    def __init__(
        self,
        place: str,
        cause: str,
        *,
        remedy: str = "Check the place, the network and the permissions; trying later may help.",
    ) -> None:
        super().__init__(f"{place[:200]} cannot be read or written: {cause[:200]}", remedy=remedy)
        self.place = place
        self.cause = cause


class FileSystemMissingError(StoreUnreachableError):
    """A place whose file system comes in a package that is not installed.

    Attributes:
        package: The package.
    """

    def __init__(self, place: str, package: str) -> None:
        super().__init__(
            place,
            f"the package {package} is not installed",
            remedy=f"Install it beside this program: pip install {package}.",
        )
        self.package = package
