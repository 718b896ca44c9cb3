"""Which model and which reviews a run of the course uses, and why."""

from __future__ import annotations

import os
from dataclasses import dataclass

from mlmtutor.hub.names import MINI, MINI_ZH
from mlmtutor.hub.route import find_hub_problem
from mlmtutor.model.device import find_device

PROFILES = {  # profile -> (model, reviews)
    MINI: (MINI, MINI),
    MINI_ZH: (MINI_ZH, MINI_ZH),
    "full": ("distilbert/distilbert-base-uncased", "stanfordnlp/imdb"),
}
PROFILE_VARIABLE = "MLMTUTOR_PROFILE"


@dataclass(frozen=True)
class Profile:
    """Which model and which reviews a run uses, on which device, and why.

    Attributes:
        name: ``"mini"``, ``"mini-zh"`` or ``"full"``.
        model: The argument for :func:`load_model`.
        reviews: The argument for :func:`mlmtutor.texts.reviews.load_reviews`.
        device: ``"cuda"``, ``"mps"`` or ``"cpu"``.
        reason: One clause that says why.
    """

    name: str
    model: str
    reviews: str
    device: str
    reason: str

    def __str__(self) -> str:
        return f"profile {self.name}: model {self.model}, reviews {self.reviews}, on {self.device} ({self.reason})"


def choose_profile(name: str = "auto") -> Profile:
    """Choose where the model and the reviews come from.

    Args:
        name: ``"mini"``, ``"mini-zh"`` (Chinese), ``"full"`` or ``"auto"``: full where a GPU and the Hub are there,
            mini otherwise. The environment variable MLMTUTOR_PROFILE replaces ``"auto"``.

    Returns:
        The :class:`Profile`; print it, and it says what was taken and why.

    Raises:
        ValueError: If there is no such profile.

    Example:
        >>> choose_profile("mini").model
        'mini'

    Source: chapter 01_fill_mask.
    """
    reason = "asked for"
    if name == "auto" and (from_environment := os.environ.get(PROFILE_VARIABLE)):
        name, reason = from_environment, f"{PROFILE_VARIABLE} is set"
    if name not in ("auto", *PROFILES):
        raise ValueError(f"profile must be 'auto', 'mini', 'mini-zh' or 'full', got {name!r}")
    device = find_device()
    if name == "auto":
        problem = "no GPU" if device != "cuda" else find_hub_problem()
        name = MINI if problem else "full"
        reason = problem or "a GPU and the Hub are there"
    return Profile(name, *PROFILES[name], device, reason)
