"""What the search knows of a page: one entry for every section, term of the glossary and object of the package."""

from collections.abc import Iterator
from typing import NamedTuple

from docutils import nodes
from sphinx import addnodes

NOT_TEXT = (nodes.comment, nodes.raw, nodes.image, nodes.math_block, nodes.title, nodes.meta)


class Entry(NamedTuple):
    """A place on a page."""

    anchor: str  # empty for the page itself
    heading: str
    text: str
    code: str  # the lines of code, each once


def entries_of(doctree: nodes.document) -> Iterator[Entry]:
    """Yield the entries of a page in their order."""
    for place in doctree.findall(_is_place):
        texts, code = [], {}
        for node in _own_nodes(place):
            if isinstance(node, nodes.literal_block):
                lines = (" ".join(line.split()) for line in node.astext().splitlines())
                code |= dict.fromkeys(line for line in lines if any(map(str.isalpha, line)))
            elif isinstance(node, nodes.Text):
                texts.append("…" if isinstance(node.parent, nodes.math) else node.astext())
            elif isinstance(node, nodes.TextElement) and not isinstance(node, nodes.Inline):
                texts.append(" ")
        yield Entry(*_heading(place), " ".join("".join(texts).split()), "\n".join(code))


def _is_place(node: nodes.Node) -> bool:
    if isinstance(node, addnodes.desc_signature):
        return bool(node["ids"])
    return isinstance(node, nodes.section) or (isinstance(node, nodes.term) and bool(node["ids"]))


def _heading(place: nodes.Element) -> tuple[str, str]:
    """Return anchor and heading of a place; the anchor of the first section, which is the page, is empty."""
    if isinstance(place, nodes.section):
        first = isinstance(place.parent, nodes.document)
        return "" if first else place["ids"][0], place.next_node(nodes.title).astext()
    name = place["fullname"] if isinstance(place, addnodes.desc_signature) else place.astext()
    return place["ids"][0], name


def _own_nodes(place: nodes.Element) -> Iterator[nodes.Node]:
    """Yield the nodes whose text belongs to a place, but not to a place within it."""
    whole = place if isinstance(place, nodes.section) else place.parent
    for child in whole.children:
        if child is not place:
            yield from _walk(child)


def _walk(node: nodes.Node) -> Iterator[nodes.Node]:
    within = node.children[0] if isinstance(node, addnodes.desc | nodes.definition_list_item) else node
    if isinstance(node, NOT_TEXT) or _is_place(within):
        return
    if _is_output(node):  # of what the code printed and drew, only the caption is text of the book
        for caption in list(node.findall(nodes.caption))[:1]:
            yield from _walk(caption)
        return
    yield node
    if not isinstance(node, nodes.literal_block):
        for child in node.children:
            yield from _walk(child)


def _is_output(node: nodes.Node) -> bool:
    return isinstance(node, nodes.Element) and node.get("nb_element") == "cell_code_output"
