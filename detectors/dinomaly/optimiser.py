"""StableAdamW (Wortsman et al., NeurIPS 2023) with AMSGrad, and Dinomaly's schedule: what its decoder is trained with."""

from __future__ import annotations

from collections.abc import Iterable
from math import cos, pi, sqrt

import torch
from torch import Tensor

BETAS, EPSILON, DECAY = (0.9, 0.999), 1e-10, 1e-4
CLIP = 1.0  # root mean square of an update from which it is made smaller


class StableAdamW:
    """AdamW whose steps are scaled down where their root mean square exceeds one, tensor by tensor.

    Its state is plain tensors (`state`), so that a checkpoint needs no pickle.

    Args:
        parameters: that require a gradient.
    """

    def __init__(self, parameters: Iterable[Tensor]) -> None:
        self.parameters = [p for p in parameters if p.requires_grad]
        self.steps = 0
        self.mean = [torch.zeros_like(p) for p in self.parameters]
        self.square = [torch.zeros_like(p) for p in self.parameters]
        self.largest = [torch.zeros_like(p) for p in self.parameters]

    @torch.no_grad()
    def step(self, rate: float) -> None:
        """One update at a learning rate; the gradients are spent."""
        self.steps += 1
        beta1, beta2 = BETAS
        first, second = 1 - beta1**self.steps, sqrt(1 - beta2**self.steps)
        gradients = [torch.zeros_like(p) if p.grad is None else p.grad for p in self.parameters]
        torch._foreach_mul_(self.parameters, 1 - rate * DECAY)
        torch._foreach_lerp_(self.mean, gradients, 1 - beta1)
        torch._foreach_mul_(self.square, beta2)
        torch._foreach_addcmul_(self.square, gradients, gradients, 1 - beta2)
        torch._foreach_maximum_(self.largest, self.square)
        below = torch._foreach_sqrt(self.largest)
        torch._foreach_div_(below, second)
        torch._foreach_add_(below, EPSILON)
        wanted = torch._foreach_norm(torch._foreach_div(gradients, below))
        for p, mean, low, norm in zip(self.parameters, self.mean, below, wanted, strict=True):
            calm = max(1.0, float(norm) / sqrt(p.numel()) / CLIP)
            p.addcdiv_(mean, low, value=-rate / first / calm)
            p.grad = None

    def state(self) -> dict[str, Tensor]:
        """All that `restore` needs besides the number of steps."""
        named = (("mean", self.mean), ("square", self.square), ("largest", self.largest))
        return {f"{name}.{i}": t for name, tensors in named for i, t in enumerate(tensors)}

    def restore(self, state: dict[str, Tensor], steps: int) -> None:
        """Go on from a state."""
        self.steps = steps
        for name, tensors in (("mean", self.mean), ("square", self.square), ("largest", self.largest)):
            for i, t in enumerate(tensors):
                t.copy_(state[f"{name}.{i}"])


def rate_at(step: int, steps: int, *, top: float = 2e-3, last: float = 2e-4, warm: int = 100) -> float:
    """Learning rate of a step: up in a line for `warm` steps, then down by a cosine.

    >>> rate_at(0, 1000), rate_at(99, 1000), rate_at(100, 1000)
    (0.0, 0.002, 0.002)
    """
    warm = min(warm, steps // 2)
    if step < warm:
        return top * step / max(1, warm - 1)
    if step >= steps:
        return last
    return last + 0.5 * (top - last) * (1 + cos(pi * (step - warm) / (steps - warm)))
