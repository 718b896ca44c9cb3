"""Formulas as MathML, made while the site is built.

Every current browser draws MathML by itself, so no page needs a script for its formulas.
"""

import re
from html import escape

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.application import Sphinx
from sphinx.util import logging
from sphinx.writers.html5 import HTML5Translator

# of the two bars of a norm the converter lets only the first one grow with its surroundings
STRETCHING_BAR = re.compile(r"<mo[^>]*>‖</mo>")
LOGGER = logging.getLogger(__name__)


def write_inline(translator: HTML5Translator, node: nodes.math) -> None:
    """Write a formula that stands in a line of text."""
    translator.body.append(f'<span class="math">{to_mathml(node)}</span>')
    raise nodes.SkipNode


def write_block(translator: HTML5Translator, node: nodes.math_block) -> None:
    """Write a formula that stands on a line of its own."""
    formula = to_mathml(node, as_block=True)
    translator.body.append(f"{translator.starttag(node, 'div', CLASS='math')}{formula}</div>\n")
    raise nodes.SkipNode


def to_mathml(node: nodes.Element, *, as_block: bool = False) -> str:
    """Convert the LaTeX of a formula to MathML; if that fails, warn and show the LaTeX itself."""
    latex = node.astext().strip()
    try:
        mathml = " ".join(tex2mathml(latex, as_block=as_block).split())
        return STRETCHING_BAR.sub('<mo stretchy="false">‖</mo>', mathml)
    except MathError as error:
        LOGGER.warning("the formula %r cannot be shown: %s", latex, error, location=node)
        return f"<code>{escape(latex)}</code>"


def setup(app: Sphinx) -> None:
    """Register the renderer; `html_math_renderer` in `_config.yml` chooses it."""
    app.add_html_math_renderer("mathml", (write_inline, None), (write_block, None))
    app.add_css_file("formulas.css")
