"""Where results go: paths are checked before any work is done, and no half-written file is left behind."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from os import PathLike
from pathlib import Path
from typing import IO

from circuitsim import checks
from circuitsim.errors import SaveError

__all__ = ["check_path", "writing"]


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
