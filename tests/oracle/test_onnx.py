"""ONNX models against the `onnx` package, and exports of PyTorch against PyTorch's own counter."""

from __future__ import annotations

import logging
import warnings
from math import prod

import pytest

torch = pytest.importorskip("torch")
onnx = pytest.importorskip("onnx")

import numpy as np  # noqa: E402
from onnx import numpy_helper  # noqa: E402

import costcalc  # noqa: E402
from costcalc.onnx import wire  # noqa: E402
from costcalc.onnx.run import FileError, Run  # noqa: E402
from costcalc.onnx.values import Value, stored  # noqa: E402

from .test_pytorch import MODELS, recorded  # noqa: E402

pytestmark = [pytest.mark.oracle, pytest.mark.filterwarnings("ignore")]

STYLES = {
    "script": {"dynamo": False},
    "open batch": {"dynamo": False, "dynamic_axes": {"x": {0: "batch"}}, "input_names": ["x"]},
    "old": {"dynamo": False, "opset_version": 9},
    "dynamo": {"dynamo": True},
}
NOT_EXPORTED = {("fused attention", "old"), ("multihead", "old"), ("classifier", "old"), ("sequence first", "old")} | {
    (name, style) for name in ("multihead", "sequence first") for style in ("script", "open batch")
}
"""What the exporters of PyTorch 2.13 refuse: fused attention in opset 9, a traced `is_causal`."""


@pytest.mark.parametrize("style", STYLES)
@pytest.mark.parametrize("name", [name for name in MODELS if name != "norms"])
def test_exports_have_the_multiply_adds_of_pytorch(tmp_path, name, style):
    if style == "dynamo":
        pytest.importorskip("onnxscript")
    if (name, style) in NOT_EXPORTED:
        pytest.skip("the exporter refuses it")
    make, inputs = MODELS[name]
    _, _, flops, _ = recorded(make, inputs)
    path = tmp_path / "net.onnx"
    torch.manual_seed(0)
    model = make().eval()
    for parameter in model.parameters():  # an exporter stores equal tensors once
        torch.nn.init.normal_(parameter)
    logging.disable(logging.CRITICAL)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(model, (torch.zeros(inputs["input"]),), str(path), verbose=False, **STYLES[style])
    logging.disable(logging.NOTSET)
    network = costcalc.load(path)
    totals = costcalc.analyze(network).totals
    assert 2 * totals.macs == flops
    assert network.uncounted == ()
    assert totals.params == stored_numbers(path)


def stored_numbers(path):
    """The elements of the float tensors of more than one element that a node reads, without statistics of a norm."""
    graph = onnx.load(str(path), load_external_data=False).graph
    sizes = {"Resize": 1, "Upsample": 1}  # the inputs from here on are no weights
    read = {name for node in graph.node for name in node.input[: sizes.get(node.op_type)]}
    statistics = {name for node in graph.node if node.op_type == "BatchNormalization" for name in node.input[3:5]}
    tensors = [(tensor.name, tensor) for tensor in graph.initializer]
    for node in graph.node:
        if node.op_type == "Constant":
            tensors += [(node.output[0], attribute.t) for attribute in node.attribute if attribute.name == "value"]
    return sum(
        prod(tensor.dims)
        for name, tensor in tensors
        if tensor.data_type == onnx.TensorProto.FLOAT and prod(tensor.dims) > 1 and name in read - statistics
    )


class Given(Run):
    """A run with the inputs of a test case."""

    def __init__(self, model, buffer, values):
        self.values = values
        super().__init__(model, buffer, {}, {})

    def input(self, value):
        return self.values[value.name]


def cases():
    from onnx.backend.test.case.node import collect_testcases

    for case in collect_testcases(None):
        given, outputs = case.data_sets[0] if case.data_sets else ([], [])
        tensors = all(each.type.HasField("tensor_type") for each in (*case.model.graph.input, *case.model.graph.output))
        if given and outputs and tensors:
            yield case, given, outputs


def as_tensor(given):
    return given if isinstance(given, onnx.TensorProto) else numpy_helper.from_array(np.asarray(given))


def test_shapes_of_the_node_cases_of_onnx():
    """No shape is wrong. What has no rule, or a shape that depends on data, is said to be so.

    No rule: operators of traditional machine learning, of training, of strings, and Fourier transforms.
    """
    right, refused, wrong = 0, [], []
    for case, given, outputs in cases():
        buffer = case.model.SerializeToString()
        values = {}
        for declared, each in zip(case.model.graph.input, given, strict=False):
            raw = as_tensor(each).SerializeToString()
            value = stored(wire.Reader(raw).message(0, len(raw), "Tensor"), raw)
            values[declared.name] = Value(
                value.shape, declared.type.tensor_type.elem_type, value.data, name=declared.name
            )
        model = wire.loads(buffer)
        try:
            run = Given(model, buffer, values)
        except FileError:
            refused.append(case.name)
            continue
        if not all(row.counted for row in run.rows):
            refused.append(case.name)
            continue
        for found, expected in zip(run.outputs, outputs, strict=True):
            shape = tuple(as_tensor(expected).dims)
            if found.shape is None:
                refused.append(case.name)
            elif found.shape != shape:
                wrong.append((case.name, found.shape, shape))
            else:
                right += 1
    assert wrong == []
    assert right > 1900
    assert len(refused) < 160, refused
