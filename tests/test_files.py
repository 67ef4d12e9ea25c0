"""Files are written whole or not at all, whatever the disk, the name and the moment of a kill are."""

import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

import circuitsim as cs
from circuitsim import files
from circuitsim.views.forms import SUFFIXES

NEURON = cs.parse("sigmoid(a*x + b*y + c)")
AT = {"a": 1, "b": 2, "c": -3, "x": -1, "y": 3}
SAVE = """
import resource, sys
import circuitsim as cs
run = cs.Simulation(cs.parse("sigmoid(a*x + b*y + c)")).run(a=1, b=2, c=-3, x=-1, y=3)
print("ready", flush=True)
"""
LIMITED = (
    SAVE
    + """
resource.setrlimit(resource.RLIMIT_FSIZE, (500, 500))
try:
    run.save(sys.argv[1])
except cs.SaveError as error:
    print(error)
"""
)
AGAIN = (
    SAVE
    + """
while True:
    for path in sys.argv[1:]:
        run.save(path)
"""
)


@pytest.fixture(scope="module")
def run():
    return cs.Simulation(NEURON).run(AT)


def start(script, *paths):
    """Start a process that saves, and return it when it has begun to."""
    process = subprocess.Popen([sys.executable, "-c", script, *map(str, paths)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "ready\n"
    return process


def parts(folder):
    return [path for path in folder.iterdir() if path.name.endswith(".part")]


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit on the size of files")
@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_disk_that_takes_no_more_leaves_the_old_file(tmp_path, suffix):
    path = tmp_path / f"old{suffix}"
    path.write_bytes(b"old")
    process = start(LIMITED, path)
    with process.stdout:
        told = process.stdout.read()
    assert process.wait(timeout=60) == 0
    assert told.startswith(f"cannot write {str(path)!r}: ")
    assert told.count("\n") == 1
    assert ("ffmpeg failed" if suffix == ".mp4" else "File too large") in told
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(sys.platform == "win32", reason="needs a program that is a script")
@pytest.mark.parametrize(("script", "words"), [
    ("cat > /dev/null; echo '[mp4 @ 0x1] all is lost' >&2; exit 3", "ffmpeg failed, all is lost"),
    ("exit 7", "ffmpeg failed, code 7"),
    ("cat > /dev/null; kill -9 $$", "ffmpeg failed, code -9"),
    ("cat > /dev/null; yes | head -100000 >&2; exit 1", "ffmpeg failed, y"),
    (None, "No such file or directory"),
])  # fmt: skip
def test_ffmpeg_that_fails_is_believed(run, tmp_path, monkeypatch, script, words):
    program = tmp_path / "ffmpeg"
    if script is not None:
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(0o755)
    monkeypatch.setenv("IMAGEIO_FFMPEG_EXE", str(program))
    film = tmp_path / "films" / "good.mp4"
    film.parent.mkdir()
    film.write_bytes(b"good")
    with pytest.raises(cs.SaveError, match=rf"cannot write .*good.mp4': {words}"):
        run.save(film)
    assert film.read_bytes() == b"good"
    assert list(film.parent.iterdir()) == [film]


# -- killed ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("suffix", [".trace", pytest.param(".mp4", marks=pytest.mark.slow)])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_process_leaves_a_whole_file_and_nothing_for_long(run, tmp_path, suffix, number):
    path = tmp_path / f"film{suffix}"
    run.save(path)
    whole = path.read_bytes()
    moments = random.Random(int(number))
    left = 0
    for _ in range(3):
        process = start(AGAIN, path)
        time.sleep(moments.uniform(0.0, 0.4))
        process.send_signal(number)
        assert process.wait(timeout=30) == -number
        process.stdout.close()
        assert path.read_bytes() == whole
        left += len(parts(tmp_path))
    assert number == signal.SIGKILL or left == 0
    run.save(path)
    assert list(tmp_path.iterdir()) == [path]
    assert path.read_bytes() == whole


def test_a_signal_that_comes_as_soon_as_a_part_is_made_leaves_none(tmp_path):
    """Before anybody knows the file that was opened."""
    program = (
        "import os, signal, sys\nfrom pathlib import Path\nfrom circuitsim import files\n"
        "real = open\n"
        "def opened(*given, **more):\n"
        "    file = real(*given, **more)\n"
        "    signal.raise_signal(signal.SIGTERM)\n"
        "    return file\n"
        "files.open = opened\n"
        "with files.writing(Path(sys.argv[1])): pass\n"
    )
    done = subprocess.run([sys.executable, "-c", program, tmp_path / "a.json"], timeout=60, check=False)
    assert done.returncode == -signal.SIGTERM
    assert list(tmp_path.iterdir()) == []


def test_what_the_dead_left_is_removed_and_what_the_living_write_is_not(tmp_path):
    path = tmp_path / "a.json"
    names = {".a.json.0123abcd.part": False, ".a.json.0123abcd": True, ".b.json.0123abcd.part": True, "a.json.1": True}
    for name in names:
        (tmp_path / name).write_bytes(b"left")
    with files.writing(path) as one:
        one.write(b"one")
        with files.writing(path) as two:
            two.write(b"two")
        assert path.read_bytes() == b"two"
    assert path.read_bytes() == b"one"
    assert {entry.name for entry in tmp_path.iterdir()} == {"a.json", *(name for name in names if names[name])}


def test_processes_that_save_one_file_at_once_leave_each_other_alone(run, tmp_path):
    path = tmp_path / "k.trace"
    run.save(path)
    whole = path.read_bytes()
    processes = [start(AGAIN, path) for _ in range(2)]
    until = time.monotonic() + 1.5
    while time.monotonic() < until:
        assert path.read_bytes() == whole
        assert [process.poll() for process in processes] == [None, None]
    for process in processes:
        process.terminate()
        assert process.wait(timeout=30) == -signal.SIGTERM
        process.stdout.close()
    assert list(tmp_path.iterdir()) == [path]


def test_who_chose_what_happens_at_a_signal_is_left_to_it(tmp_path, monkeypatch):
    path = tmp_path / "a.json"
    got = []
    before = signal.signal(signal.SIGTERM, lambda *_: got.append("own"))
    try:
        with files.writing(path) as file:
            signal.raise_signal(signal.SIGTERM)
            file.write(b"whole")
        assert got == ["own"]
        assert path.read_bytes() == b"whole"
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        with files.writing(path) as file:
            assert signal.getsignal(signal.SIGTERM) is not signal.SIG_DFL
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
        thread = threading.Thread(target=lambda: files.writing(path).__enter__() and got.append("thread"))
        thread.start()
        thread.join()
        assert got == ["own", "thread"]
        assert signal.getsignal(signal.SIGTERM) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGTERM, before)


def test_what_is_written_is_on_the_disk_before_it_has_the_name(tmp_path, monkeypatch):
    done = []
    for name in ("fsync", "replace"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *given, real=real, name=name: (done.append(name), real(*given)))
    with files.writing(tmp_path / "a.json") as file:
        file.write(b"whole")
    assert done == ["fsync", "replace", "fsync"]  # the file, its name, the folder with the name


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has other permissions")
def test_permissions_are_those_of_the_old_file_or_of_any_new_one(tmp_path):
    mask = os.umask(0o027)
    try:
        for before, after in ((None, 0o640), (0o600, 0o600)):
            path = tmp_path / "a.json"
            if before is not None:
                path.chmod(before)
            with files.writing(path):
                pass
            assert path.stat().st_mode & 0o777 == after
    finally:
        os.umask(mask)


# -- names ----------------------------------------------------------------------------------------------------------

ODD = ["a\0b", "l" * 300, "l" * 5000, "\ud800", "", "/dev/null", "/dev/full", "/proc/self/mem", "pipe", "folder",
       "nowhere/a", b"bytes", 1, True, 0, None, 1.5, [], "/dev/zero", "folder/", ".", "a/" * 3000]  # fmt: skip


@pytest.fixture
def odd_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("folder").mkdir()
    if hasattr(os, "mkfifo"):
        os.mkfifo("pipe")


@pytest.mark.parametrize("name", ODD, ids=lambda name: repr(name)[:30])
def test_odd_names_are_refused_in_a_sentence(run, odd_folder, name):
    trainer = cs.Trainer(cs.Compiled(cs.linear(1)), cs.forces.svm, cs.SGD(0.1))
    calls = [
        (cs.LoadError, lambda: cs.Trace.load(name)), (cs.LoadError, lambda: trainer.load(name)),
        (cs.SaveError, lambda: run.save(name)), (cs.SaveError, lambda: trainer.save(name)),
        (cs.SaveError, lambda: run.trace.export(name)), (cs.SaveError, lambda: NEURON.draw(name)),
        (cs.SaveError, lambda: run.trace.save(name)),
    ]  # fmt: skip
    if name != "pipe":  # who reads a pipe waits for what comes
        calls.append((cs.InputError, lambda: cs.read_csv(name)))
    if isinstance(name, str):
        calls += [(cs.SaveError, lambda suffix=suffix: run.save(name + suffix)) for suffix in SUFFIXES
                  if name in ("a\0b", "l" * 300, "\ud800", "nowhere/a")]  # fmt: skip
    for error, call in calls:
        with pytest.raises(error) as caught:
            call()
        assert len(str(caught.value)) <= 400
        assert "\n" not in str(caught.value)
    os.fstat(0), os.fstat(1)  # nobody closed what a number stands for


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="the system has no pipes with names")
def test_a_pipe_or_a_folder_is_never_written_over(run, odd_folder):
    os.mkfifo("pipe.trace")
    Path("folder.svg").mkdir()
    for name, words in [("pipe.trace", "no file but a device or a pipe"), ("folder.svg", "it is a folder")]:
        with pytest.raises(cs.SaveError, match=words):
            run.save(name)


