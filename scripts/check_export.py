"""Checks exported models with PyTorch itself: that it reads them, and that they compute the same.

    fragua export --checkpoint storms --output out/storms.py    writes storms.safetensors too; the same with .pth and .pt
    python scripts/check_export.py out/storms.safetensors out/storms.pth out/storms.pt out/storms.py

Needs torch and safetensors. A radar model in TorchScript and in Python is compared with a ConvLSTM written here from its
description alone, which is given the weights of each of the other two files. A classifier is compared with what `fragua predict`
has written, given its folder and that of the images; for this, numpy and Pillow are needed, and images of the model's size:

    fragua predict --checkpoint letters --input images --output predicted --top 1000
    python scripts/check_export.py out/l.safetensors out/l.pth out/l.pt out/l.py predicted/predictions.json images

A classifier of sequences is compared in the same way, with the npz file of the sequences in the place of the images: packed, with
the streams of the model. It needs `normalise: none` and `missing: keep`, so that the model sees what is in the file; with
`predict --embeddings`, embeddings are compared too.
"""

import importlib.util
import json
import math
import sys
from pathlib import Path

import torch
from safetensors import safe_open
from torch.nn.functional import conv2d, group_norm, layer_norm

TOLERANCE = 1e-6
PROBABILITY_TOLERANCE = 1e-5


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


def check(name, found, expected, tolerance=TOLERANCE):
    error = (found - expected).abs().max().item()
    print(f"{name}: {tuple(found.shape)}, largest difference {error:.1e}")
    assert found.shape == expected.shape and error <= tolerance, name


