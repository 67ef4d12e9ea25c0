"""What forgers do to plain data and to archives of arrays."""

import copy
import io
import warnings
import zipfile

import numpy as np

THINGS = [None, True, -1, 0, 10**30, 1.5, "", "x", "mul", [], [[]], {}, {"float": "nan"}, {"tuple": [1]}, {"array": []}]


def forge(thing, chance):
    """Change one place of plain data: drop, double, swap or replace something."""
    places = []

    def visit(part):
        for key in range(len(part)) if isinstance(part, list) else list(part):
            places.append((part, key))
            if isinstance(part[key], list | dict):
                visit(part[key])

    visit(thing)
    part, key = chance.choice(places)
    other, there = chance.choice(places)
    deed = chance.randrange(4)
    if deed == 0:
        del part[key]
    elif deed == 1:
        part[key] = copy.deepcopy(chance.choice(THINGS))
    elif deed == 2:
        part[key] = copy.deepcopy(other[there])
    elif isinstance(part, list):
        part.insert(key, copy.deepcopy(chance.choice(THINGS)))
    else:
        part[chance.choice(["more", "shape", "value", "dtype"])] = copy.deepcopy(chance.choice(THINGS))


def entries_of(path):
    """Return the raw bytes of each entry of an archive."""
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def write_entries(path, entries, method=zipfile.ZIP_DEFLATED):
    """Write an archive of these bytes, with right checksums of the archive's own; entries are pairs, or a mapping."""
    with zipfile.ZipFile(path, "w", method) as archive, warnings.catch_warnings(action="ignore"):
        for name, content in entries.items() if isinstance(entries, dict) else entries:
            archive.writestr(zipfile.ZipInfo(name), content, method)


def npy(array, pickled=False):
    """Return the bytes of an array as a file."""
    file = io.BytesIO()
    np.lib.format.write_array(file, np.asarray(array), allow_pickle=pickled)
    return file.getvalue()


def npy_of(header, content=b"", version=1):
    """Return the bytes of an array's file with a header that may say anything."""
    length = len(header).to_bytes(2 if version == 1 else 4, "little")
    return b"\x93NUMPY" + bytes([version, 0]) + length + header + content


def unpack(content):
    return np.lib.format.read_array(io.BytesIO(content), allow_pickle=False)