def test_a_name_as_long_as_names_can_be(run, odd_folder):
    for name in ("l" * 249 + ".trace", "ü" * 124 + ".trace"[-7:]):
        run.save(name)
        assert len(cs.Trace.load(name)) == len(run.trace)


@pytest.mark.parametrize("suffix", [".PNG", ".Html", ".TRACE", ".jSON"])
def test_suffixes_may_be_in_large_letters(run, tmp_path, suffix):
    run.save(tmp_path / f"a{suffix}")
    assert (tmp_path / f"a{suffix}").stat().st_size


def test_names_that_other_systems_reserve_do_no_harm(run, tmp_path):
    for name in ("con.trace", "c:\\runs\\a.trace", "a:b.trace", "NUL.trace"):
        run.save(tmp_path / name)
        assert len(cs.Trace.load(tmp_path / name)) == len(run.trace)


# -- text -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("ends", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_text_of_any_system_is_read(tmp_path, ends, mark):
    (tmp_path / "a.csv").write_bytes((mark + ends.join(["x,y,label", "1,2,ä", "3,4,b"])).encode())
    data = cs.read_csv(tmp_path / "a.csv")
    assert (data.features, data.classes, len(data.points)) == (["x", "y"], ("b", "ä"), 2)


@pytest.mark.parametrize(("content", "words"), [
    ("x,label\n1,2".encode("utf-16"), "it is UTF-16; save it as UTF-8"),
    ("x,label\n1,2".encode("utf-16-be"), "it is no text; give a CSV file"),
    (b"x,label\n\xff\xfe", "byte 8 is no UTF-8; save it as UTF-8"),
])  # fmt: skip
def test_text_that_is_none_is_told(tmp_path, content, words):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(cs.InputError, match=words):
        cs.read_csv(tmp_path / "a.csv")


