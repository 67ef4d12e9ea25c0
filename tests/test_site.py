"""The site: documents and notebooks as pages, every link, and the folder that it is written to."""

import base64
import json
import re
import subprocess
import sys
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import pytest

from circuitsim.cli import site as site_module
from circuitsim.cli.made_files import LIST, check_folder, put_files
from circuitsim.cli.notebook import play_cells, read_cells
from circuitsim.cli.site import make_site
from circuitsim.errors import InputError, SaveError
from circuitsim.views.document_page import code, document, drawing, markdown, printed
from tests.browser import browser, open_page  # noqa: F401

ROOT = Path(__file__).parent.parent


class Links(HTMLParser):
    """The anchors of a page, where it leads, and what it loads."""

    def __init__(self, text):
        super().__init__()
        self.ids, self.to, self.loaded, self.policy, self.tags = set(), [], [], None, set()
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        given = dict(attributes)
        self.tags.add(tag)
        self.ids |= {given["id"]} if "id" in given else set()
        self.to += [given["href"]] if tag == "a" and "href" in given else []
        self.loaded += [given[name] for name in ("src", "srcset", "data", "action") if name in given]
        self.loaded += [given["href"]] if tag == "link" else []
        if given.get("http-equiv") == "Content-Security-Policy":
            self.policy = given["content"]


def check_links(folder):
    """Every link leads to a page and an anchor that are there, and nothing is loaded from outside a page."""
    pages = {path: Links(path.read_text(encoding="utf-8")) for path in folder.rglob("*.html")}
    for path, page in pages.items():
        assert page.policy.startswith("default-src 'none'; "), path
        assert "unsafe" not in page.policy, path
        assert all(address.startswith("data:") for address in page.loaded), path
        for to in page.to:
            if to.startswith("https://"):
                continue
            file, _, anchor = unquote(to).partition("#")
            assert not file.startswith("/"), (path, to)
            leads = (path.parent / file).resolve() if file else path
            assert leads in pages, (path, to)
            assert leads.is_relative_to(folder), (path, to)
            assert not anchor or anchor in pages[leads].ids, (path, to)
    return pages


# -- documents -----------------------------------------------------------------------------------------------------


def test_markdown_shows_html_as_text_and_runs_nothing(open_page, tmp_path):  # noqa: F811
    hostile = (
        "# <script>alert(1)</script>\n\n<img src=x onerror=alert(2)>\n\n[a](javascript:alert(3)) `</code><b>`\n\n"
        "![<b>](javascript:alert(4))\n\n$<img src=x onerror=alert(5)>$\n\n"
        "```python\n</code><script>alert(6)</script>\n```\n\n```<b>\n</pre><script>alert(7)</script>\n```\n"
    )
    body = (
        markdown(hostile) + code("</pre><script>alert(8)</script>", "text") + printed("</pre><script>alert(9)</script>")
    )
    body += drawing("<svg xmlns='http://www.w3.org/2000/svg'><script>alert(10)</script></svg>", '"><script>', '"><b>')
    path = tmp_path / "page.html"
    path.write_text(document("<script>alert(0)</script>", body, "../index.html"), encoding="utf-8")
    page = open_page(path)
    assert page.locator("main script").count() == page.locator("main b").count() == 0
    assert page.inner_text("h1") == "<script>alert(1)</script>"
    assert not [to for to in Links(path.read_text(encoding="utf-8")).to if "javascript" in to]
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"


def test_markdown_keeps_headings_tables_and_formulas():
    shown = markdown("<!-- drawn -->\n# A `b`, c\n\n## Alike\n\n## Alike\n\n| x | y |\n|---|---|\n| 1 | $e^{-t}$ |\n")
    assert re.findall(r'id="(.*?)"', shown) == ["a-b-c", "alike", "alike-1"]
    assert '<td><i class="name">e<sup>−t</sup></i></td>' in shown
    assert "drawn" not in shown
    assert markdown("![words](gone.png)") == "<p>[words]</p>\n"
    assert base64.b64encode(b"GIF").decode() in markdown("![words](there.gif)", picture=lambda to: b"GIF")


