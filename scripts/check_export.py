"""Checks exported models with PyTorch itself: that it reads them, and that they compute the same.

    fragua export --checkpoint storms --output out/storms.py    writes storms.safetensors too; the same with .pth and .pt
    python scripts/check_export.py out/storms.safetensors out/storms.pth out/storms.pt out/storms.py

Needs torch and safetensors. Compares the TorchScript network and the Python module with a ConvLSTM written here from its
description alone, which is given the weights of each of the other two files.
"""

import importlib.util
import json
import math
import sys

import torch
from safetensors import safe_open
from torch.nn.functional import conv2d, group_norm, layer_norm

TOLERANCE = 1e-6


def convlstm(weights, frames, description):
    """The target frames that follow frames [batch, time, channels, rows, columns]."""
    norm, layers = description["model"]["norm"], len(description["model"]["hidden"])
    for layer in range(layers):
        weight, bias = (weights[f"layers.{layer}.conv.{part}"] for part in ("weight", "bias"))
        width = bias.shape[0] // 4
        hidden = cell = frames.new_zeros(frames.shape[0], width, *frames.shape[3:])
        states = []
        for frame in frames.unbind(1):
            gates = conv2d(torch.cat([frame, hidden], 1), weight, bias, padding=weight.shape[-1] // 2)
            i, f, o, g = gates.chunk(4, 1)
            cell = f.sigmoid() * cell + i.sigmoid() * g.tanh()
            hidden = o.sigmoid() * cell.tanh()
            states.append(hidden)
        if layer + 1 < layers and norm != "none":
            scale, shift = (weights[f"layers.{layer}.norm.{part}"] for part in ("weight", "bias"))
            if norm == "layer":
                states = [layer_norm(state, scale.shape, scale, shift) for state in states]
            else:
                groups = width // math.gcd(width, 16)
                states = [group_norm(state, groups, scale, shift) for state in states]
        frames = torch.stack(states, 1)
    logits = conv2d(frames[:, -1], weights["head.weight"], weights["head.bias"], padding=1)
    return logits.sigmoid().unflatten(1, (description["output"]["frames"], -1))


def check(name, found, expected):
    error = (found - expected).abs().max().item()
    print(f"{name}: {tuple(found.shape)}, largest difference {error:.1e}")
    assert found.shape == expected.shape and error <= TOLERANCE, name


def imported(path):
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(safetensors, pth, torchscript, python):
    torch.manual_seed(1)
    with safe_open(safetensors, "pt") as file:
        named = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata()
    description = json.loads(metadata["description"])
    print(f"safetensors: {len(named)} tensors, task {metadata['task']}, {metadata['program']}")

    state = torch.load(pth, weights_only=True)
    assert sorted(state) == sorted(named) and all(torch.equal(state[name], named[name]) for name in named)
    print(f"pth: torch.load(weights_only=True) gives {type(state).__name__} of the same {len(state)} tensors")

    extra = {"fragua.json": ""}
    network = torch.jit.load(torchscript, _extra_files=extra)
    assert json.loads(extra["fragua.json"]) == description
    parameters = dict(network.named_parameters())
    assert sorted(parameters) == sorted(named) == sorted(network.state_dict())
    assert all(torch.equal(parameters[name], named[name]) for name in named)
    print(f"torchscript: {len(parameters)} parameters, {network.min_dbz} to {network.max_dbz} dBZ")

    module = imported(python)
    own = module.load()
    assert module.DESCRIPTION == description
    assert sorted(own.state_dict()) == sorted(named) and not own.training
    print(f"python: a module with {sum(value.numel() for value in own.parameters())} parameters")

    sizes = [description["input"][name] for name in ("frames", "channels", "rows", "columns")]
    for batch in (1, 3):
        frames = torch.rand(batch, *sizes)
        with torch.no_grad():
            expected = convlstm(named, frames, description)
            check(f"torchscript, batch {batch}", network(frames), expected)
            check(f"python, batch {batch}", own(frames), expected)
            check(f"pth, batch {batch}", convlstm(state, frames, description), expected)

    dbz = torch.tensor([network.min_dbz, 20.0, network.max_dbz])
    assert torch.allclose(own.to_dbz(own.from_dbz(dbz)), dbz) and own.from_dbz(dbz)[2] == 1.0
    assert torch.allclose(network.to_dbz(network.from_dbz(dbz)), dbz)
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    frames = torch.rand(2, *sizes)
    losses = []
    for _ in range(3):
        optimizer.zero_grad()
        loss = network(frames).square().mean()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert losses[2] < losses[0] and all(parameter.grad is not None for parameter in network.parameters())
    print(f"torchscript learns: loss {losses[0]:.5f}, {losses[1]:.5f}, {losses[2]:.5f}")
    print("all is well")


if __name__ == "__main__":
    if len(sys.argv) != 5:
        sys.exit(__doc__)
    main(*sys.argv[1:])
