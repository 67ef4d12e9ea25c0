"""Makes a site of static files: the playground, a page of every scenario, the notebooks, the documentation, an index.

Each scenario and each notebook runs in a process of its own, with the settings that it has when none are given. The
documentation and the notebooks are beside the package in a checkout; an installed package has the scenarios alone.
"""

import html
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from typing import Any

import circuitsim
from circuitsim import views
from circuitsim.cli import scenarios
from circuitsim.cli.made_files import check_folder, put_files
from circuitsim.errors import InputError
from circuitsim.progress import progress_bar
from circuitsim.views.document_page import code, document, drawing, markdown, printed
from circuitsim.views.forms import PAGES

__all__ = ["checkout", "make_site"]

DOCUMENTS = ("README.md", "docs/*.md", "CONTRIBUTING.md", "CHANGELOG.md")
READABLE = (".md", ".py")  # what a document may lead to


def checkout() -> Path | None:
    """Return the folder with the documentation and the notebooks; None if there is none."""
    root = Path(circuitsim.__file__).parent.parent
    return root if (root / "README.md").is_file() and (root / "docs").is_dir() else None


def make_site(folder: Path) -> list[str]:
    """Write the site into a folder, and return sentences on what was left out.

    Raises
    ------
    SaveError
        If the folder has files that are not of a site, or cannot be written to.
    InputError
        If a notebook does not run to its end.
    """
    check_folder(folder)
    site = _Site(checkout())
    notebooks = sorted((site.root / "notebooks").glob("*.ipynb")) if site.root else []
    steps: list[tuple[str, Callable[[], None]]] = [("play", site.add_playground)]
    for name, summary in scenarios.summaries().items():
        steps.append((name, lambda name=name, summary=summary: site.add_scenario(name, summary)))  # type: ignore[misc]
    for path in notebooks:
        steps.append((path.stem, lambda path=path: site.add_notebook(path)))  # type: ignore[misc]
    steps.append(("documents", site.add_documents))
    with progress_bar("making the site", len(steps)) as advance:
        for number, (label, make) in enumerate(steps):
            advance(number, label)
            make()
    site.add_index()
    put_files(folder, site.files)
    return site.left_out


