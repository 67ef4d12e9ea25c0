"""Writes frames as a film: a GIF in which each frame has its own duration, or an MP4 at an even rate.

MP4 needs ffmpeg, which ``pip install imageio-ffmpeg`` brings.
"""

import subprocess
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from fractions import Fraction
from itertools import chain
from pathlib import Path
from threading import Thread
from typing import IO

from PIL import Image

from circuitsim.files import writing
from circuitsim.views.style import PAPER

__all__ = ["FRAME", "write_film"]

FRAME = 60  # milliseconds

# The same frames give the same bytes.
_EXACT = ["-map_metadata", "-1", "-fflags", "+bitexact", "-flags:v", "+bitexact", "-f", "mp4"]


def write_film(path: Path, frames: Iterable[tuple[Image.Image, int]], colours: Image.Image) -> None:
    """Write a film.

    Parameters
    ----------
    path : Path
        Where to; the suffix, ``.gif`` or ``.mp4``, chooses the form.
    frames : iterable of (Image, int)
        What is seen, and for how many milliseconds. An MP4 rounds this to its frames of 60 ms.
    colours : Image
        The palette of a GIF.
    """
    (_write_gif if path.suffix.lower() == ".gif" else _write_mp4)(path, frames, colours)


def _write_gif(path: Path, frames: Iterable[tuple[Image.Image, int]], colours: Image.Image) -> None:
    pictures, durations = [], []
    for frame, duration in frames:
        pictures.append(frame.quantize(palette=colours, dither=Image.Dither.NONE))
        durations.append(duration)
    with writing(path) as file:
        pictures[0].save(file, "GIF", save_all=True, append_images=pictures[1:], duration=durations, loop=0, disposal=1)


def _write_mp4(path: Path, frames: Iterable[tuple[Image.Image, int]], colours: Image.Image) -> None:
    evenly = _evenly(frames)
    first = next(evenly)
    with writing(path) as file, _ffmpeg(file.name, first.size) as entry:
        for frame in chain([first], evenly):
            entry.write(frame.tobytes())


@contextmanager
def _ffmpeg(path: object, size: tuple[int, int]) -> Iterator[IO[bytes]]:
    """Run ffmpeg, which takes frames of red, green and blue bytes, and end it.

    Raises
    ------
    OSError
        If it cannot be run or says that it failed.
    """
    from imageio_ffmpeg import get_ffmpeg_exe

    try:
        program = get_ffmpeg_exe()
    except RuntimeError as error:
        raise OSError(f"ffmpeg was not found, {error}") from None
    given = ["-f", "rawvideo", "-pix_fmt", "rgb24", "-s", "{}x{}".format(*size), "-r", str(Fraction(1000, FRAME))]
    made = ["-an", "-vcodec", "libx264", "-pix_fmt", "yuv420p", "-crf", "10", *_EXACT]
    process = subprocess.Popen(
        [program, "-y", "-v", "error", *given, "-i", "-", *made, f"file:{path}"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stderr is not None
    last: deque[bytes] = deque(maxlen=1)
    listener = Thread(target=last.extend, args=(process.stderr,))  # a pipe that nobody reads would hold it up
    listener.start()
    try:
        with suppress(BrokenPipeError), process.stdin:  # what went wrong there it tells in the end
            yield process.stdin
        process.wait()
    finally:
        process.kill()
        process.wait()
        listener.join()
        process.stderr.close()
    if process.returncode:
        told = last[0].decode(errors="replace").strip().rpartition("] ")[2] if last else f"code {process.returncode}"
        raise OSError(f"ffmpeg failed, {told[:200]}")


def _evenly(frames: Iterable[tuple[Image.Image, int]]) -> Iterator[Image.Image]:
    """Yield each frame as often as its duration asks for, with sides of even length, as video has them."""
    due = shown = 0
    for frame, duration in frames:
        width, height = frame.width + frame.width % 2, frame.height + frame.height % 2
        if (width, height) != frame.size:
            even = Image.new("RGB", (width, height), PAPER)
            even.paste(frame, (0, 0))
            frame = even
        due += duration
        while shown == 0 or (shown + 0.5) * FRAME < due:
            yield frame
            shown += 1
