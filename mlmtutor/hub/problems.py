"""What can be wrong on the way to the Hub, told apart, and what helps."""

from __future__ import annotations

import os
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from mlmtutor.model.messages import flatten, show

HUB = "https://huggingface.co"
TOKEN_VARIABLE = "MLMTUTOR_TOKEN_TO_MIRROR"
# a terminal shows at most the last 95 characters of a long message whole
REMEDIES = "use 'mini', a mirror (set HF_ENDPOINT before Python starts) or a local folder (from ModelScope)"


class Problem(NamedTuple):
    """What went wrong on the way to the Hub."""

    kind: type[OSError]
    clause: str  # completes "asked for the model ..., but"
    remedy: str


class HubError(ConnectionError):
    """Raised inside the client library, which neither catches it nor tries again."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.clause)
        self.problem = problem


def show_endpoint() -> str:
    """Return the address of the Hub in use without user name and password."""
    from huggingface_hub import constants

    return flatten(constants.ENDPOINT, longest=60)


def may_send_token(url: str) -> bool:
    """Return whether the user's token may go to an address: to the Hub itself, to a mirror only if it is asked for.

    Example:
        >>> may_send_token("https://huggingface.co/api/models"), may_send_token("https://huggingface.co.example/")
        (True, False)
    """
    from huggingface_hub import constants

    trusted = [HUB]
    if os.environ.get(TOKEN_VARIABLE) == "1":
        trusted.append(constants.ENDPOINT)
    return any(_origin(url) == _origin(address) for address in trusted)


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    default = {"https": 443, "http": 80}.get(parts.scheme, 0)
    return parts.scheme, (parts.hostname or "").lower(), parts.port or default


def find_setting_problem() -> Problem | None:
    """Say what keeps this process from asking the Hub at all."""
    from huggingface_hub import constants

    if constants.is_offline_mode():
        return Problem(ConnectionError, "offline mode is set (HF_HUB_OFFLINE)", REMEDIES)
    if not _is_address(constants.ENDPOINT):
        clause = f"HF_ENDPOINT is {show(show_endpoint())}, which is no address"
        return Problem(ConnectionError, clause, f"set it to an address such as {HUB}, or unset it")
    return None


def _is_address(text: str) -> bool:
    try:
        parts = urlsplit(text)
        _ = parts.port  # what is no number fails here
    except ValueError:
        return False
    return (
        parts.scheme in ("http", "https") and bool(parts.hostname) and text.isprintable() and " " not in text
    )


def judge_answer(response: Any) -> Problem | None:
    """Say what is wrong with an answer; what is missing is left to the library, which asks for much in vain."""
    status, headers = response.status_code, response.headers
    if status == 404 or headers.get("x-error-code", "").endswith("NotFound"):
        return None
    if status >= 400:
        return refused(status)
    is_page = headers.get("content-type", "").startswith("text/html")
    if is_page and status == 200 and not response.request.url.path.endswith((".html", ".htm")):
        return not_a_hub("a web page")
    return None


def recognise(error: Exception) -> Problem | None:
    """Say what an error means that came out of the client library, or None if it is not about the Hub."""
    from huggingface_hub.errors import (
        FileMetadataError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        RemoteEntryNotFoundError,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    causes: list[BaseException] = [error]
    while (cause := causes[-1].__cause__ or causes[-1].__context__) and cause not in causes:
        causes.append(cause)
    for cause in causes:
        if isinstance(cause, HubError):
            return cause.problem
        if isinstance(cause, (RepositoryNotFoundError, RevisionNotFoundError)):
            return missing()
        # files that need not be there are asked for, too
        if isinstance(cause, HfHubHTTPError) and not isinstance(cause, RemoteEntryNotFoundError):
            return missing() if cause.response.status_code == 404 else refused(cause.response.status_code)
        if isinstance(cause, OSError) and "Consistency check failed" in str(cause):
            return damaged("a file of another size than it had announced")
        if isinstance(cause, FileMetadataError):
            return not_a_hub("something else")
    known = isinstance(error, (LocalEntryNotFoundError, HfHubHTTPError))
    return not_a_hub("something else") if known else None


def unreachable(error: Exception) -> Problem:
    """The request failed before there was an answer."""
    reason = flatten(error) or type(error).__name__
    return Problem(ConnectionError, f"{show_endpoint()} cannot be reached: {reason}", REMEDIES)


def silent(seconds: float) -> Problem:
    """There was no answer, or no useful part of one."""
    return Problem(ConnectionError, f"{show_endpoint()} sent nothing useful for {seconds:g} s", REMEDIES)


def broken_off(file: str) -> Problem:
    """The connection was lost in the middle of a file."""
    clause = f"{show_endpoint()} broke off in the middle of {show(file)}"
    return Problem(ConnectionError, clause, "try again, it goes on from there")


def damaged(what: str) -> Problem:
    """A file came whole, but is not the one that the Hub has."""
    return Problem(
        ConnectionError, f"{show_endpoint()} sent {what}", "the damaged file was removed, try again"
    )


def not_a_hub(what: str) -> Problem:
    """Somebody else answers: the login page of a network, or a server that is no Hub."""
    return Problem(
        ConnectionError,
        f"{show_endpoint()} answers with {what} instead of what a Hub sends",
        "log in to the network if it has a login page, check HF_ENDPOINT, or use 'mini' or a local folder",
    )


def missing() -> Problem:
    """There is no such repository, or none that this user may know of."""
    clause = f"{show_endpoint()} has none of this name"
    return Problem(FileNotFoundError, clause, f"check the spelling; if it is private, {_how_to_log_in()}")


def refused(status: int) -> Problem:
    """The Hub answers with an HTTP status that is an error."""
    endpoint = show_endpoint()
    if status in (401, 403):
        clause = f"{endpoint} does not let you have it (status {status})"
        remedy = f"check the spelling; if it is private or gated, {_how_to_log_in()}"
        return Problem(PermissionError, clause, remedy)
    if status == 429:
        clause, remedy = (
            f"{endpoint} limits how often it is asked (status 429)",
            "wait some minutes, or log in",
        )
    elif status >= 500:
        clause, remedy = f"{endpoint} has trouble (status {status})", f"try again later, or {REMEDIES}"
    else:
        clause, remedy = f"{endpoint} answers with status {status}", REMEDIES
    return Problem(ConnectionError, clause, remedy)


def _how_to_log_in() -> str:
    from huggingface_hub import constants

    if may_send_token(constants.ENDPOINT):
        return "ask for access on its page and log in with `hf auth login`"
    return f"unset HF_ENDPOINT: no token is sent to a mirror ({TOKEN_VARIABLE}=1 sends it)"
