"""Where results go and come from: files are written whole or not at all, and archives of arrays are read with care.

Paths are checked before any work is done, and no half-written file is left behind. An archive of arrays, what NumPy
calls an npz, is a ZIP archive of ``.npy`` files.
"""

import io
import math
import os
import re
import secrets
import signal
import stat
import struct
import threading
import warnings
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from os import PathLike
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from circuitsim import checks
from circuitsim.errors import CircuitSimError, InputError, SaveError

try:
    import fcntl
except ImportError:  # on Windows, where nobody can remove a file that another has open
    fcntl = None  # type: ignore[assignment]

__all__ = [
    "Archive",
    "ArchiveError",
    "check_path",
    "quoted",
    "read_text",
    "reading_arrays",
    "write_arrays",
    "writing",
]

# -- writing --------------------------------------------------------------------------------------------------------


def check_path(path: str | PathLike[str], suffixes: tuple[str, ...]) -> Path:
    """Return the path if its suffix, in small letters or large, is one of those and its folder can be written to.

    Raises
    ------
    SaveError
        If not.
    """
    path = Path(checks.path(path, error=SaveError))
    told = quoted(path)
    if path.suffix.lower() not in suffixes:
        raise SaveError(f"cannot save as {told}: the suffix must be one of {' '.join(suffixes)}")
    try:
        folder, there = _look(path.parent), _look(path)
    except (OSError, ValueError) as error:
        raise SaveError(f"cannot write {told}: {_reason(error)}") from None
    if folder is None or not stat.S_ISDIR(folder.st_mode):
        raise SaveError(f"cannot write {told}: there is no folder {quoted(path.parent)}; make it first")
    if there is not None and not stat.S_ISREG(there.st_mode):
        what = "a folder" if stat.S_ISDIR(there.st_mode) else "no file but a device or a pipe"
        raise SaveError(f"cannot write {told}: it is {what}; give another name")
    if not os.access(path.parent, os.W_OK) or (there is not None and not os.access(path, os.W_OK)):
        raise SaveError(f"cannot write {told}: permission is denied")
    return path


def quoted(path: str | PathLike[str]) -> str:
    """Return a path in quotation marks for a message, without the middle of one that is long.

    Examples
    --------
    >>> quoted("runs/neuron.html")
    "'runs/neuron.html'"
    """
    text = str(path)
    return repr(text if len(text) <= 160 else f"{text[:78]}...{text[-78:]}")


@contextmanager
def writing(path: Path) -> Iterator[IO[bytes]]:
    """Open a file that takes its place under `path` only when all of it is written, and is on the disk.

    Until then it is called ``.NAME.XXXXXXXX.part``, and locked. What others left of that kind when they were killed is
    removed. A process that is told to end (SIGTERM) while it writes removes its own, if it has not chosen to do
    something else then.

    Raises
    ------
    SaveError
        If the system will not write it.
    """
    _remove_leftovers(path)
    with _ending_late() as names:
        try:
            file = _open_part(path, names)
            try:
                yield file
                file.flush()
                os.fsync(file.fileno())
                if fcntl is None:
                    file.close()  # on Windows an open file cannot be renamed
                os.replace(file.name, path)
            except BaseException:
                with suppress(OSError):  # on a full disk there is no room for what is yet to be written either
                    file.close()
                with suppress(FileNotFoundError):
                    os.unlink(file.name)
                raise
            file.close()  # only now, for the lock ends with it
            _sync_folder(path.parent)
        except OSError as error:
            if isinstance(error, CircuitSimError):
                raise
            raise SaveError(f"cannot write {quoted(path)}: {_reason(error)}") from None


def _open_part(path: Path, names: list[Path]) -> IO[bytes]:
    """Open a new file beside the one that it will replace, with the permissions of that or of any new file.

    Its name is added to `names` before it is made.
    """
    there = _look(path)
    mode = 0o666 if there is None else stat.S_IMODE(there.st_mode)
    while True:
        name = path.with_name(f".{_stem(path)}.{secrets.token_hex(4)}.part")
        names.append(name)
        try:
            file = open(name, "x+b", opener=lambda part, flags: os.open(part, flags, mode))  # noqa: SIM115
        except FileExistsError:
            names.remove(name)
            continue
        _lock(file, wait=True)
        if fcntl is None or _look(name) is not None:  # nobody took it for a leftover before it was locked
            return file
        file.close()


def _stem(path: Path) -> str:
    """Return what a part is called after: the name of the file, or the end of a long one, so that more fits."""
    return path.name[-50:]


