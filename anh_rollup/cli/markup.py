"""Elements of an HTML page; whatever text they hold is escaped when it is written."""

from typing import Final
from xml.etree.ElementTree import Element, tostring

from anh_rollup.errors import escaped

#: Characters of a stranger's text that a page shows (choice).
MOST_TEXT: Final = 160


def element(tag: str, *children: "Element | str", **attributes: object) -> Element:
    """An element with texts and elements inside.

    Args:
        tag: Its name.
        children: What it holds, in order.
        attributes: By name; `_` stands for `-`, and one at the end is left out, as in `class_`.
    """
    named = {name.rstrip("_").replace("_", "-"): str(value) for name, value in attributes.items()}
    made = Element(tag, named)
    for child in children:
        if isinstance(child, Element):
            made.append(child)
        elif len(made):
            made[-1].tail = (made[-1].tail or "") + child
        else:
            made.text = (made.text or "") + child
    return made


def plain(text: str) -> str:
    """A stranger's text: cut, and escaped where it is not printable."""
    return escaped(text[:MOST_TEXT])


def written(page: Element) -> str:
    """The page as HTML."""
    return "<!doctype html>\n" + tostring(page, encoding="unicode", method="html") + "\n"
