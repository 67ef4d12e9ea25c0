"""Packs scripts and styles for pages: comments go, and the space that the language does not need.

A constant is declared with ``let``, and 0.5 is written .5.

Strings, templates and regular expressions stay as they are. A line ends where one ended, unless the next one goes on
with the same statement beyond doubt.
"""

import re

__all__ = ["pack_script", "pack_style"]

_TOKENS = re.compile(
    r"""(?P<comment>//[^\n]*|/\*.*?\*/)
    |(?P<space>\s+)
    |(?P<string>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<number>\d+\.\d+)
    |(?P<word>[\w$]+)
    |(?P<sign>.)""",
    re.VERBOSE | re.DOTALL,
)
_REGEX = re.compile(r"/(?:\\.|\[(?:\\.|[^\]\\])*\]|[^/\\\n\[])+/\w*")
_BEFORE_REGEX = frozenset("(,=:[!&|?{};+-*%<>~^")
_GOES_ON = frozenset("{(,;[=:?&|*<>!%^~.")  # what no statement ends with
_GOES_BACK = frozenset("}),].;:?=*&|<>%^")  # what no statement begins with


def pack_script(text: str) -> str:
    r"""Return a script that does the same in fewer letters.

    Examples
    --------
    >>> pack_script("const a = 0.5; // one\nlet b = `x  ${a + 1}`;\nif (a / 2 > +b) {\n  b = / /.test(b);\n}\n")
    'let a=.5;let b=`x  ${a + 1}`;if(a/2>+b){b=/ /.test(b);}'
    """
    made: list[str] = []
    space = ""  # what is due before the next token: nothing, a space or the end of a line
    ended = last = ""  # the two tokens before
    at = 0
    while at < len(text):
        if text[at] == "`":
            end = _template(text, at)
            kind, token = "string", text[at:end]
        elif text[at] == "/" and text[at + 1] not in "/*" and _may_be_regex(last):
            match = _REGEX.match(text, at)
            assert match is not None, text[at : at + 40]
            kind, token = "string", match.group()
        else:
            found = _TOKENS.match(text, at)
            assert found is not None
            kind, token = found.lastgroup or "", found.group()
        at += len(token)
        if kind in ("space", "comment"):
            space = "\n" if "\n" in token or space == "\n" else " "
            continue
        if made:
            if token == "}" and last == ";" and ended not in ("", ")"):  # after a ")" it may be a statement of its own
                made.pop()
            made.append(_between(last, token, space))
        made.append("let" if token == "const" else token[1:] if kind == "number" and token.startswith("0.") else token)
        ended, last, space = last, token, ""
    return "".join(made)


def _between(last: str, token: str, space: str) -> str:
    """Return what has to stand between two tokens."""
    if not space:
        return ""
    before, after = last[-1], token[0]
    if space == "\n" and before not in _GOES_ON and after not in _GOES_BACK:
        return "\n"
    words = (before.isalnum() or before in "_$") and (after.isalnum() or after in "_$")
    return " " if words or (before == after and after in "+-") else ""


def _may_be_regex(last: str) -> bool:
    return not last or last[-1] in _BEFORE_REGEX or last in ("return", "typeof", "case")


def _template(text: str, at: int) -> int:
    """Return where the template that begins at a place ends; what it computes may hold strings and templates."""
    at += 1
    while text[at] != "`":
        if text[at] == "\\":
            at += 2
        elif text.startswith("${", at):
            at, depth = at + 2, 1
            while depth:
                if text[at] == "`":
                    at = _template(text, at)
                    continue
                if text[at] in "\"'":
                    found = _TOKENS.match(text, at)
                    assert found is not None
                    at = found.end()
                    continue
                depth += {"{": 1, "}": -1}.get(text[at], 0)
                at += 1
        else:
            at += 1
    return at + 1


def pack_style(text: str) -> str:
    r"""Return a style sheet that says the same in fewer letters.

    Examples
    --------
    >>> pack_style("/* a */ a:hover,\n  b > c { color: red; }\n@media (max-width: 9px) { i { margin: 0 -1px; } }")
    'a:hover,b > c{color:red}@media (max-width:9px){i{margin:0 -1px}}'
    """
    text = re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)
    text = re.sub(r"\s+", " ", text)
    text = re.sub(r" ?([{};,]) ?", r"\1", text)
    text = re.sub(r"([\w-]): ", r"\1:", text)
    return text.replace(";}", "}").strip()