def _lock(file: IO[bytes], wait: bool = False) -> bool:
    """Tell whether nobody else has the file locked, and lock it until it is closed; False if that cannot be known."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except OSError:
        return False
    return True


def _remove_leftovers(path: Path) -> None:
    """Remove what processes that were killed left beside a file; those that live have theirs locked."""
    form = re.compile(rf"\.{re.escape(_stem(path))}\.[0-9a-f]{{8}}\.part")
    with suppress(OSError, ValueError):
        for name in os.listdir(path.parent):
            if form.fullmatch(name):
                part = path.with_name(name)
                with suppress(OSError), open(part, "r+b") as file:
                    if fcntl is None:
                        file.close()
                    if _lock(file):
                        os.unlink(part)


def _sync_folder(folder: Path) -> None:
    """Let the system write down a folder, where it can."""
    with suppress(OSError):
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


class _Terminated(BaseException):
    """The process was told to end."""


@contextmanager
def _ending_late() -> Iterator[list[Path]]:
    """Let SIGTERM end the process only when what is inside has been cleaned up, and these files removed.

    The signal may come at any moment, also when a file has just been made and is not yet known to who cleans up. Who
    has chosen what happens at SIGTERM is left to it; and only the main thread can choose.
    """
    names: list[Path] = []
    told: list[int] = []

    def note(number: int, frame: object) -> None:
        if not told:
            told.append(number)
            raise _Terminated

    in_main = threading.current_thread() is threading.main_thread()
    if not in_main or signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL:
        yield names
        return
    try:
        try:
            signal.signal(signal.SIGTERM, note)
            yield names
        finally:
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
    except _Terminated:
        for name in names:
            with suppress(OSError):
                os.unlink(name)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)


def _look(path: Path) -> os.stat_result | None:
    """Return what the system says of a file; None if there is none."""
    try:
        return os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None


def _reason(error: OSError | ValueError) -> str:
    """Say why the system will not have a path, or what is in it."""
    if isinstance(error, UnicodeEncodeError):
        return "the name has a character that no file name can have"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)


# -- text -----------------------------------------------------------------------------------------------------------


def read_text(path: str | PathLike[str], what: str, error: type[CircuitSimError] = InputError) -> str:
    """Return the text of a file that somebody wrote: UTF-8, with or without a mark of it, whatever ends its lines.

    Parameters
    ----------
    path : path-like
        The file; a pipe is read to its end.
    what : str
        What should be in it, for the message.
    error : type
        What to raise.

    Raises
    ------
    InputError, or another
        If it cannot be read or is no such text.
    """
    path = checks.path(path, error=error)
    try:
        with open(path, "rb") as file:
            content = bytearray()
            while part := file.read(2**20):
                content += part
                if content.startswith((b"\xff\xfe", b"\xfe\xff")):
                    raise error(f"cannot read {quoted(path)}: it is UTF-16; save it as UTF-8")
                if b"\0" in part:  # devices have no end of them
                    raise error(f"cannot read {quoted(path)}: it is no text; give {what}")
        return content.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n")
    except CircuitSimError:
        raise
    except UnicodeDecodeError as fault:
        raise error(f"cannot read {quoted(path)}: byte {fault.start} is no UTF-8; save it as UTF-8") from None
    except (OSError, ValueError) as fault:
        raise error(f"cannot read {quoted(path)}: {_reason(fault)}; give {what}") from None


# -- archives -------------------------------------------------------------------------------------------------------


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
    length : int
        How many bytes all entries say they take in the file.
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
        self.length = max(1, sum(entry.compress_size for entry in self._entries.values()))
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

    def read_list(self, name: str, dtype: Any, most: int) -> NDArray[Any]:
        """Return an entry of this type that has one axis, of at most so many elements, read-only.

        Raises
        ------
        ArchiveError
            If it has not, or is damaged.
        """
        dtype, shape, content = self._unpack(name, np.dtype(dtype).itemsize * most)
        if dtype != np.dtype(dtype) or len(shape) != 1:
            raise ArchiveError(f"is damaged: entry {name!r} is no list of {np.dtype(dtype)}")
        return np.frombuffer(content, dtype)

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
            return bytes(content).decode("utf-32-le" if dtype.str[0] == "<" else "utf-32-be")
        except UnicodeDecodeError:
            raise ArchiveError(f"is damaged: entry {name!r} holds no text") from None

    def _unpack(self, name: str, most: int) -> tuple[np.dtype[Any], tuple[int, ...], memoryview]:
        """Return the type, the shape and the bytes of an entry, which may have no more than so many of them."""
        if name not in self.sizes:
            raise ArchiveError(f"is damaged: it has no entry {name!r}")
        if self.sizes[name] > most + 2 * _NPY_HEADER:
            raise ArchiveError(f"is damaged: entry {name!r} has {self.sizes[name]} bytes, where {most} are due")
        try:
            with self._opened.open(self._entries[f"{name}.npy"]) as member:
                packed = member.read(most + 2 * _NPY_HEADER + 1)  # to its end, where the checksum is looked at
            stream = io.BytesIO(packed[: _NPY_HEADER + 12])
            form = np.lib.format
            read = {(1, 0): form.read_array_header_1_0, (2, 0): form.read_array_header_2_0}[form.read_magic(stream)]
            with warnings.catch_warnings(action="error"):
                shape, fortran, dtype = read(stream, max_header_size=_NPY_HEADER)
            content = memoryview(packed)[stream.tell() :]
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
    with ExitStack() as opened:
        try:
            if not stat.S_ISREG(os.stat(path).st_mode):
                raise ArchiveError("is no file")
            file = opened.enter_context(open(path, "rb"))
            _check_directory(file, most)
        except (OSError, ValueError) as error:
            raise ArchiveError(f"cannot be read: {_reason(error)}") from None
        try:
            archive = Archive(opened.enter_context(zipfile.ZipFile(file)))
        except ArchiveError:
            raise
        except Exception:  # what is damaged fails in many ways
            raise ArchiveError("is cut off or damaged") from None
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
