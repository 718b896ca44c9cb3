"""Which device there is, and which arithmetic it is good at."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Literal, get_args

if TYPE_CHECKING:
    import torch

Precision = Literal["bf16", "fp16", "fp32"]
AnyPrecision = Literal["auto", "bf16", "fp16", "fp32"]  # auto asks the device


def find_device() -> str:
    """Return the best device that PyTorch finds: ``"cuda"``, ``"mps"`` or ``"cpu"``.

    Example:
        >>> find_device() in ("cuda", "mps", "cpu")
        True

    Source: chapter 01_fill_mask.
    """
    import torch

    if torch.cuda.is_available():
        return "cuda"
    return "mps" if torch.backends.mps.is_available() else "cpu"


def choose_precision(device: torch.device | str | None = None) -> Precision:
    """Choose the fastest arithmetic that a device does in hardware.

    Args:
        device: A device, or None for the best one here.

    Returns:
        ``"bf16"`` on NVIDIA GPUs since Ampere and on CPUs with bf16 instructions, ``"fp16"`` on older GPUs,
        ``"fp32"`` elsewhere. Weights stay in float32 in any case.

    Example:
        >>> choose_precision("cpu") in ("bf16", "fp32")
        True

    Source: chapter 06_fine_tuning.
    """
    import torch

    kind = torch.device(find_device() if device is None else device).type
    if kind == "cuda":
        return "bf16" if torch.cuda.get_device_capability() >= (8, 0) else "fp16"
    if kind == "cpu":
        can = getattr(torch.cpu, "get_capabilities", dict)()  # torch before 2.10 does not say
        # AVX512-BF16 and AMX on x86, "bf16" on Arm
        return "bf16" if any(can.get(name) for name in ("avx512_bf16", "amx_bf16", "bf16")) else "fp32"
    return "fp32"


def check_precision(precision: str) -> None:
    """Check that a precision exists.

    Raises:
        ValueError: If it does not.
    """
    if precision not in get_args(AnyPrecision):
        raise ValueError(f"precision must be 'auto', 'bf16', 'fp16' or 'fp32', got {precision!r}")


def settle_precision(precision: AnyPrecision, *, device: torch.device | str) -> Precision:
    """Check that a device can compute in a precision, and decide what ``"auto"`` means there.

    Raises:
        ValueError: If the name is unknown, or fp16 is asked for without an NVIDIA GPU.

    Example:
        >>> settle_precision("fp16", device="cpu")
        Traceback (most recent call last):
            ...
        ValueError: precision 'fp16' needs an NVIDIA GPU, found device 'cpu': take 'auto', 'bf16' or 'fp32'

    Source: chapter 06_fine_tuning.
    """
    import torch

    check_precision(precision)
    kind = torch.device(device).type
    if precision == "fp16" and kind != "cuda":
        raise ValueError(
            f"precision 'fp16' needs an NVIDIA GPU, found device {kind!r}: take 'auto', 'bf16' or 'fp32'"
        )
    return choose_precision(device) if precision == "auto" else precision


def autocast(device: torch.device, *, precision: Precision) -> AbstractContextManager:
    """Return the context in which matrix products run at ``precision``."""
    import torch

    if precision == "fp32":
        return nullcontext()
    return torch.autocast(device.type, dtype=torch.bfloat16 if precision == "bf16" else torch.float16)
