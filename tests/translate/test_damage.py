"""Damaged files of other tools: an error with a location, or a network, and nothing else."""

from __future__ import annotations

import contextlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from costcalc.errors import CostcalcError, Source
from costcalc.lang.loader import open_spec

from .test_caffe import DATA
from .test_caffe import layer as caffe_layer
from .test_darknet import NET, convolution
from .test_keras import entry
from .test_keras import layer as keras_layer
from .test_ultralytics import YOLOV5, YOLOV8

KERAS = {
    "class_name": "Sequential",
    "config": {
        "name": "it",
        "layers": [
            entry(8, 8, 3),
            keras_layer("Conv2D", filters=4, kernel_size=[3, 3], strides=[1, 1], padding="same", activation="relu"),
            keras_layer("BatchNormalization"),
            keras_layer("Flatten"),
            keras_layer("Dense", units=10),
        ],
    },
}
FILES = {
    "net.cfg": f"{NET}{convolution(8, 3)}\n[maxpool]\nsize=2\nstride=2\n[route]\nlayers=0\n[connected]\noutput=5\n",
    "net.prototxt": DATA
    + caffe_layer("Convolution", "convolution_param { num_output: 8 kernel_size: 3 stride: 1 pad: 1 }", top="a")
    + caffe_layer("Pooling", "pooling_param { pool: MAX kernel_size: 2 stride: 2 }", "a", "b")
    + caffe_layer("InnerProduct", "inner_product_param { num_output: 4 }", "b", "c"),
    "yolov8.yaml": YOLOV8,
    "yolov5.yaml": YOLOV5.format(depth=0.33, width=0.25),
    "net.keras": json.dumps(KERAS),
}
JUNK = st.one_of(
    st.text(max_size=4), st.sampled_from(["{", "}", "[", "]", "-1", "0", "null", '"', ":", "\n", "1e999", "99999999"])
)


@pytest.mark.parametrize("name", FILES)
def test_the_file_itself_is_read(name):
    assert open_spec(Source(name, FILES[name])).build().layers


@settings(max_examples=150, deadline=None)
@pytest.mark.parametrize("name", FILES)
@given(data=st.data())
def test_damaged(name, data):
    text = FILES[name]
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 12)))
    with contextlib.suppress(CostcalcError):
        open_spec(Source(name, text[:start] + data.draw(JUNK) + text[end:])).build()
