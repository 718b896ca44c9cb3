"""The way to the Hub: every request on it is watched, so that trouble ends soon, and with its name.

The client library waits long, tries again often, and lets some requests wait without end. Here each failure is final
within ten seconds, however it looks: refused, silent, an error of the Hub, a login page, a file that breaks off.
A slow download that goes on is no failure.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, wait
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from mlmtutor.hub.problems import (
    HubError,
    broken_off,
    find_setting_problem,
    judge_answer,
    may_send_token,
    recognise,
    silent,
    unreachable,
)
from mlmtutor.model.progress import is_watched

SILENCE = 8.0  # seconds without useful progress after which a request is given up
USEFUL_BYTES = 8_192  # what must come within that time to count as progress
PAUSES = (1.0, 2.0)  # seconds before a request that failed by accident is sent again
ACCIDENTS = (
    "ReadError",
    "WriteError",
    "RemoteProtocolError",
)  # of the HTTP library: a connection that was lost
RESUMED = ("RemoteProtocolError", "ReadTimeout")  # after which the client library goes on with a file
PASSING_TROUBLE = (408, 500, 502, 503, 504)  # HTTP status codes worth another try
BIG_PIECE = 1_000_000  # bytes; a file that breaks off after at least as many is resumed without limit
MAX_BREAKS = 2  # how often a file may break off sooner

Result = TypeVar("Result")


def ask_hub(what: str, work: Callable[[], Result]) -> Result:
    """Do work that talks to the Hub, and end it soon where the Hub fails.

    Args:
        what: What is asked for, as in "the model 'owner/name'".
        work: Calls the client library.

    Raises:
        ConnectionError: If the Hub cannot be reached, fails, or sends nothing or something else than was asked for.
        FileNotFoundError: If the Hub has no such repository.
        PermissionError: If the Hub does not let this user have it.
    """
    try:
        return _Watch().run(work, silence=SILENCE)
    except Exception as error:
        if (problem := recognise(error)) is None:
            raise
        raise problem.kind(f"asked for {what}, but {problem.clause}: {problem.remedy}") from error


def find_hub_problem(*, timeout: float = 5.0) -> str | None:
    """Ask the Hub for a small file and return what is wrong, or None.

    Args:
        timeout: Seconds to wait at most, name look-up included.

    Returns:
        One clause, or None. HF_ENDPOINT, proxies and offline mode are honoured.

    Example:
        >>> problem = find_hub_problem(timeout=1)
        >>> problem is None or "HF_HUB_OFFLINE" in problem or "http" in problem
        True

    Source: chapter 01_fill_mask.
    """
    from huggingface_hub import constants, get_session

    def ask() -> None:
        # a file, since a Hub in trouble may well show its front page; that it has none of this name is an answer too
        get_session().head(
            f"{constants.ENDPOINT}/distilbert/distilbert-base-uncased/resolve/main/config.json"
        )

    try:
        _Watch().run(ask, silence=timeout)
    except HubError as error:
        return error.problem.clause
    return None


class _Watch:
    """Stands between the client library and the network while one piece of work is done."""

    def __init__(self) -> None:
        self.given_up = False
        self.breaks: Counter[str] = Counter()
        self.waiting_since: dict[int, float] = {}  # by thread, and only while it waits for the network

    def run(self, work: Callable[[], Result], *, silence: float) -> Result:
        """Return or raise what the work does, or raise HubError where nothing useful came for too long."""
        if problem := find_setting_problem():
            raise HubError(problem)
        future: Future[Result] = Future()

        # a thread, since a name look-up has no timeout of its own
        def do() -> None:
            try:
                future.set_result(work())
            except BaseException as error:
                future.set_exception(error)

        with self._on_guard(future):
            threading.Thread(target=do, daemon=True).start()
            while not wait([future], timeout=0.1).done:
                now = time.monotonic()
                if any(now - since > silence for since in list(self.waiting_since.values())):
                    raise HubError(silent(silence))
        return future.result()

    @contextmanager
    def _on_guard(self, future: Future[Any]) -> Iterator[None]:
        """Let all requests of the client library pass through :meth:`_send`, and keep the library quiet."""
        import huggingface_hub.utils as library
        from huggingface_hub import close_session, constants, get_session
        from tqdm import tqdm

        client, verbosity = get_session(), library.logging.get_verbosity()
        had_bars, disable_xet = not library.are_progress_bars_disabled(), constants.HF_HUB_DISABLE_XET
        client.send = partial(self._send, client.send)
        library.logging.set_verbosity_error()
        library.disable_progress_bars()
        constants.HF_HUB_DISABLE_XET = True  # Xet has network code of its own
        try:
            with tqdm(
                desc="downloading", unit="B", unit_scale=True, total=0, delay=1.0, disable=not is_watched()
            ) as self.bar:
                yield
        finally:
            del client.send
            library.logging.set_verbosity(verbosity)
            if had_bars:
                library.enable_progress_bars()
            constants.HF_HUB_DISABLE_XET = disable_xet
            if not future.done():
                self.given_up = True
                close_session()  # what still waits in the thread ends with it

    def _send(self, send: Callable[..., Any], request: Any, *, stream: bool = False, **options: Any) -> Any:
        """Send a request, without the token where it has no business; an error is final, so nobody tries again."""
        if not may_send_token(str(request.url)):
            request.headers.pop("authorization", None)
        request.extensions["timeout"] = {"connect": 5.0, "read": 10.0, "write": 10.0, "pool": 10.0}
        thread = threading.get_ident()
        self.waiting_since[thread] = time.monotonic()
        try:
            for pause in (*PAUSES, None):
                try:
                    response = send(request, stream=True, **options)
                except Exception as error:
                    problem, accident = unreachable(error), type(error).__name__ in ACCIDENTS
                else:
                    problem, accident = judge_answer(response), response.status_code in PASSING_TROUBLE
                    if problem is None:
                        break
                    response.close()
                if self.given_up or pause is None or not accident:
                    raise HubError(problem)
                time.sleep(pause)
        finally:
            del self.waiting_since[thread]
        response.iter_raw = partial(self._watch_body, response, response.iter_raw)
        if not stream:
            response.read()
        return response

    def _watch_body(
        self, response: Any, pieces: Callable[..., Iterator[bytes]], chunk_size: int | None = None
    ) -> Iterator[bytes]:
        """Pass the bytes of an answer on as they come, and keep account of them."""
        address = str(response.request.url).partition("?")[0]
        if response.request.method == "GET":
            self.bar.total += int(response.headers.get("content-length", 0))
        thread, stream = threading.get_ident(), pieces(chunk_size)
        received = useful = 0
        waited = 0.0  # since there was useful progress
        while not self.given_up:
            began = time.monotonic()
            self.waiting_since[thread] = began - waited
            try:
                piece = next(stream, None)
            except Exception as error:
                self.breaks[address] = 0 if received >= BIG_PIECE else self.breaks[address] + 1
                if self.breaks[address] > MAX_BREAKS or type(error).__name__ not in RESUMED:
                    raise HubError(broken_off(address.rpartition("/")[2])) from error
                raise
            finally:
                del self.waiting_since[thread]
            if piece is None:
                return
            received, useful = received + len(piece), useful + len(piece)
            waited += time.monotonic() - began
            if useful >= USEFUL_BYTES:
                useful, waited = 0, 0.0
            self.bar.update(len(piece))
            yield piece
        raise HubError(broken_off(address.rpartition("/")[2]))
