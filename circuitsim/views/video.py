"""Writes frames as a film: a GIF in which each frame has its own duration, or an MP4 at an even rate.

MP4 needs ffmpeg, which ``pip install imageio-ffmpeg`` brings.
"""

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

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
    from imageio_ffmpeg import write_frames

    evenly = _evenly(frames)
    first = next(evenly)
    with writing(path) as file:
        writer = write_frames(
            file.name,
            first.size,
            fps=1000 / FRAME,
            codec="libx264",
            quality=8,
            macro_block_size=2,
            output_params=_EXACT,
        )
        writer.send(None)
        try:
            for frame in chain([first], evenly):
                writer.send(frame.tobytes())
        finally:
            writer.close()


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
