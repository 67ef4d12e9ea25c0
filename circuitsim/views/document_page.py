"""Writes documents as pages: Markdown, code and what code prints, in the look of the other pages.

Raw HTML in Markdown is shown as text, and no link leads to a script. A page takes nothing from elsewhere: its pictures
stand in it, and where its links lead is chosen by who makes it.
"""

import base64
import html
import re
from collections.abc import Callable, Sequence
from typing import Any

from circuitsim.views.html_page import fill

__all__ = ["code", "document", "drawing", "heading_id", "markdown", "printed"]

#: What the few formulas in Markdown are made of, beside letters and signs.
_LETTERS = {r"\sigma": "σ", r"\tanh": "tanh", r"\partial": "∂", r"\cdot": "·", "-": "−"}


def document(title: str, body: str, home: str, trail: str = "All pages") -> str:
    """Return the text of a page with this body, which is HTML; `home` is where the link at its top leads."""
    top = f'<a href="{html.escape(home)}">{html.escape(trail)}</a>' if home else ""
    content = f'<nav aria-label="Pages">{top}</nav>\n<main id="text">\n{body}\n</main>'
    return fill(title, content, "document.html", ("look.css", "document.css"), ("page.js", "document.js"))


def markdown(
    text: str,
    link: Callable[[str], str | None] = lambda to: to,
    picture: Callable[[str], bytes | None] = lambda to: None,
) -> str:
    r"""Return Markdown as HTML.

    Parameters
    ----------
    text : str
        Headings, paragraphs, lists, tables, code; comments are left out.
    link : callable
        Takes where a link leads, and returns where it leads from the page; with None only its words are shown.
    picture : callable
        Takes the address of a picture, and returns the file; with None only its words are shown.

    Examples
    --------
    >>> markdown("# A *bold* try\n\n<b>no</b> [b](b.md)", link=lambda to: None)
    '<h1 id="a-bold-try">A <em>bold</em> try</h1>\n<p>&lt;b&gt;no&lt;/b&gt; <span>b</span></p>\n'
    """
    from markdown_it import MarkdownIt  # only who makes documents pays for it

    reader = MarkdownIt("commonmark", {"html": False}).enable("table")
    reader.inline.ruler.before("escape", "formula", _read_formula)
    reader.add_render_rule("formula", lambda self, tokens, at, options, env: formula(tokens[at].content))
    for kind in ("fence", "code_block"):
        reader.add_render_rule(kind, lambda self, tokens, at, options, env: code(tokens[at].content, tokens[at].info))
    tokens = reader.parse(re.sub(r"^<!--.*?-->\n", "", text, flags=re.MULTILINE | re.DOTALL))
    taken: dict[str, int] = {}
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            token.attrs["id"] = heading_id(_words(tokens[number + 1]), taken)
        for part in token.children or ():
            if part.type == "link_open" and (to := link(str(part.attrs["href"]))) is not None:
                part.attrs["href"] = to
            elif part.type == "link_open":
                part.tag, part.attrs = "span", {}
            elif part.type == "image" and (file := picture(str(part.attrs["src"]))) is not None:
                part.attrs["src"] = data_url(file, str(part.attrs["src"]).rpartition(".")[2])
            elif part.type == "image":
                part.type, part.tag, part.content = "text", "", f"[{part.content}]"
        _close_spans(token.children or [])
    return str(reader.renderer.render(tokens, reader.options, {}))


def _close_spans(parts: Sequence[Any]) -> None:
    """Let what opens as a span end as one."""
    opened = []
    for part in parts:
        if part.type == "link_open":
            opened.append(part.tag)
        elif part.type == "link_close":
            part.tag = opened.pop()


def _words(token: Any) -> str:
    return "".join(part.content for part in token.children or () if part.type in ("text", "code_inline"))


def heading_id(words: str, taken: dict[str, int]) -> str:
    """Return the anchor of a heading, as the sites that show Markdown make it; `taken` counts those that are alike."""
    name = re.sub(r"[^\w\- ]", "", words.strip().lower()).replace(" ", "-")
    taken[name] = taken.get(name, -1) + 1
    return f"{name}-{taken[name]}" if taken[name] else name


def _read_formula(state: Any, silent: bool) -> bool:
    """Read ``$...$`` where a line of Markdown has it."""
    found = re.compile(r"\$([^$\n]+)\$").match(state.src, state.pos)
    if found is None:
        return False
    if not silent:
        state.push("formula", "", 0).content = found[1]
    state.pos = found.end()
    return True


def formula(text: str) -> str:
    r"""Return a short formula of TeX as HTML.

    Examples
    --------
    >>> formula(r"\frac{d}{da} a^2 = 1 - e^{-t}")
    '<i class="name">d/da a<sup>2</sup> = 1 − e<sup>−t</sup></i>'
    """
    text = html.escape(re.sub(r"\\frac\{([^}]*)\}\{([^}]*)\}", r"\1/\2", text))
    for name, letter in _LETTERS.items():
        text = text.replace(name, letter)
    raised = re.sub(r"\^(?:\{([^}]*)\}|(.))", r"<sup>\1\2</sup>", text)
    return f'<i class="name">{raised}</i>'


def code(text: str, language: str = "python") -> str:
    """Return a piece of code as HTML; of Python the keywords and comments are marked."""
    if language in ("python", "py"):
        from pygments import highlight
        from pygments.formatters import HtmlFormatter
        from pygments.lexers import PythonLexer

        shown = highlight(text, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
    else:
        shown = html.escape(text)
    return f'<pre tabindex="0"><code>{shown}</code></pre>\n'


def printed(text: str) -> str:
    """Return what code has printed as HTML."""
    return f'<pre class="printed" tabindex="0">{html.escape(text)}</pre>\n'


def drawing(svg: str, words: str, to: str | None = None) -> str:
    """Return a picture as HTML; if it leads somewhere, its words stand below it as a link."""
    image = f'<img src="{data_url(svg.encode(), "svg")}" alt="{html.escape(words)}">'
    link = "" if to is None else f'<br><a href="{html.escape(to)}">{html.escape(words)}</a>'
    return f"<p>{image}{link}</p>\n"


def data_url(file: bytes, suffix: str) -> str:
    """Return an address that holds a picture."""
    form = {"svg": "svg+xml", "jpg": "jpeg"}.get(suffix, suffix)
    return f"data:image/{form};base64,{base64.b64encode(file).decode()}"
