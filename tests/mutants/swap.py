"""Put a fault into functions that are there already, without importing anything anew."""

import gc
from types import CodeType, FunctionType


def functions_of(root):
    """Return all functions whose code stands below a folder."""
    functions = [thing for thing in gc.get_objects() if type(thing) is FunctionType]
    return [function for function in functions if function.__code__.co_filename.startswith(f"{root}/")]


def swap(functions, path, whole, text):
    """Give the functions of a module the code that they have in another text of it.

    Returns
    -------
    bool
        Whether this is all that the texts differ in. If not, something that runs on import differs.
    """
    new_of = {}
    same = _pair(compile(whole, str(path), "exec"), compile(text, str(path), "exec"), new_of)
    if same:
        for function in functions:
            if function.__code__.co_filename == str(path) and function.__code__ in new_of:
                function.__code__ = new_of[function.__code__]
    return same


def _pair(old, new, new_of):
    """Pair the functions' code in the code of a module or class; tell whether the rest is the same."""
    olds, news = ([part for part in code.co_consts if isinstance(part, CodeType)] for code in (old, new))
    same = len(olds) == len(news) and _own(old) == _own(new)
    for one, other in zip(olds, news, strict=False):
        new_of[one] = other
        inside = _pair(one, other, new_of)
        is_function = one.co_flags & 2  # CO_NEWLOCALS: the body of a class has none
        same &= one.co_freevars == other.co_freevars and (inside or bool(is_function))
    return same


def _own(code):
    return code.co_code, code.co_names, [part for part in code.co_consts if not isinstance(part, CodeType)]
