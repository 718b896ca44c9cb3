# The public names and their homes, by module: `__init__.py`, editors and type checkers read this.

from .adapt import AdaptSettings, adapt_model, plan_training
from .exercises import as_printed, check_answer, check_range
from .hub.load import load_model, load_tokenizer
from .hub.profile import Profile, choose_profile
from .hub.route import find_hub_problem
from .hub.upload import upload_model
from .masks.collator import ChunkRows, MaskingCollator
from .masks.cut import cut_masks
from .masks.frozen import FrozenMasks, freeze_masks
from .masks.masked_text import MaskedText, show_context, show_masks
from .masks.masking import MaskingSettings, mask_batch
from .masks.outcome import MaskOutcome
from .model.device import choose_precision, find_device
from .model.doubts import Doubt
from .model.fill_mask import Candidate, fill_masks
from .model.masked_lm import masked_lm_loss, score_batches, score_masked
from .model.vocabulary import add_words
from .plots.bars import plot_bars, plot_candidates
from .plots.comparisons import plot_changes, plot_perplexities, plot_ratios, plot_tradeoff
from .plots.counts import plot_histogram, plot_lengths, plot_shares
from .plots.curves import plot_curves, plot_doublings, plot_losses
from .report import Report, save_adapted
from .scores.classifier import fine_tune_classifier
from .scores.downstream import (
    FewLabelScores,
    ScoreDifference,
    compare_scores,
    draw_labels,
    embed_texts,
    load_few_labels,
    score_few_labels,
)
from .scores.loss_text import LossText, show_losses
from .scores.perplexity import Comparison, Evaluation, compare, evaluate, spread_over_draws
from .scores.probes import Probe, ProbeScores, load_general_texts, load_probes, score_probes
from .scores.prompts import AUCDifference, compare_auc, score_prompt
from .scores.pseudo_perplexity import MinimalPair, ScoredText, ScoredTexts, load_minimal_pairs, score_texts
from .texts.chinese import load_chinese_news
from .texts.chunking import Chunks, chunk_texts, split_into_chunks
from .texts.copies import find_near_copies
from .texts.keyness import Keyword, WordCounts, count_words, find_keywords, load_brown_counts
from .texts.own_texts import load_texts, read_source, split_chunks, split_texts
from .texts.reading import Reading
from .texts.reviews import LengthSummary, count_labels, load_reviews, remove_breaks, summarize_lengths
from .texts.segmenters import load_segmenter
from .texts.unread import load_unread_reviews
from .texts.words import TokenTable, find_first_pieces
from .training.train import TrainingHistory, TrainingSettings, train_masked_lm
from .training.trainer import MaskedLMTrainer

__all__ = [
    "AUCDifference",
    "AdaptSettings",
    "Candidate",
    "ChunkRows",
    "Chunks",
    "Comparison",
    "Doubt",
    "Evaluation",
    "FewLabelScores",
    "FrozenMasks",
    "Keyword",
    "LengthSummary",
    "LossText",
    "MaskOutcome",
    "MaskedLMTrainer",
    "MaskedText",
    "MaskingCollator",
    "MaskingSettings",
    "MinimalPair",
    "Probe",
    "ProbeScores",
    "Profile",
    "Reading",
    "Report",
    "ScoreDifference",
    "ScoredText",
    "ScoredTexts",
    "TokenTable",
    "TrainingHistory",
    "TrainingSettings",
    "WordCounts",
    "adapt_model",
    "add_words",
    "as_printed",
    "check_answer",
    "check_range",
    "choose_precision",
    "choose_profile",
    "chunk_texts",
    "compare",
    "compare_auc",
    "compare_scores",
    "count_labels",
    "count_words",
    "cut_masks",
    "draw_labels",
    "embed_texts",
    "evaluate",
    "fill_masks",
    "find_device",
    "find_first_pieces",
    "find_hub_problem",
    "find_keywords",
    "find_near_copies",
    "fine_tune_classifier",
    "freeze_masks",
    "load_brown_counts",
    "load_chinese_news",
    "load_few_labels",
    "load_general_texts",
    "load_minimal_pairs",
    "load_model",
    "load_probes",
    "load_reviews",
    "load_segmenter",
    "load_texts",
    "load_tokenizer",
    "load_unread_reviews",
    "mask_batch",
    "masked_lm_loss",
    "plan_training",
    "plot_bars",
    "plot_candidates",
    "plot_changes",
    "plot_curves",
    "plot_doublings",
    "plot_histogram",
    "plot_lengths",
    "plot_losses",
    "plot_perplexities",
    "plot_ratios",
    "plot_shares",
    "plot_tradeoff",
    "read_source",
    "remove_breaks",
    "save_adapted",
    "score_batches",
    "score_few_labels",
    "score_masked",
    "score_probes",
    "score_prompt",
    "score_texts",
    "show_context",
    "show_losses",
    "show_masks",
    "split_chunks",
    "split_into_chunks",
    "split_texts",
    "spread_over_draws",
    "summarize_lengths",
    "train_masked_lm",
    "upload_model",
]
