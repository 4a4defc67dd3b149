"""Docstrings are told from other texts in quotes, and from the code around them."""

import pytest

from seawall.audit.secrets.docstrings import in_docstring

IN = {
    "a function's": 'def f(a):\n    """\n    HERE\n    """\n',
    "in one line": 'def f(a):\n    """HERE"""\n    return a\n',
    "behind a head of several lines": 'def f(\n    a: int,\n) -> dict[str, int]:  # why\n    r"""Text.\n    HERE\n',
    "behind a comment and an empty line": "class A(B):\n\n    # a comment\n    '''Text\n    HERE'''\n",
    "a coroutine's, Windows": 'async def f():\r\n    """\r\n    HERE\r\n    """\r\n',
    "the file's": '#!/usr/bin/env python\n# a licence\n\n"""\nText::\n\n    HERE\n"""\nimport os\n',
    "of the file's first line": '"""HERE"""',
    "JSDoc": "/**\n * Text.\n * @example HERE\n */\nfunction f() {}\n",
    "Javadoc in a class, Windows": "class A {\r\n    /** Text.\r\n     * HERE\r\n     */\r\n",
    "JSDoc in a map of sources": '{"sourcesContent":["/**\\n * Text.\\n * HERE\\n */"]}',
    "a comment of one line": "/** HERE */",
    "the second of two": 'def f():\n    """Text:\n    """\n\ndef g():\n    """\n    HERE\n    """\n',
}
OUT = {
    "no quotes": "HERE",
    "code behind one in a line": 'def f():\n    """Text."""\n    HERE\n',
    "code behind one in lines": 'def f():\n    """Text.\n    """\n    HERE\n',
    "code behind one that ends like a head": 'def f():\n    """Text\n    class of things:\n    """\n    HERE\n',
    "a text that is used": 'def f():\n    return """\n    HERE\n    """\n',
    "a text with a name": 'CONFIG = """\nHERE\n"""\n',
    "an argument": 'call(\n    """\n    HERE\n    """\n)\n',
    "behind other code": 'import os\n"""\nHERE\n"""\n',
    "behind a condition": 'if a:\n    """\n    HERE\n    """\n',
    "a comment for who works on it": "/*\n * HERE\n */\n",
    "code behind a comment": "/** Text. */\n * HERE\n",
    "a comment's line without a star": "/**\n HERE\n */\n",
    "too far": 'def f():\n    """\n' + "    text\n" * 5000 + "    HERE\n",
}


@pytest.mark.parametrize("name", IN)
def test_in_one(name: str) -> None:
    text = IN[name].encode()
    assert in_docstring(text, text.index(b"HERE"))


@pytest.mark.parametrize("name", OUT)
def test_not_in_one(name: str) -> None:
    text = OUT[name].encode()
    assert not in_docstring(text, text.index(b"HERE"))