def imported(path):
    spec = importlib.util.spec_from_file_location("exported", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def same(found, expected):
    return sorted(found) == sorted(expected) and all(torch.equal(found[name], expected[name]) for name in expected)


def main(safetensors, pth, torchscript, python, *predicted):
    torch.manual_seed(1)
    with safe_open(safetensors, "pt") as file:
        named = {name: file.get_tensor(name) for name in file.keys()}
        metadata = file.metadata()
    description = json.loads(metadata["description"])
    print(f"safetensors: {len(named)} tensors, task {metadata['task']}, {metadata['program']}")

    loaded = torch.load(pth, weights_only=True)
    state = loaded.get("model_state_dict", loaded)
    assert same(state, named)
    print(f"pth: torch.load(weights_only=True) gives the same {len(state)} tensors")

    extra = {"fragua.json": ""}
    network = torch.jit.load(torchscript, _extra_files=extra)
    assert json.loads(extra["fragua.json"]) == description
    assert same(network.state_dict(), named)
    print(f"torchscript: {len(list(network.parameters()))} parameters")

    module = imported(python)
    own = module.load()
    assert module.DESCRIPTION == description
    assert sorted(own.state_dict()) == sorted(named) and not own.training
    print(f"python: a module with {sum(value.numel() for value in own.parameters())} parameters")

    if "streams" in description:
        check_sequences(loaded, description, network, (module, own), pth, *predicted)
    elif "labels" in description:
        check_classifier(loaded, description, network, (module, own), pth, *predicted)
    else:
        check_radar(named, state, description, network, own)
    print("all is well")


def check_radar(named, state, description, network, own):
    print(f"torchscript: {network.min_dbz} to {network.max_dbz} dBZ")
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


def check_classifier(loaded, description, network, python, pth, predictions=None, images=None):
    module, own = python
    labels = description["labels"]
    assert loaded["labels"] == labels and loaded["num_classes"] == len(labels) and 0 <= loaded["dropout_rate"] < 1
    beside = json.loads((Path(pth).parent / "config_finetuned.json").read_text())
    assert beside["num_classes"] == len(labels) and beside["dropout_rate"] == loaded["dropout_rate"]
    again = type(own)()
    again.load_state_dict(loaded["model_state_dict"])
    again.eval()
    print(f"pth: {len(labels)} labels, dropout {loaded['dropout_rate']}")

    size = [description["input"][name] for name in ("channels", "rows", "columns")]
    for batch in (1, 3):
        values = torch.rand(batch, *size)
        expected = module.probabilities(own, values)
        check(f"torchscript, batch {batch}", network(values), expected)
        check(f"pth, batch {batch}", module.probabilities(again, values), expected)
    if predictions:
        check_predictions(json.loads(Path(predictions).read_text()), Path(images), module, own, network)


def check_sequences(loaded, description, network, python, pth, predictions=None, packed=None):
    module, own = python
    labels = description["labels"]
    assert same(loaded["model_state"], loaded["model_state_dict"])
    keys = ("epoch", "optimizer_state", "metrics", "timestamp", "num_classes", "tail_to_other")
    assert all(key in loaded for key in keys) and loaded["num_classes"] == len(labels)
    mapping = json.loads((Path(pth).parent / "class_mapping.json").read_text())
    assert mapping["new_class_names"] == labels
    again = type(own)()
    again.load_state_dict(loaded["model_state"])
    again.eval()
    print(f"pth: {len(labels)} classes, the keys of the original")

    for lengths in ((5,), (1, 9, 4)):
        streams = [torch.randn(len(lengths), 9, width) for width in description["streams"].values()]
        lengths = torch.tensor(lengths)
        expected = module.probabilities(own, *streams, lengths)
        check(f"torchscript, batch {len(lengths)}", network(*streams, lengths), expected)
        check(f"pth, batch {len(lengths)}", module.probabilities(again, *streams, lengths), expected)
        unread = [stream.clone() for stream in streams]
        for stream in unread:
            stream[torch.arange(9) >= lengths[:, None]] = float("nan")
        check(f"torchscript, batch {len(lengths)}, padding is never read", network(*unread, lengths), expected)
    if predictions:
        check_predicted_sequences(Path(predictions), packed, module, own, network)


def check_predicted_sequences(predictions, packed, module, own, network):
    """What fragua has predicted for sequences that the model sees as the file has them."""
    import numpy

    document = json.loads(predictions.read_text())
    said = module.DESCRIPTION
    assert said["normalise"] == "none" and said["missing"] == "keep" and said["max_frames"] is None
    arrays = numpy.load(packed)
    offsets, names = arrays["offsets"], [str(name) for name in arrays["ids"]]
    rows = {prediction["file"]: prediction for prediction in document["predictions"]}
    assert sorted(rows) == sorted(names) and len(rows) > 1
    lengths = torch.from_numpy(numpy.diff(offsets))
    streams = []
    for name, width in said["streams"].items():
        # Behind the end of a sequence is what nobody may read.
        stream = torch.randn(len(names), int(lengths.max()), width)
        parts = ("left_hand", "right_hand") if name == "hand" and "hand" not in arrays else (name,)
        parts = ("pose",) if name == "body" and "body" not in arrays else parts
        values = numpy.concatenate([arrays[part] for part in parts], 1)
        assert values.shape[1] == width, "the file must have the values of the model"
        for row, (first, last) in enumerate(zip(offsets, offsets[1:])):
            # A point that was not seen is NaN in the file.
            stream[row, : last - first] = torch.from_numpy(values[first:last]).nan_to_num(0)
        streams.append(stream)
    classes = said["classes"]
    expected = torch.zeros(len(names), len(classes))
    for row, name in enumerate(names):
        assert len(rows[name]["top"]) == len(classes), "predict with --top 1000, so that all classes are listed"
        for choice in rows[name]["top"]:
            expected[row, classes.index(choice["class"])] = choice["probability"]
    with torch.no_grad():
        check("predict and torchscript", network(*streams, lengths), expected, PROBABILITY_TOLERANCE)
        zeros = [torch.where((torch.arange(s.shape[1]) < lengths[:, None])[..., None], s, 0) for s in streams]
        check("predict and python", module.probabilities(own, *zeros, lengths), expected, PROBABILITY_TOLERANCE)
        described = predictions.with_name("embeddings.npz")
        if described.exists():
            own_rows = numpy.load(described)
            assert [str(name) for name in own_rows["names"]] == [row["file"] for row in document["predictions"]]
            order = torch.tensor([list(own_rows["names"]).index(name) for name in names])
            found = torch.from_numpy(own_rows["embeddings"])[order]
            check("embeddings", network.embeddings(*streams, lengths), found, PROBABILITY_TOLERANCE)


def check_predictions(document, folder, module, own, network):
    """What fragua has predicted for images that need no scaling."""
    import numpy
    from PIL import Image

    assert document["tta"] == 1 and document["predictions"]
    rows, columns = (module.DESCRIPTION["input"][name] for name in ("rows", "columns"))
    levels = []
    for prediction in document["predictions"]:
        image = Image.open(folder / prediction["file"]).convert("L")
        assert image.size == (columns, rows), "the images must have the size of the model"
        levels.append(numpy.asarray(image, dtype=numpy.float32) / 255)
    values = torch.from_numpy(numpy.stack(levels))[:, None]
    values = 1 - values if module.DESCRIPTION["inverted"] else values
    classes = module.DESCRIPTION["classes"]
    expected = torch.zeros(len(values), len(classes))
    for row, prediction in enumerate(document["predictions"]):
        assert len(prediction["top"]) == len(classes), "predict with --top 1000, so that all classes are listed"
        for choice in prediction["top"]:
            expected[row, classes.index(choice["class"])] = choice["probability"]
    check("predict and python", module.probabilities(own, values), expected, PROBABILITY_TOLERANCE)
    with torch.no_grad():
        check("predict and torchscript", network(values), expected, PROBABILITY_TOLERANCE)


if __name__ == "__main__":
    if len(sys.argv) not in (5, 7):
        sys.exit(__doc__)
    main(*sys.argv[1:])
