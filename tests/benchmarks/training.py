"""Time of a training step: vocabulary head on all positions against masked positions only.

    python tests/benchmarks/training.py

A random model of DistilBERT's size, 8 chunks of 128 tokens, 20 % masked. On a CPU it counts the CPU time of one
thread, which other work on the machine changes little, and both ways take turns. Read the ratios.
"""

import statistics
import time

import torch
from transformers import DistilBertConfig, DistilBertForMaskedLM

from mlmtutor.device import autocast, choose_precision, find_device
from mlmtutor.heads import masked_lm_loss

NUM_STEPS = 3
SHAPE = (8, 128)


def dense_loss(model, *, input_ids, labels):
    return model(input_ids=input_ids, labels=labels).loss


def time_step(loss_of, model, optimizer, batch, precision):
    clock = time.process_time if model.device.type == "cpu" else time.perf_counter
    started = clock()
    with autocast(model.device, precision=precision):
        loss = loss_of(model, **batch)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    loss.item()  # waits for a GPU
    return clock() - started


def main():
    torch.manual_seed(0)
    torch.set_num_threads(1)
    device = find_device()
    model = DistilBertForMaskedLM(DistilBertConfig()).to(device).train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-5, fused=device != "mps")
    input_ids = torch.randint(1000, 30_000, SHAPE, device=device)
    labels = torch.where(torch.rand(SHAPE, device=device) < 0.2, input_ids, -100)
    batch = {"input_ids": input_ids, "labels": labels}
    print(f"{device}, {SHAPE[0]} x {SHAPE[1]} tokens, 20 % masked")
    medians = {}
    for precision in dict.fromkeys(("fp32", choose_precision(device))):
        seconds = {"dense": [], "sparse": []}
        for step in range(NUM_STEPS + 1):
            for name, loss_of in (("dense", dense_loss), ("sparse", masked_lm_loss)):
                taken = time_step(loss_of, model, optimizer, batch, precision)
                if step > 0:  # the first one warms up
                    seconds[name].append(taken)
        medians[precision] = {name: statistics.median(values) for name, values in seconds.items()}
        dense, sparse = medians[precision]["dense"], medians[precision]["sparse"]
        print(f"{precision}: dense {dense:.3f} s, sparse {sparse:.3f} s, {dense / sparse:.2f} times as fast")
    print(f"fastest against fp32 dense: {medians['fp32']['dense'] / sparse:.2f} times as fast")


if __name__ == "__main__":
    main()
