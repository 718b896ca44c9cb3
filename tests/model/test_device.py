"""Which arithmetic is chosen where."""

import pytest
import torch

from mlmtutor.model.device import autocast, choose_precision, settle_precision


@pytest.mark.parametrize(
    ("capabilities", "expected"),
    [
        ({"avx512_bf16": True, "amx_bf16": False}, "bf16"),
        ({"avx512_bf16": False, "amx_bf16": True}, "bf16"),
        ({"neon": True, "bf16": True}, "bf16"),
        ({"avx2": True, "avx512_f": True, "avx512_bf16": False}, "fp32"),
        ({}, "fp32"),
    ],
)
def test_cpu_takes_bf16_only_with_instructions_for_it(monkeypatch, capabilities, expected):
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: capabilities, raising=False)
    assert choose_precision("cpu") == expected


def test_older_torch_that_does_not_tell_means_fp32(monkeypatch):
    monkeypatch.delattr(torch.cpu, "get_capabilities", raising=False)
    assert choose_precision("cpu") == "fp32"


@pytest.mark.parametrize(("capability", "expected"), [((9, 0), "bf16"), ((8, 0), "bf16"), ((7, 5), "fp16")])
def test_gpu_takes_bf16_since_ampere_and_fp16_before(monkeypatch, capability, expected):
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    assert choose_precision("cuda") == expected


def test_apple_gpu_takes_fp32():
    assert choose_precision("mps") == "fp32"


def test_no_device_named_means_the_best_one_here(monkeypatch):
    monkeypatch.setattr("mlmtutor.model.device.find_device", lambda: "mps")
    assert choose_precision() == "fp32"


def test_auto_is_settled_and_names_are_checked(monkeypatch):
    monkeypatch.setattr(torch.cpu, "get_capabilities", dict, raising=False)
    assert settle_precision("auto", device="cpu") == "fp32"
    assert settle_precision("bf16", device="cpu") == "bf16"
    with pytest.raises(ValueError, match="precision must be 'auto', 'bf16', 'fp16' or 'fp32', got 'half'"):
        settle_precision("half", device="cpu")
    with pytest.raises(ValueError, match="'fp16' needs an NVIDIA GPU, found device 'cpu'"):
        settle_precision("fp16", device="cpu")


def test_autocast_sets_the_type_of_products():
    ones = torch.ones(2, 2)
    for precision, expected in (("bf16", torch.bfloat16), ("fp32", torch.float32)):
        with autocast(torch.device("cpu"), precision=precision):
            assert (ones @ ones).dtype == expected
