"""Puts files that were made into a folder, and loses nothing of anybody else's.

The folder is new, empty, or was filled by this before: then it holds a list of what was made, with a checksum of each
file. Files on the list are replaced, or removed if they are made no more; others stay. A file that somebody changed, or
put where one is to go, is refused before anything is written.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path, PurePosixPath

from circuitsim.errors import SaveError
from circuitsim.files import quoted, writing

__all__ = ["LIST", "check_folder", "put_files"]

#: The file that lists what was made.
LIST = ".circuitsim-site"


def check_folder(folder: Path) -> dict[str, set[str]]:
    """Make a folder if there is none, and return what was made in it: by name the checksums of the files.

    Raises
    ------
    SaveError
        If it cannot be written to, holds files and none were made there, or one that was made has changed since.
    """
    try:
        if folder.exists() and not folder.is_dir():
            raise SaveError(f"cannot write to {quoted(folder)}: it is no folder; give another name")
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise SaveError(f"cannot write to {quoted(folder)}: permission is denied")
        if not any(folder.iterdir()):
            return {}
        if not (folder / LIST).is_file():
            raise SaveError(
                f"{quoted(folder)} holds files that circuitsim has not written there: give a new or an empty folder"
            )
        made: dict[str, set[str]] = {}
        for line in (folder / LIST).read_text(encoding="utf-8", errors="replace").splitlines():
            checksum, _, name = line.partition(" ")
            path = PurePosixPath(name)
            if name and not path.is_absolute() and ".." not in path.parts:
                made.setdefault(name, set()).add(checksum)
        for name, checksums in made.items():
            _check(folder / name, checksums)
    except SaveError:
        raise
    except (OSError, ValueError) as error:
        raise SaveError(f"cannot write to {quoted(folder)}: {getattr(error, 'strerror', None) or error}") from None
    return made


def put_files(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, by their names in it.

    Raises
    ------
    SaveError
        As `check_folder` does; or if a file would take the place of one that was not made, or cannot be written.
    """
    made = check_folder(folder)
    new = {name: {sha256(text).hexdigest()} for name, text in files.items()}
    for name in files:
        if name not in made:
            _check(folder / name, new[name])
    try:
        for name in files:
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise SaveError(f"cannot write to {quoted(folder)}: {error.strerror or error}") from None
    # While it is written both are listed, so that who interrupts it can begin anew.
    _write_list(folder, {name: made.get(name, set()) | new.get(name, set()) for name in {*made, *new}})
    for name, text in files.items():
        with writing(folder / name) as file:
            file.write(text)
    for name in made.keys() - files.keys():
        with suppress(OSError):
            (folder / name).unlink()
            (folder / name).parent.rmdir()  # if nothing else is left there
    _write_list(folder, new)


def _check(path: Path, checksums: set[str]) -> None:
    """Raise if there is another file than those with these checksums."""
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise SaveError(f"{quoted(path)} is in the way: move it elsewhere, or give a new folder")
    if path.exists() and sha256(path.read_bytes()).hexdigest() not in checksums:
        raise SaveError(
            f"{quoted(path)} is not as circuitsim wrote it: move it elsewhere to keep it, or give a new folder"
        )


def _write_list(folder: Path, made: Mapping[str, set[str]]) -> None:
    lines = [f"{checksum} {name}\n" for name in sorted(made) for checksum in sorted(made[name])]
    with writing(folder / LIST) as file:
        file.write("".join(lines).encode())