class _Site:
    """The files of a site by their names in it, and what the index lists: name, words and address, by heading."""

    def __init__(self, root: Path | None) -> None:
        self.root = root
        self.files: dict[str, bytes] = {}
        self.lists: dict[str, list[tuple[str, str, str]]] = {
            "Playground": [],
            "Scenarios": [],
            "Notebooks": [],
            "Documentation": [],
        }
        self.left_out: list[str] = []
        self.listed: list[str] = []
        if root is not None:
            for part in DOCUMENTS:
                self.listed += [path.relative_to(root).as_posix() for path in sorted(root.glob(part))]
        else:
            self.left_out.append(
                "The documentation and the notebooks are left out, for they are not in the package: make the site from "
                "a checkout to have them."
            )
        self.documents = list(self.listed)

    def add_playground(self) -> None:
        """Add the page on which expressions are typed."""
        with TemporaryDirectory() as folder:
            views.play(Path(folder) / "play.html")
            self.files["play.html"] = (Path(folder) / "play.html").read_bytes()
        words = "Type any expression of numbers: it is laid out, computed and pulled on."
        self.lists["Playground"].append(("play", words, "play.html"))

    def add_scenario(self, name: str, summary: str) -> None:
        """Run a scenario and add its page; of one that only draws, a page with the picture and what it prints."""
        suffixes = scenarios.suffixes(scenarios.load(scenarios.find(name)))
        live = PAGES[0] in suffixes
        with TemporaryDirectory() as folder:
            saved = Path(folder) / f"{name}{PAGES[0] if live else '.svg'}"
            done = _run("circuitsim", "run", name, "--save", str(saved))
            if done.returncode:
                self.left_out.append(f"The scenario {name} is left out: {_complaint(done)}")
                return
            made = saved.read_bytes()
        if not live:
            told = done.stdout.rpartition("saved ")[0]
            body = f"<h1>{html.escape(name)}</h1>\n<p>{html.escape(summary)}</p>\n"
            made = document(
                name, body + drawing(made.decode(), f"What {name} found") + printed(told), "../index.html"
            ).encode()
        self.files[f"scenarios/{name}.html"] = made
        self.lists["Scenarios"].append((name, summary, f"scenarios/{name}.html"))

    def add_notebook(self, path: Path) -> None:
        """Run a notebook and add its page, and a page for each run that it shows."""
        with TemporaryDirectory() as folder:
            done = _run("circuitsim.cli.notebook", str(path), folder)
            if done.returncode:
                raise InputError(f"the notebook {path.name} does not run to its end: {_complaint(done)}")
            for page in sorted(Path(folder).iterdir()):
                self.files[f"notebooks/{page.name}"] = page.read_bytes()
        name = f"notebooks/{path.stem}.html"
        cells = json.loads(done.stdout)
        body = "".join(self._cell(name, cell) for cell in cells)
        title = cells[0]["source"].partition("\n")[0].lstrip("# ")
        self.files[name] = document(title, body, "../index.html").encode()
        first = " ".join(cells[0]["source"].partition("\n\n")[2].partition("\n\n")[0].split())
        self.lists["Notebooks"].append((title, _sentence(first), name))

    def _cell(self, name: str, cell: dict[str, Any]) -> str:
        if cell["kind"] == "markdown":
            return self._markdown(cell["source"], name)
        parts, page = [code(cell["source"])], None
        for form, text in cell["made"]:
            if form == "page":
                page = text
            elif form == "text":
                parts.append(printed(str(text)))
            else:
                parts.append(drawing(str(text), "Play this run" if page else "What the code drew", page))
                page = None
        return "".join(parts)

    def add_documents(self) -> None:
        """Add the documentation, and what it and the notebooks lead to."""
        for source in self.documents:  # which grows by what they lead to
            file = self._file(source)
            assert file is not None
            text, name = file.read_text(encoding="utf-8"), _page_of(source)
            home = "../" * (len(PurePosixPath(name).parts) - 1) + "index.html"
            if source.endswith(".md"):
                title = text.partition("\n")[0].lstrip("# ")
                body = self._markdown(text, name)
            else:
                title, body = source, f"<h1>{html.escape(source)}</h1>\n{code(text)}"
            self.files[name] = document(title, body, home).encode()
            if source in self.listed:
                paragraphs = [part for part in text.split("\n\n")[1:] if part[:1].isalnum() or part[:1] == "`"]
                words = " ".join((paragraphs or [""])[0].replace("`", "").split())
                self.lists["Documentation"].append((title, _sentence(words), name))

    def _markdown(self, text: str, page: str) -> str:
        """Return Markdown as HTML for a page; what it leads to in the checkout joins the documents."""

        def source(to: str) -> str:
            """Return the file in the checkout that an address means; nothing if it is outside or a page of the web."""
            found = os.path.normpath(PurePosixPath(page).parent / to).replace(os.sep, "/")
            return "" if "://" in to or found.startswith(("..", "/")) else found

        def link(to: str) -> str | None:
            if "://" in to or to.startswith(("#", "mailto:")):
                return to
            path, mark, anchor = to.partition("#")
            found = source(path)
            if found in ("scenarios", "notebooks"):
                leads = f"index.html#{found}"
            elif found in self.documents or self._readable(found):
                leads = _page_of(found)
                if found not in self.documents:
                    self.documents.append(found)
            else:
                return None
            return os.path.relpath(leads, PurePosixPath(page).parent).replace(os.sep, "/") + mark + anchor

        def picture(to: str) -> bytes | None:
            file = self._file(source(to))
            return file.read_bytes() if file else None

        return markdown(text, link, picture)

    def _file(self, source: str) -> Path | None:
        """Return a file in the checkout, if there is one."""
        return self.root / source if self.root and source and (self.root / source).is_file() else None

    def _readable(self, source: str) -> bool:
        return source.endswith(READABLE) and self._file(source) is not None

    def add_index(self) -> None:
        """Add the page that leads to all others."""
        parts = [
            "<h1>circuitsim</h1>\n<p>Differentiable circuits as actors: every gate takes values in and sends a value "
            "on, and when somebody pulls on the output, sends gradients back. These pages compute in your browser.</p>"
        ]
        for heading, entries in self.lists.items():
            if entries:
                parts.append(f'<h2 id="{heading.lower()}">{heading}</h2>\n<ul class="list">')
                for name, words, to in entries:
                    told = f"<b>{html.escape(name)}</b> <span>{html.escape(words)}</span>"
                    parts.append(f'<li><a href="{html.escape(to)}">{told}</a></li>')
                parts.append("</ul>")
        self.files["index.html"] = document("circuitsim", "\n".join(parts), "").encode()


def _page_of(source: str) -> str:
    """Return the page of a file in the checkout: its name without the suffix, but with it for code."""
    return f"{source.removesuffix('.md')}.html"


def _sentence(text: str) -> str:
    """Return the first sentence of a paragraph."""
    return text.partition(". ")[0].rstrip(".:") + "." if text else ""


def _run(module: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run a module of this package in a process of its own, where no window opens and no bar is drawn."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        env=os.environ | {"MPLBACKEND": "agg", "PYTHONIOENCODING": "utf-8", "PYTHONHASHSEED": "0"},
        check=False,
    )


def _complaint(done: subprocess.CompletedProcess[str]) -> str:
    """Return the last thing that a process said."""
    lines = done.stderr.strip().splitlines() or ["it said nothing"]
    return lines[-1].removeprefix("error: ")
