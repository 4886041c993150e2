"""Arguments of the functions of the package."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.errors import UsageError
from costcalc.strategies import Convolution

CALLS = {
    "analyze": lambda batch: costcalc.analyze("lenet5", batch=batch),
    "explain": lambda batch: costcalc.explain("lenet5", batch=batch),
    "compare": lambda batch: costcalc.compare("lenet5", batch=batch),
    "compare a convolution": lambda batch: costcalc.compare(
        Convolution(channels=3, size=(6, 6), out=5, kernel=(3, 3)), batch=batch
    ),
    "sweep": lambda batch: costcalc.sweep("lenet5", classes=[10], batch=batch),
}


@pytest.mark.parametrize(
    ("batch", "message"),
    [
        (-3, "batch: expected an integer of at least 1, got -3"),
        (0, "batch: expected an integer of at least 1, got 0"),
        (1.5, "batch: expected an integer, got 1.5"),
        (True, "batch: expected an integer, got true"),
        ("2", "batch: expected an integer, got 2"),
        (None, "batch: expected an integer, got nothing"),
    ],
)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_batch_is_checked(call, batch, message):
    with pytest.raises(UsageError) as caught:
        call(batch)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"input": [1, 32.5, 32]}, "input: expected an integer, got 32.5"),
        ({"input": [True, 32, 32]}, "input: expected an integer, got true"),
        ({"input": ["1", 32, 32]}, "input: expected an integer, got 1"),
        ({"input": [1, 0, 32]}, "input: expected an integer of at least 1, got 0"),
        ({"input": []}, "input: expected a list of 1 to 8 values, got 0"),
        ({"input": [1] * 9}, "input: expected a list of 1 to 8 values, got 9"),
        ({"input": 32}, "input: expected a list of sizes, got 32"),
        ({"input": "1x32x32"}, "input: expected a list of sizes, got 1x32x32"),
        ({"image": [1, 32, 32]}, "unknown input image of lenet5"),
        ([1, 32, 32], "expected a mapping of input names to shapes, got [1, 32, 32]"),
    ],
)
def test_shapes_of_inputs_are_checked(inputs, message):
    for call in (costcalc.load, lambda *spec, **options: costcalc.sweep(*spec, classes=[10], **options)):
        with pytest.raises(UsageError) as caught:
            call("lenet5", inputs=inputs)
        assert str(caught.value) == message


def test_param_with_the_name_of_the_first_argument():
    text = "input: [3]\nparams: {source: 3, text: 1, network: 2, subject: 1, spec: 1}\nlayers: [linear: source]\n"
    network = costcalc.loads(text, source=4, text=2, network=5, subject=2, spec=2)
    assert network.layers[0].outputs == ((4,),)


def test_param_named_source(tmp_path):
    path = tmp_path / "net.yaml"
    path.write_text("input: [3]\nparams: {source: 3, network: 2}\nlayers: [linear: source]\n")
    assert costcalc.load(path, source=4).layers[0].outputs == ((4,),)
    assert costcalc.analyze(path, source=4, network=1).totals.params == 3 * 4 + 4
    assert costcalc.explain(path, source=4, network=1).analysis.totals.params == 3 * 4 + 4
    assert costcalc.sweep(path, source=[4], network=[1]).params.tolist() == [[3 * 4 + 4]]


def test_numpy_numbers():
    import numpy as np

    text = "input: [3, 8, 8]\nparams: {a: 3, b: 1.5, c: [1, 2]}\nlayers: [conv: {out: 'int(a * b)', kernel: 'c[1]'}]\n"
    network = costcalc.loads(
        text, a=np.int64(4), b=np.float32(2.5), c=[np.int32(1), np.uint8(3)], inputs={"input": [3, np.int64(5), 5]}
    )
    assert network.layers[0].outputs == ((10, 3, 3),)
    assert network.params == {"a": 4, "b": 2.5, "c": (1, 3)}
    assert {type(value) for value in network.params.values()} == {int, float, tuple}
    macs = costcalc.analyze(network, batch=np.int64(3)).totals.macs
    assert (macs, type(macs)) == (3 * 10 * 3 * 3 * 3 * 3 * 3, int)
    with pytest.raises(UsageError, match="a: expected a number"):
        costcalc.loads(text, a=1j)
    with pytest.raises(UsageError, match="batch: expected an integer"):
        costcalc.analyze(network, batch=np.float32(2))
