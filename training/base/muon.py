"""Muon for processors that cannot multiply in bf16, where `torch.optim.Muon` spends more time than the model does.

Comes in: the matrices of a model. Goes out: the same steps as `torch.optim.Muon`, its orthogonalization in fp32 and
over all matrices of one shape at once. The library's is in bf16, which such a CPU only imitates: twenty times slower.
"""

import torch
from torch import Tensor


class Float32Muon(torch.optim.Muon):
    """Same arguments, state and update rule as `torch.optim.Muon`; a state saved by either is read by the other."""

    @torch.no_grad()
    def step(self, closure: None = None) -> None:  # type: ignore[override]  # a closure is never wanted here
        for group in self.param_groups:
            by_shape: dict[torch.Size, list[Tensor]] = {}
            for parameter in group["params"]:
                if parameter.grad is not None:
                    by_shape.setdefault(parameter.shape, []).append(parameter)
            for (high, wide), parameters in by_shape.items():
                updates = torch.stack([self._momentum(parameter, group) for parameter in parameters])
                rate = group["lr"] * max(1.0, high / wide) ** 0.5
                for parameter, update in zip(parameters, orthogonal(updates, group), strict=True):
                    parameter.mul_(1 - group["lr"] * group["weight_decay"]).add_(update, alpha=-rate)

    def _momentum(self, parameter: Tensor, group: dict) -> Tensor:
        assert parameter.grad is not None
        state = self.state[parameter]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(parameter)
        state["momentum_buffer"].lerp_(parameter.grad, 1 - group["momentum"])
        return parameter.grad.lerp(state["momentum_buffer"], group["momentum"])  # Nesterov's


def orthogonal(matrices: Tensor, group: dict) -> Tensor:
    """`matrices` (count, high, wide), each brought near to the orthogonal one by `group`'s Newton-Schulz steps.

    Source: Jordan et al., "Muon: An optimizer for hidden layers in neural networks" (2024).
    """
    a, b, c = group["ns_coefficients"]
    upright = matrices.shape[1] > matrices.shape[2]
    x = matrices.transpose(1, 2) if upright else matrices
    x = x / x.norm(dim=(1, 2), keepdim=True).clamp(min=group["eps"])
    for _ in range(group["ns_steps"]):
        gram = x @ x.transpose(1, 2)
        x = torch.baddbmm(x, torch.baddbmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.transpose(1, 2) if upright else x
