"""Where results go and come from: files are written whole or not at all, and archives of arrays are read with care.

Paths are checked before any work is done, and no half-written file is left behind. An archive of arrays, what NumPy
calls an npz, is a ZIP archive of ``.npy`` files.
"""

import io
import math
import os
import stat
import struct
import tempfile
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from circuitsim import checks
from circuitsim.errors import SaveError

__all__ = ["Archive", "ArchiveError", "check_path", "reading_arrays", "write_arrays", "writing"]


def check_path(path: str | PathLike[str], suffixes: tuple[str, ...]) -> Path:
    """Return the path if its suffix is one of those and its folder can be written to.

    Raises
    ------
    SaveError
        If not.
    """
    path = Path(checks.path(path, error=SaveError))
    if path.suffix.lower() not in suffixes:
        raise SaveError(f"cannot save as {str(path)!r}: the suffix must be one of {' '.join(suffixes)}")
    if not path.parent.is_dir():
        raise SaveError(f"cannot write {str(path)!r}: there is no folder {str(path.parent)!r}; make it first")
    if path.is_dir():
        raise SaveError(f"cannot write {str(path)!r}: it is a folder")
    if not os.access(path.parent, os.W_OK) or (path.exists() and not os.access(path, os.W_OK)):
        raise SaveError(f"cannot write {str(path)!r}: permission is denied")
    return path


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its place under `path` only when all of it is written.

    Raises
    ------
    SaveError
        If the system will not write it.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                yield file
                file.flush()
                # A temporary file is private; the finished one has the permissions of any new file.
                mask = os.umask(0)
                os.umask(mask)
                os.chmod(file.name, 0o666 & ~mask)
                os.replace(file.name, path)
            except BaseException:
                os.unlink(file.name)
                raise
    except OSError as error:
        raise SaveError(f"cannot write {str(path)!r}: {error.strerror or error}") from None


def write_arrays(file: IO[bytes], arrays: Mapping[str, Callable[[], Any]]) -> None:
    """Write an archive of arrays; the same arrays make the same bytes.

    Parameters
    ----------
    file : file
        Where to.
    arrays : mapping of str to callable
        What makes each array. They are made one at a time, so that no two copies need be in memory.
    """
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, make in arrays.items():
            entry = zipfile.ZipInfo(f"{name}.npy")  # which bears no date
            entry.compress_type = zipfile.ZIP_DEFLATED
            with archive.open(entry, "w", force_zip64=True) as member:
                np.lib.format.write_array(member, make(), allow_pickle=False)


class ArchiveError(Exception):
    """Says what is wrong with an archive of arrays, in words that follow "it"."""