def test_a_notebook_tells_what_its_cells_made(tmp_path):
    cells = [
        ("markdown", "# One\n\nWords."),
        ("code", "import circuitsim as cs\nprint('a')\n1 + 1"),
        ("code", "run = cs.Simulation(cs.parse('x * 2')).run(x=3)\nrun"),
        ("code", "cs.parse('x * 2')"),
        ("code", "import matplotlib.pyplot as plt\nplt.plot([1, 2])\nplt.close('all')\nplt.plot([1, 2]);"),
        ("code", "x = 1"),
    ]
    path = tmp_path / "one.ipynb"
    written = [{"cell_type": kind, "source": source.splitlines(keepends=True)} for kind, source in cells]
    path.write_text(json.dumps({"cells": written}), encoding="utf-8")
    played = read_cells(path)
    play_cells(played, tmp_path, "one")
    forms = [[form for form, _ in cell["made"]] for cell in played]
    assert forms[:4] == [[], ["text", "text"], ["page", "svg"], ["svg"]]
    assert forms[4][0] == "svg"
    assert forms[5] == []
    assert played[1]["made"] == [("text", "a\n"), ("text", "2")]
    assert played[2]["made"][0] == ("page", "one-2.html")
    assert (tmp_path / "one-2.html").is_file()


@pytest.fixture
def small(monkeypatch, tmp_path):
    """A checkout with two documents and a notebook, and one scenario."""
    root = tmp_path / "checkout"
    (root / "docs").mkdir(parents=True)
    (root / "notebooks").mkdir()
    (root / "README.md").write_text(
        "# Small\n\nRead [more](docs/more.md#two-words), [code](docs/a.py), [these](notebooks), [them](scenarios), "
        "[out](https://example.org), [gone](nowhere.md) or [far](../far.md) ![away](/etc/hosts).\n",
        encoding="utf-8",
    )
    (tmp_path / "far.md").write_text("# Not to be published\n", encoding="utf-8")
    (root / "docs" / "more.md").write_text("# More\n\n## Two words\n\n[Back](../README.md)\n", encoding="utf-8")
    (root / "docs" / "a.py").write_text("x = 1  # <b>\n", encoding="utf-8")
    (root / "docs" / "b.py").write_text("y = 2\n", encoding="utf-8")
    cells = [
        {
            "cell_type": "markdown",
            "source": ["# First\n", "\n", "See [more](../docs/more.md), [it](../docs/b.py). Rest."],
        }
    ]
    (root / "notebooks" / "first.ipynb").write_text(json.dumps({"cells": cells}), encoding="utf-8")
    monkeypatch.setattr(site_module, "checkout", lambda: root)
    monkeypatch.setattr(site_module.scenarios, "summaries", lambda: {"gate": "One multiply gate."})
    return root


def test_links_lead_to_pages(small, tmp_path):
    assert make_site(tmp_path / "site") == []
    pages = check_links(tmp_path / "site")
    names = {path.relative_to(tmp_path / "site").as_posix() for path in pages}
    assert names == {
        "index.html", "README.html", "docs/more.html", "docs/a.py.html", "docs/b.py.html", "notebooks/first.html",
        "scenarios/gate.html", "play.html",
    }  # fmt: skip
    readme = pages[tmp_path / "site" / "README.html"].to
    assert readme == [
        "#text", "index.html", "docs/more.html#two-words", "docs/a.py.html", "index.html#notebooks",
        "index.html#scenarios", "https://example.org",
    ]  # fmt: skip
    assert "&lt;b&gt;" in (tmp_path / "site" / "docs" / "a.py.html").read_text(encoding="utf-8")


def test_what_does_not_run_is_told(small, tmp_path, monkeypatch):
    monkeypatch.setattr(
        site_module, "_run", lambda *words: subprocess.CompletedProcess(words, 2, "", "error: no such\n")
    )
    with pytest.raises(InputError, match=r"the notebook first\.ipynb does not run to its end: no such"):
        make_site(tmp_path / "site")
    (small / "notebooks" / "first.ipynb").unlink()
    assert make_site(tmp_path / "site") == ["The scenario gate is left out: no such"]
    monkeypatch.setattr(site_module, "checkout", lambda: None)
    assert "make the site from a checkout" in make_site(tmp_path / "site")[0]


