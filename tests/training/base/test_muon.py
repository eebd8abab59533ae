"""Muon in fp32 takes the steps of the library's, and either goes on from the state of the other."""

import copy

import pytest
import torch

from training.base.muon import Float32Muon, orthogonal

SHAPES = ((24, 24), (24, 24), (72, 24), (24, 72))


def _matrices() -> list[torch.nn.Parameter]:
    torch.manual_seed(0)
    return [torch.nn.Parameter(torch.randn(shape)) for shape in SHAPES]


def _step(optimizer: torch.optim.Optimizer, matrices: list[torch.nn.Parameter], seed: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    for matrix in matrices:
        matrix.grad = torch.randn(matrix.shape, generator=generator)
    optimizer.step()


def test_its_steps_are_those_of_the_library_up_to_bf16() -> None:
    ours, theirs, start = _matrices(), _matrices(), _matrices()
    mine, library = Float32Muon(ours, lr=0.02), torch.optim.Muon(theirs, lr=0.02)
    for seed in range(4):
        _step(mine, ours, seed)
        _step(library, theirs, seed)
    for one, other, begun in zip(ours, theirs, start, strict=True):
        moved, expected = (one - begun).detach().flatten(), (other - begun).detach().flatten()
        assert torch.cosine_similarity(moved, expected, dim=0) > 0.999
        assert moved.norm() / expected.norm() == pytest.approx(1, abs=0.01)


def test_either_goes_on_from_the_state_of_the_other() -> None:
    matrices = _matrices()
    library = torch.optim.Muon(matrices, lr=0.02)
    _step(library, matrices, 0)
    ours, theirs = copy.deepcopy(matrices), copy.deepcopy(matrices)
    mine, again = Float32Muon(ours, lr=0.5), torch.optim.Muon(theirs, lr=0.5)
    mine.load_state_dict(library.state_dict())
    again.load_state_dict(library.state_dict())
    _step(mine, ours, 1)
    _step(again, theirs, 1)
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=0.01, rtol=0)  # each entry moved by about 0.1
    again.load_state_dict(mine.state_dict())
    _step(again, ours, 2)


def test_a_matrix_without_a_gradient_stays() -> None:
    matrices = _matrices()
    before = [matrix.detach().clone() for matrix in matrices]
    Float32Muon(matrices, lr=0.02).step()
    assert all(torch.equal(one, other) for one, other in zip(matrices, before, strict=True))


@pytest.mark.parametrize("shape", [(3, 16, 16), (2, 48, 16), (2, 16, 48)])
def test_what_is_orthogonal_has_singular_values_near_one(shape: tuple[int, int, int]) -> None:
    group = torch.optim.Muon([torch.nn.Parameter(torch.zeros(2, 2))]).param_groups[0]
    found = torch.linalg.svdvals(orthogonal(torch.randn(shape), group))
    assert found.min() > 0.3
    assert found.max() < 1.4