class Archive:
    """The entries of an archive of arrays that nobody vouches for.

    Nothing in it is believed: an entry is unpacked when it is asked for, up to the size that is due and no further.

    Attributes
    ----------
    sizes : dict of str to int
        How many bytes each entry says it has.
    """

    def __init__(self, opened: zipfile.ZipFile) -> None:
        self._opened = opened
        self._entries: dict[str, zipfile.ZipInfo] = {}
        for entry in opened.infolist():
            if not entry.filename.endswith(".npy") or entry.filename in self._entries:
                raise ArchiveError("has an entry that is no array, or one twice")
            if entry.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or entry.flag_bits & 1:
                raise ArchiveError("is packed in another way")
            self._entries[entry.filename] = entry
        self.sizes = {name.removesuffix(".npy"): entry.file_size for name, entry in self._entries.items()}

    def read(self, name: str, dtype: Any, shape: tuple[int, ...]) -> NDArray[Any]:
        """Return an entry that is to have this type and shape, read-only.

        Raises
        ------
        ArchiveError
            If it has not, or is damaged.
        """
        due = np.dtype(dtype)
        size = due.itemsize * math.prod(shape)
        found_dtype, found_shape, content = self._unpack(name, size)
        if (found_dtype, found_shape) != (due, shape):
            raise ArchiveError(
                f"is damaged: entry {name!r} is {found_dtype} of shape {found_shape}, due is {due} of shape {shape}"
            )
        return np.frombuffer(content, due).reshape(shape)

    def read_text(self, name: str, most: int) -> str:
        """Return the entry that holds one text of at most so many letters.

        Raises
        ------
        ArchiveError
            If it does not, or is damaged.
        """
        dtype, shape, content = self._unpack(name, 4 * most)
        if dtype.kind != "U" or shape != ():
            raise ArchiveError(f"is damaged: entry {name!r} holds no text")
        try:
            return content.decode("utf-32-le" if dtype.str[0] == "<" else "utf-32-be")
        except UnicodeDecodeError:
            raise ArchiveError(f"is damaged: entry {name!r} holds no text") from None

    def _unpack(self, name: str, most: int) -> tuple[np.dtype[Any], tuple[int, ...], bytes]:
        """Return the type, the shape and the bytes of an entry, which may have no more than so many of them."""
        if name not in self.sizes:
            raise ArchiveError(f"is damaged: it has no entry {name!r}")
        if self.sizes[name] > most + 2 * _NPY_HEADER:
            raise ArchiveError(f"is damaged: entry {name!r} has {self.sizes[name]} bytes, where {most} are due")
        try:
            with self._opened.open(self._entries[f"{name}.npy"]) as member:
                packed = member.read(most + 2 * _NPY_HEADER + 1)  # to its end, where the checksum is looked at
            stream = io.BytesIO(packed)
            form = np.lib.format
            read = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}[form.read_magic(stream)]
            with warnings.catch_warnings(action="error"):
                shape, fortran, dtype = read(stream, max_header_size=_NPY_HEADER)
            content = packed[stream.tell() :]
            if not fortran and not dtype.hasobject and len(content) == dtype.itemsize * math.prod(shape):
                return dtype, shape, content
        except Exception:  # what is damaged fails in many ways
            pass
        raise ArchiveError(f"is damaged: entry {name!r} cannot be read")


_NPY_HEADER = 10_000
_ENTRY = 46 + 1000  # bytes an entry takes in the directory of an archive, with its name


@contextmanager
def reading_arrays(path: str, most: int) -> Iterator[Archive]:
    """Open an archive of arrays that nobody vouches for, with about so many entries at most.

    Raises
    ------
    ArchiveError
        If it cannot be read, is no such archive, is damaged or has far more entries.
    """
    try:
        if not stat.S_ISREG(os.stat(path).st_mode):
            raise ArchiveError("is no file")
        file = open(path, "rb")  # noqa: SIM115 (closed below; what fails while it is read is told in other words)
    except OSError as error:
        raise ArchiveError(f"cannot be read: {error.strerror or error}") from None
    except ValueError as error:
        raise ArchiveError(f"cannot be read: {error}") from None
    with file:
        _check_directory(file, most)
        try:
            opened = zipfile.ZipFile(file)
            archive = Archive(opened)
        except (zipfile.BadZipFile, struct.error, ValueError, NotImplementedError, EOFError, OverflowError):
            raise ArchiveError("is cut off or damaged") from None
        with opened:
            yield archive


def _check_directory(file: IO[bytes], most: int) -> None:
    """Refuse a file that does not end like an archive, or with a directory too long to be taken in."""
    size = file.seek(0, os.SEEK_END)
    file.seek(max(0, size - 98))
    tail = file.read().rjust(98, b"\0")
    file.seek(0)
    if file.read(2) != b"PK":
        raise ArchiveError("is no archive of arrays")
    if tail[-22:-18] != b"PK\5\6" or tail[-2:] != b"\0\0":
        raise ArchiveError("is cut off or damaged")
    (length,) = struct.unpack("<L", tail[-10:-6])
    if tail[-42:-38] == b"PK\6\7":  # the longer form of the same, for many entries
        (length,) = struct.unpack("<Q", tail[40:48])
    if length > most * _ENTRY:
        raise ArchiveError(f"is damaged: its directory has {length} bytes, far more than {most} entries take")