# -- the folder ----------------------------------------------------------------------------------------------------


def test_files_are_replaced_and_nothing_else_is_touched(tmp_path):
    put_files(tmp_path / "site", {"a.html": b"one", "deep/b.html": b"two"})
    (tmp_path / "site" / "CNAME").write_text("mine", encoding="utf-8")
    put_files(tmp_path / "site", {"a.html": b"three"})
    left = {path.relative_to(tmp_path / "site").as_posix() for path in (tmp_path / "site").rglob("*")}
    assert left == {"a.html", "CNAME", LIST}
    assert (tmp_path / "site" / "a.html").read_bytes() == b"three"


def test_what_is_somebody_elses_is_refused(tmp_path):
    folder = tmp_path / "site"
    put_files(folder, {"a.html": b"one"})
    (folder / "a.html").write_text("edited", encoding="utf-8")
    with pytest.raises(SaveError, match=r"a\.html' is not as circuitsim wrote it: move it elsewhere"):
        put_files(folder, {"a.html": b"two"})
    (folder / "a.html").unlink()
    (folder / "b.html").write_text("mine", encoding="utf-8")
    with pytest.raises(SaveError, match=r"b\.html' is not as"):
        put_files(folder, {"b.html": b"two"})
    (folder / "b.html").unlink()
    (folder / "b.html").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SaveError, match=r"b\.html' is in the way"):
        put_files(folder, {"b.html": b"two"})
    with pytest.raises(SaveError, match="holds files that circuitsim has not written there"):
        put_files(tmp_path, {"a.html": b"one"})
    with pytest.raises(SaveError, match="it is no folder"):
        put_files(folder / LIST, {"a.html": b"one"})
    for nowhere in ("/proc/no/such", "n" * 300, "a\0b"):
        with pytest.raises(SaveError, match="cannot write to"):
            check_folder(Path(nowhere))
    (folder / LIST).write_text("0 ../b.html\n0 /etc/hosts\n\nnonsense\n\0", encoding="utf-8")
    (folder / "b.html").unlink()
    put_files(folder, {"a.html": b"one"})
    assert (folder / "a.html").read_bytes() == b"one"


def test_the_command_refuses_before_it_runs_anything(tmp_path):
    (tmp_path / "mine.txt").write_text("mine", encoding="utf-8")
    done = subprocess.run([sys.executable, "-m", "circuitsim", "site", str(tmp_path)], capture_output=True, text=True)
    assert done.returncode == 2
    assert re.fullmatch("error: .*give a new or an empty folder\n", done.stderr)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


# -- all of it -----------------------------------------------------------------------------------------------------


@pytest.mark.slow
def test_the_whole_site(open_page, tmp_path):  # noqa: F811
    pytest.importorskip("sklearn")
    for name in ("one", "two"):
        done = subprocess.run(
            [sys.executable, "-m", "circuitsim", "site", str(tmp_path / name)],
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stderr == ""
    one, two = (
        {
            path.relative_to(tmp_path / name): path.read_bytes()
            for path in (tmp_path / name).rglob("*.*")
            if path.is_file()
        }
        for name in ("one", "two")
    )
    assert one.keys() == two.keys()
    assert [name for name in one if one[name] != two[name]] == []
    pages = check_links(tmp_path / "one")
    names = {path.relative_to(tmp_path / "one").as_posix() for path in pages}
    for folder, pattern in (("scenarios", "*.py"), ("notebooks", "*.ipynb"), ("docs", "*.md")):
        assert {f"{folder}/{path.stem}.html" for path in (ROOT / folder).glob(pattern)} <= names
    for name in names:
        open_page(tmp_path / "one" / name)
    home = open_page(tmp_path / "one" / "index.html")
    assert {to for to in pages[tmp_path / "one" / "index.html"].to if "#" not in to} <= names
    assert home.evaluate("document.documentElement.scrollWidth") <= 1200