# -- other systems --------------------------------------------------------------------------------------------------


def test_it_imports_and_saves_where_the_modules_of_unix_are_not(tmp_path):
    script = (
        "import sys\n"
        "for name in ('fcntl', 'resource', 'pwd', 'grp', 'termios', 'posix_ipc'): sys.modules[name] = None\n"
        "import os\n"
        "for name in ('getuid', 'geteuid', 'sysconf', 'fork', 'mkfifo', 'umask', 'chmod'):\n"
        "    if hasattr(os, name): delattr(os, name)\n"
        "import circuitsim as cs, circuitsim.cli.main, circuitsim.files as files\n"
        "assert files.fcntl is None\n"
        "run = cs.Simulation(cs.parse('x * y')).run(x=2, y=3)\n"
        "open(sys.argv[1] + '/.a.trace.0123abcd.part', 'wb').close()\n"
        "[run.save(sys.argv[1] + '/a' + suffix) for suffix in ('.trace', '.trace', '.json', '.html', '.vcd')]\n"
        "print(len(cs.Trace.load(sys.argv[1] + '/a.trace')), *sorted(os.listdir(sys.argv[1])))\n"
    )
    done = subprocess.run([sys.executable, "-c", script, str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.stdout, done.stderr) == ("8 a.html a.json a.trace a.vcd\n", "")
