"""Adapt a masked language model to a new domain: the package behind the course.

Everything public can be imported from here. Nothing heavy is loaded before it is used.
"""

import importlib
import warnings
from typing import Any

# tqdm, which several libraries use, misses widgets that nothing here needs
warnings.filterwarnings("ignore", message="IProgress not found")

__version__ = "0.1.0"

_HOMES = {
    "adapt": ["AdaptSettings", "adapt_model", "plan_training"],
    "blanks": ["BlankPredictions", "predict_blanks", "show_context"],
    "checks": ["check_answer", "check_range"],
    "chunking": ["Chunks", "chunk_texts", "split_into_chunks"],
    "comparison": ["Comparison", "compare"],
    "device": ["choose_precision", "find_device"],
    "downstream": [
        "FewLabelScores",
        "ScoreDifference",
        "compare_scores",
        "embed_texts",
        "few_label_scores",
        "fit_classifier",
    ],
    "draws": ["draw_uniform"],
    "fill_mask": ["Candidate", "fill_masks"],
    "heads": ["masked_lm_loss", "score_masked"],
    "hub": [
        "Profile",
        "choose_profile",
        "find_hub_problem",
        "load_model",
        "load_texts",
        "load_tokenizer",
    ],
    "keyness": ["Keyword", "WordCounts", "count_words", "find_keywords", "load_brown_counts"],
    "masked_text": ["MaskedText", "show_masks"],
    "masking": [
        "FrozenMasks",
        "MaskingCollator",
        "MaskingSettings",
        "freeze_masks",
        "mask_batch",
    ],
    "perplexity": ["Evaluation", "evaluate"],
    "plots": [
        "plot_bars",
        "plot_candidates",
        "plot_curves",
        "plot_lengths",
        "plot_losses",
        "plot_perplexities",
    ],
    "probes": ["Probe", "ProbeScores", "load_general_texts", "load_probes", "score_probes"],
    "pseudo_perplexity": ["ScoredText", "score_texts", "summarize_scores"],
    "report": ["Report"],
    "reviews": [
        "LengthSummary",
        "count_labels",
        "load_reviews",
        "split_chunks",
        "split_texts",
        "summarize_lengths",
    ],
    "rows": ["ChunkRows"],
    "sharing": ["upload_model"],
    "trainer": ["MaskedLMTrainer"],
    "training": ["TrainingHistory", "TrainingSettings", "train_masked_lm"],
    "words": ["TokenTable", "word_heads"],
}
_HOME_OF = {name: module for module, names in _HOMES.items() for name in names}
__all__ = sorted(_HOME_OF)


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'mlmtutor' has no attribute {name!r}")
    return getattr(importlib.import_module(f"mlmtutor.{_HOME_OF[name]}"), name)


def __dir__() -> list[str]:
    return __all__
