"""What forgers do to plain data and to archives of arrays."""

import copy
import hashlib
import io
import json
import os
import struct
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


TEXTS = ("header.npy", "circuit.npy")


def sign(entries):
    """Put the right checksum on forged entries, reckoned here anew."""
    total = hashlib.sha256()
    for name in sorted(name.removesuffix(".npy") for name in entries if name != "checksum.npy"):
        array = unpack(entries[f"{name}.npy"])
        total.update(repr((name, array.dtype.str, array.shape)).encode() + array.tobytes())
    return entries | {"checksum.npy": npy(np.frombuffer(total.digest(), np.uint8))}


def flip(whole, chance):
    damaged = bytearray(whole)
    for _ in range(chance.choice([1, 1, 1, 2, 8, 64])):
        damaged[chance.randrange(len(damaged))] ^= 1 << chance.randrange(8)
    return bytes(damaged)


def flip_the_end(whole, chance):
    at = len(whole) - 1 - chance.randrange(2500)  # in the directory
    return whole[:at] + bytes([whole[at] ^ chance.choice([1, 0x55, 0x80])]) + whole[at + 1 :]


def cut(whole, chance):
    begin, end = sorted(chance.randrange(len(whole)) for _ in range(2))
    return chance.choice([whole[:begin], whole[begin:], whole[:begin] + whole[end:], whole + whole[begin:end],
                          whole[:begin] + whole[begin:end] + whole[begin:]])  # fmt: skip


def swap(entries, chance):
    one, two = chance.sample(sorted(entries), 2)
    return entries | {one: entries[two], two: entries[one]}


def rename(entries, chance):
    old = chance.choice(sorted(entries))
    new = chance.choice(["x.npy", "w1.npy", "x", "", ".npy", "../x.npy", "best/w1.npy", old + ".npy", "\0.npy",
                         old.removesuffix(".npy"), old.upper()])  # fmt: skip
    return [(new if name == old else name, content) for name, content in entries.items()]


def drop_or_add(entries, chance):
    name = chance.choice(sorted(entries))
    if chance.random() < 0.5:
        return {key: content for key, content in entries.items() if key != name}
    return [*entries.items(), (chance.choice([name, "more.npy", "state/2/w1.npy", "extra/x.npy"]), entries[name])]


def retype(entries, chance):
    name = chance.choice(sorted(entries))
    array = unpack(entries[name])
    other = chance.choice(["f4", "f2", ">f8", "i8", "i4", "u1", "c16", "S9", "U9", "V8", "M8[s]", "?"])
    if array.dtype.kind == "U" or other in ("V8", "M8[s]"):
        other = chance.choice(["S", "O"])
    with np.errstate(all="ignore"):
        return entries | {name: npy(array.astype(other), pickled=True)}


def reshape(entries, chance):
    name = chance.choice(sorted(entries))
    array = unpack(entries[name])
    forms = [lambda a: a[None], lambda a: a[..., None], lambda a: a.T, np.ravel, lambda a: np.stack([a, a]),
             lambda a: np.ravel(a)[:-1], lambda a: np.array(a, order="F"), lambda a: np.ravel(a)[:0],
             lambda a: np.zeros((0,) * 9)]  # fmt: skip
    return entries | {name: npy(chance.choice(forms)(array))}


