"""DINOv2's 52 linear classifiers: grouped by input, beside a loop over 52 modules with autograd and SGD.

    python tests/speed/linear.py [--quick]

Prints what each side holds, too. Both do the same products, 4 P d C B operations a step with P d summed over the
probes. What grouping saves is 48 of 52 small products, and of memory traffic: gradients that are written, read and
kept, and the softmax of autograd, which copies the logits.
"""

from __future__ import annotations

import argparse
import itertools

import torch
from race import race
from torch import nn
from torch.nn import functional as F

from heads import LinearProbe, LinearProbes, pooled_inputs

RATES = (1e-5, 2e-5, 5e-5, 1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 1e-2, 2e-2, 5e-2, 0.1)


def main() -> None:
    """Races one step of both."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="100 classes instead of 1000")
    classes = 100 if parser.parse_args().quick else 1000
    for width, batch in ((384, 128), (384, 16)):
        one_step(width=width, batch=batch, classes=classes)


def one_step(*, width: int, batch: int, classes: int) -> None:
    """Races forward, gradient and update of 52 probes."""
    sweep = [LinearProbe(*choice) for choice in itertools.product((1, 4), ("cls", "cls+mean"), RATES)]
    probes = LinearProbes(sweep, embed_dim=width, num_classes=classes)
    inputs = pooled_inputs(torch.randn(batch, 4, width), torch.randn(batch, width), probes.keys)
    labels = torch.randint(0, classes, (batch,))
    modules = [nn.Linear(inputs[probe.key].shape[1], classes) for probe in sweep]
    optimizer = torch.optim.SGD(
        [{"params": module.parameters(), "lr": probe.lr} for module, probe in zip(modules, sweep, strict=True)],
        momentum=0.9,
    )

    def loop() -> None:
        optimizer.zero_grad()
        losses = [F.cross_entropy(module(inputs[p.key]), labels) for module, p in zip(modules, sweep, strict=True)]
        sum(losses).backward()
        optimizer.step()

    loop()
    held = [tensor for module in modules for p in module.parameters() for tensor in (p, p.grad)]
    held += [state["momentum_buffer"] for state in optimizer.state.values()]
    megabytes = [sum(tensor.nbytes for tensor in tensors) / 1e6 for tensors in (held, list(probes.buffers()))]
    name = f"52 probes, width {width}, {classes} classes, batch {batch}"
    race(name, loop, lambda: probes.step(inputs, labels, factor=0.5), 5)
    print(f"  weights, gradients and momentum: baseline {megabytes[0]:.0f} MB, ours {megabytes[1]:.0f} MB")


if __name__ == "__main__":
    main()
