"""Archives of Keras 3, with the parameters that Keras prints for them."""

from __future__ import annotations

import json
import zipfile

import pytest

import costcalc
from costcalc.errors import CostcalcError


def save(path, config):
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("metadata.json", "{}")
        archive.writestr("config.json", json.dumps(config))
        archive.writestr("model.weights.h5", b"\0" * 1000)
    return path


def layer(kind, /, *sources, name="", **config):
    name = name or kind.lower()
    tensors = [
        {"class_name": "__keras_tensor__", "config": {"shape": [], "keras_history": [source, 0, 0]}}
        for source in sources
    ]
    nodes = [{"args": [tensors if len(tensors) > 1 else tensors[0]], "kwargs": {}}] if tensors else []
    return {"class_name": kind, "config": {"name": name, **config}, "name": name, "inbound_nodes": nodes}


def entry(*shape):
    return layer("InputLayer", name="in", batch_shape=[None, *shape])


def load(tmp_path, layers, outputs=None):
    if outputs is None:
        config = {"class_name": "Sequential", "config": {"name": "it", "layers": layers}}
    else:
        ends = [[name, 0, 0] for name in outputs]
        config = {"class_name": "Functional", "config": {"name": "it", "layers": layers, "output_layers": ends}}
    return costcalc.load(save(tmp_path / "net.keras", config))


def test_the_convnet_of_the_documentation(tmp_path):
    """https://keras.io/examples/vision/mnist_convnet: 34,826 parameters."""
    network = load(
        tmp_path,
        [
            entry(28, 28, 1),
            layer(
                "Conv2D",
                name="conv2d",
                filters=32,
                kernel_size=[3, 3],
                strides=[1, 1],
                padding="valid",
                activation="relu",
            ),
            layer("MaxPooling2D", name="pool", pool_size=[2, 2], strides=[2, 2], padding="valid"),
            layer(
                "Conv2D",
                name="conv2d_1",
                filters=64,
                kernel_size=[3, 3],
                strides=[1, 1],
                padding="valid",
                activation="relu",
            ),
            layer("MaxPooling2D", name="pool_1", pool_size=[2, 2], strides=[2, 2], padding="valid"),
            layer("Flatten"),
            layer("Dropout", rate=0.5),
            layer("Dense", units=10, activation="softmax"),
        ],
    )
    totals = costcalc.analyze(network).totals
    assert totals.params == 34_826
    assert totals.macs == 26 * 26 * 9 * 32 + 11 * 11 * 9 * 32 * 64 + 1600 * 10
    assert network.layers[-1].outputs == ((10,),)


IMAGE, TOKENS = (8, 9, 4), (6, 16)
ONE = [
    # input, layer, output in the order of a spec, parameters that Keras has, learned
    (IMAGE, layer("Conv2D", filters=5, kernel_size=[3, 2], strides=[2, 1], padding="same", use_bias=False),
     (5, 4, 9), 6 * 4 * 5),
    (IMAGE, layer("DepthwiseConv2D", kernel_size=[3, 3], strides=[1, 1], depth_multiplier=2), (8, 6, 7), 9 * 8 + 8),
    (IMAGE, layer("SeparableConv2D", filters=5, kernel_size=[3, 3], strides=[1, 1], padding="same"),
     (5, 8, 9), 36 + 20 + 5),
    (IMAGE, layer("Conv2DTranspose", filters=5, kernel_size=[3, 3], strides=[2, 2], padding="same"),
     (5, 16, 18), 180 + 5),
    (IMAGE, layer("Dense", units=7), (7, 8, 9), 4 * 7 + 7),
    (IMAGE, layer("BatchNormalization"), (4, 8, 9), 8),
    (IMAGE, layer("BatchNormalization", center=False), (4, 8, 9), 4),
    (IMAGE, layer("BatchNormalization", scale=False), (4, 8, 9), 4),
    (IMAGE, layer("LayerNormalization"), (4, 8, 9), 8),
    (IMAGE, layer("PReLU", shared_axes=[1, 2]), (4, 8, 9), 4),
    (IMAGE, layer("AveragePooling2D", pool_size=[2, 2], strides=None, padding="same"), (4, 4, 5), 0),
    (IMAGE, layer("GlobalAveragePooling2D"), (4,), 0),
    (IMAGE, layer("GlobalMaxPooling2D", keepdims=True), (4, 1, 1), 0),
    (IMAGE, layer("ZeroPadding2D", padding=[[0, 1], [2, 3]]), (4, 9, 14), 0),
    (IMAGE, layer("Cropping2D", cropping=[[1, 0], [2, 3]]), (4, 7, 4), 0),
    (IMAGE, layer("UpSampling2D", size=[2, 3], interpolation="nearest"), (4, 16, 27), 0),
    (IMAGE, layer("Reshape", target_shape=[72, 4]), (72, 4), 0),
    (IMAGE, layer("Rescaling", scale=1 / 255, offset=-1), (4, 8, 9), 0),
    (IMAGE, layer("ReLU", max_value=6.0), (4, 8, 9), 0),
    (TOKENS, layer("Dense", units=7), (6, 7), 16 * 7 + 7),
    (TOKENS, layer("Conv1D", filters=5, kernel_size=[3], strides=[1], padding="same"), (6, 5), 3 * 16 * 5 + 5),
    (TOKENS, layer("LSTM", units=128), (128,), 4 * 128 * (16 + 128 + 1)),
    (TOKENS, layer("GRU", units=10, return_sequences=True), (6, 10), 3 * 10 * (16 + 10 + 2)),
    (TOKENS, layer("GRU", units=10, reset_after=False), (10,), 3 * 10 * (16 + 10 + 1)),
    (TOKENS, layer("SimpleRNN", units=10, return_sequences=True), (6, 10), 10 * (16 + 10 + 1)),
    (TOKENS, layer("BatchNormalization"), (6, 16), 32),
    (TOKENS, layer("GlobalAveragePooling1D"), (16,), 0),
    ((6,), layer("Embedding", input_dim=50, output_dim=8), (6, 8), 400),
]  # fmt: skip