def change_number(entries, chance):
    name = chance.choice([name for name in sorted(entries) if name not in TEXTS])
    array = unpack(entries[name]).copy()
    if array.size:
        place = np.unravel_index(chance.randrange(array.size), array.shape)
        other = array[np.unravel_index(chance.randrange(array.size), array.shape)]
        if array.dtype.kind == "f":
            array[place] = chance.choice([np.nan, np.inf, -0.0, -1.0, 1e308, np.nextafter(array[place], 9), other])
        else:
            most = int(np.iinfo(array.dtype).max)
            number = chance.choice([0, 1, 2, 3, 64, 100, int(array[place]) // 2, most, -1, -most, int(other)])
            array[place] = np.array(number).astype(array.dtype)
    return entries | {name: npy(array)}


def forge_text(entries, chance):
    name = chance.choice([name for name in (*["header.npy"] * 3, "circuit.npy") if name in entries])
    was = unpack(entries[name])
    content = json.loads(was.item() if was.dtype.kind == "U" else was.tobytes())
    for _ in range(chance.choice([1, 1, 2, 4])):
        forge(content, chance)
    text = json.dumps(content)
    if chance.random() < 0.1:
        at = chance.randrange(len(text))
        text = text[:at] + chance.choice(["", "[" * 5000, "NaN", "9" * 5000, "\0", "é", '"']) + text[at + 1 :]
    if was.dtype.kind == "U":
        return entries | {name: npy(np.array(text))}
    return entries | {name: npy(np.frombuffer(text.encode(errors="replace"), np.uint8))}


def forge_npy(entries, chance):
    name = chance.choice(sorted(entries))
    content = unpack(entries[name]).tobytes()
    header = chance.choice([
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1152921504606846976,), }\n",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (1099511627776, 0), }\n",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (-1,), }\n",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (True,), }\n",
        b"{'descr': '<f8', 'fortran_order': False, 'shape': (3L,), }\n",
        b"{'descr': '|O', 'fortran_order': False, 'shape': (3,), }\n",
        b"{'descr': [('a', '<f8')], 'fortran_order': False, 'shape': (3,), }\n",
        b"{'descr': '<U99999999', 'fortran_order': False, 'shape': (), }\n",
        b"{'descr': '<U-1', 'fortran_order': False, 'shape': (), }\n",
        b"{'descr': '<f8', 'fortran_order': True, 'shape': (3,), }\n",
        b"{'descr': '<f8', 'fortran_order': 0, 'shape': (3,), }\n",
        b"{'descr': '<f8'}\n", b"__import__('os')", b"'\\y'\n", b"(" * 9000, b"", b"\xff" * 70, b"{'descr'" * 1100,
    ])  # fmt: skip
    forged = npy_of(header, content, chance.choice([1, 1, 2, 3, 9]))
    if chance.random() < 0.2:
        forged = b"\x93NUMPY\x02\x00" + struct.pack("<L", 2**32 - 1) + content
    return entries | {name: forged}


def bomb(entries, chance):
    name = chance.choice([*sorted(entries), "more.npy"])
    zeros = chance.choice([
        npy_of(b"{'descr': '<f8', 'fortran_order': False, 'shape': (500000,), }\n", bytes(4_000_000)),
        npy_of(b"{'descr': '<U1000000', 'fortran_order': False, 'shape': (), }\n", bytes(4_000_000)),
        npy_of(b" " * 4_000_000, b"", 2), bytes(4_000_000),
    ])  # fmt: skip
    return entries | {name: zeros}


def lie_about_sizes(whole, chance):
    """Forge sizes, ways of packing and flags where the archive's directory or the entries themselves say them."""
    damaged = bytearray(whole)
    signature, offsets = chance.choice(
        [(b"PK\1\2", (6, 8, 10, 20, 24, 28, 30, 32, 42)), (b"PK\3\4", (4, 6, 8, 18, 22))]
    )
    places = [at for at in range(len(whole)) if whole.startswith(signature, at)]
    at = chance.choice(places) + chance.choice(offsets)
    damaged[at : at + 2] = struct.pack("<H", chance.choice([0, 1, 9, 12, 14, 93, 0xFFFF, chance.randrange(65536)]))
    return bytes(damaged)


BYTES = [flip, flip, flip_the_end, cut, lie_about_sizes]
ENTRIES = [swap, rename, drop_or_add, retype, reshape, change_number, forge_text, forge_text, forge_npy, bomb]


def damage(original, path, chance):
    """Write to `path` what is left of a good archive, and say in words what was done to it."""
    deed = chance.choice(BYTES + ENTRIES * 2)
    if deed in BYTES:
        path.write_bytes(deed(original.read_bytes(), chance))
        return deed.__name__
    entries = entries_of(original)
    forged = deed(entries, chance)
    if isinstance(forged, dict) and "checksum.npy" in forged and chance.random() < 0.7:
        try:
            forged = sign(forged)
        except Exception:  # of what is no array there is no checksum
            return deed.__name__ + ", " + damage(original, path, chance)
    write_entries(path, forged)
    return deed.__name__


def no_such_file(folder, chance):
    """Return the name of something that is no archive, or no file."""
    (folder / "folder").mkdir(exist_ok=True)
    (folder / "empty").touch()
    if hasattr(os, "mkfifo") and not (folder / "pipe").exists():
        os.mkfifo(folder / "pipe")
    inside = [
        (chance.choice(["a.npy", "header.npy", "b.txt"]), chance.randbytes(99)) for _ in range(chance.randrange(4))
    ]
    write_entries(folder / "other.zip", inside)
    names = [
        "/dev/zero",
        "/dev/full",
        "/dev/null",
        "/dev/urandom",
        "/proc/self/mem",
        "/proc/self/maps",
        "a\0b",
        "\ud800",
        "x" * 5000,
        "",
        __file__,
        *(str(folder / name) for name in ("folder", "empty", "nothing", "other.zip")),
    ]
    return chance.choice([*names, *(str(path) for path in folder.glob("pipe"))])
