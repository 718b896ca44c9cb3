"""Adapt a masked language model to a new domain: the package behind the course.

In the order of the course; each room uses only those named before it:

    model      what we ask of a model: fill a mask, score masked tokens         chapters 1, 6
    mini       the small model that works offline, and its card
    mini_zh    the same in Chinese                                              12
    hub        where models, tokenizers and data sets come from, and go to      8
    texts      reviews and your own files, their words, equal chunks            2, 3, 5, 11
    masks      which tokens are masked, and what stands in their place          4, 5
    scores     perplexity, probes, a task with few labels; comparing two        7, 8, 10
    training   Trainer with the right loss, or training in one call             6, 9
    plots      the figures of the chapters
    report     what an adaptation leaves behind: model, card, report, figure    8
    adapt      all of it in one call                                            11
    teach      chapters with other parameters, exercises that grade themselves  a2
    cli        all of it as commands

Beside the story: `exercises` checks answers and measurements, `testing` has tiny stand-ins for tests, `data` holds
small tables. Every public name can be imported from here; nothing heavy is loaded before it is used. Which module a
name comes from stands in `__init__.pyi`, where editors find it too.
"""

import warnings

from mlmtutor.model.packages import PackagesMissing, check_packages, explain_import_error
from mlmtutor.model.waiting import choose_waiting

# what libraries say on import where ipywidgets is not installed; nothing here needs widgets
warnings.filterwarnings("ignore", message="IProgress not found")

__version__ = "0.1.0"

try:
    import lazy_loader

    _load, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
except ImportError as error:
    # said with the first name that is asked for, and not before: the command `doctor` has to start
    _failure = error

    def _load(name: str) -> object:
        raise _failure


def __getattr__(name: str) -> object:
    if name.startswith("__"):
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    check_packages()
    try:
        return _load(name)
    except ImportError as error:
        if problem := explain_import_error(error):
            raise PackagesMissing(problem) from error
        raise


choose_waiting()