@pytest.mark.parametrize(
    ("shape", "made", "output", "params"), ONE, ids=[f"{n}-{each[1]['name']}" for n, each in enumerate(ONE)]
)
def test_layers(tmp_path, shape, made, output, params):
    network = load(tmp_path, [entry(*shape), made])
    assert network.layers[-1].outputs == (output,)
    assert costcalc.analyze(network).totals.params == params


def test_a_functional_model(tmp_path):
    """A residual with a gate, and two outputs."""
    layers = [
        entry(8, 8, 4),
        layer("Conv2D", "in", name="a", filters=4, kernel_size=[3, 3], strides=[1, 1], padding="same"),
        layer("GlobalAveragePooling2D", "a", name="pool", keepdims=True),
        layer("Dense", "pool", name="gate", units=4, activation="sigmoid"),
        layer("Multiply", "a", "gate", name="scaled"),
        layer("Add", "scaled", "in", name="sum"),
        layer("Concatenate", "sum", "a", name="joined", axis=-1),
        layer("Flatten", "joined", name="flat"),
    ]
    network = load(tmp_path, layers, ["flat", "gate"])
    assert {name: tensor.shape for name, tensor in network.outputs.items()} == {
        "flat": (512,),
        "gate_sigmoid": (4, 1, 1),
    } or ([tensor.shape for tensor in network.outputs.values()] == [(512,), (4, 1, 1)])
    assert costcalc.analyze(network).totals.params == 9 * 4 * 4 + 4 + 4 * 4 + 4


FAULTS = [
    ([entry(None, None, 3), layer("Flatten")], "the input in has an open size"),
    ([entry(4), layer("Lambda")], "no counterpart of layer lambda of class Lambda"),
    (
        [entry(4), layer("Dense", units=3, activation="exotic")],
        "no counterpart of the activation of layer dense: exotic",
    ),
    ([layer("Dense", units=3)], "the model has no InputLayer"),
    ([entry(4), layer("Dense")], "config.json is malformed: KeyError: 'units'"),
]


@pytest.mark.parametrize(("layers", "message"), FAULTS)
def test_faults(tmp_path, layers, message):
    with pytest.raises(CostcalcError) as caught:
        load(tmp_path, layers)
    assert message in caught.value.faults[0].message


@pytest.mark.parametrize("data", [b"", b"PK\x03\x04junk", b"not a zip"])
def test_what_is_no_archive(tmp_path, data):
    path = tmp_path / "net.keras"
    path.write_bytes(data)
    with pytest.raises(CostcalcError, match="not an archive of Keras 3"):
        costcalc.load(path)


def test_a_large_configuration_is_refused(tmp_path):
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("config.json", " " * (17 * 2**20))
    with pytest.raises(CostcalcError, match="larger than 16 MiB"):
        costcalc.load(path)


def test_deep_nesting_is_refused(tmp_path):
    path = tmp_path / "net.keras"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("config.json", "[" * 100_000)
    with pytest.raises(CostcalcError):
        costcalc.load(path)
