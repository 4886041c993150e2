"""Darknet's configurations, against the figures that darknet prints and papers quote."""

from __future__ import annotations

import pytest

import costcalc
from costcalc.errors import CostcalcError


def load(tmp_path, text, **options):
    path = tmp_path / "net.cfg"
    path.write_text(text, encoding="utf-8")
    return costcalc.load(path, **options)


def convolution(filters, size, stride=1, *, norm=True, act="leaky"):
    lines = ["[convolutional]", f"filters={filters}", f"size={size}", f"stride={stride}", "pad=1", f"activation={act}"]
    return "\n".join([*lines, *(["batch_normalize=1"] if norm else [])])


def yolov3(size, classes):
    """Darknet-53 without its classifier, and three levels (Redmon and Farhadi 2018, arXiv:1804.02767)."""
    parts = [f"[net]\nwidth={size}\nheight={size}\nchannels=3", convolution(32, 3)]
    for blocks, channels in ((1, 64), (2, 128), (8, 256), (8, 512), (4, 1024)):
        parts.append(convolution(channels, 3, 2))
        for _ in range(blocks):
            parts += [convolution(channels // 2, 1), convolution(channels, 3), "[shortcut]\nfrom=-3\nactivation=linear"]
    out = 3 * (classes + 5)
    for level, channels in ((0, 512), (61, 256), (36, 128)):
        if level:
            parts += ["[route]\nlayers = -4", convolution(channels, 1), "[upsample]\nstride=2"]
            parts.append(f"[route]\nlayers = -1, {level}")
        parts += [convolution(channels, 1), convolution(2 * channels, 3)] * 3
        parts += [convolution(out, 1, norm=False, act="linear"), f"[yolo]\nclasses={classes}"]
    return "\n\n".join(parts)


@pytest.mark.parametrize(("size", "classes", "bflops"), [(416, 80, "65.864"), (320, 80, "38.973"), (320, 1, "38.633")])
def test_yolov3(tmp_path, size, classes, bflops):
    """The sum of the BFLOPs that darknet prints, which are two for each multiply-add: published as 65.86 and 38.97."""
    network = load(tmp_path, yolov3(size, classes))
    assert f"{2 * costcalc.analyze(network).totals.macs / 1e9:.3f}" == bflops
    assert [tensor.shape for tensor in network.outputs.values()] == [
        (3 * (classes + 5), size // step, size // step) for step in (32, 16, 8)
    ]


NET = "[net]\nwidth=13\nheight=12\nchannels=4\n"
SHAPES = [
    ("[maxpool]\nsize=2\nstride=2", (4, 6, 7)),  # (12 + 1 - 2) // 2 + 1 and (13 + 1 - 2) // 2 + 1
    ("[maxpool]\nsize=2\nstride=1", (4, 12, 13)),
    ("[maxpool]\nsize=3\nstride=2\npadding=0", (4, 5, 6)),
    ("[convolutional]\nfilters=8\nsize=3\nstride_x=2\nstride_y=1\npad=1\nactivation=linear", (8, 12, 7)),
    ("[convolutional]\nfilters=8\nsize=3\nstride=1\npadding=0\nactivation=linear\ngroups=2", (8, 10, 11)),
    ("[deconvolutional]\nfilters=8\nsize=2\nstride=2\nactivation=relu\nbatch_normalize=1", (8, 24, 26)),
    ("[avgpool]", (4, 1, 1)),
    ("[upsample]\nstride=3", (4, 36, 39)),
    ("[connected]\noutput=5\nactivation=linear", (5,)),
    ("[convolutional]\nsize=1\nfilters=6\nactivation=mish\n[route]\nlayers=-1\ngroups=2\ngroup_id=1", (3, 12, 13)),
    ("[dropout]\nprobability=.5\n[route]\nlayers=0\n[route]\nlayers=-1,-2", (8, 12, 13)),
    ("[avgpool]\n[dropout]\n[batchnorm]\n[scale_channels]\nfrom=-2", (4, 1, 1)),
    ("[dropout]\n[dropout]\n[sam]\nfrom=-2\nactivation=logistic\n[softmax]", (4, 12, 13)),
    ("[maxpool]\nsize=1\nstride=1\n[reorg]\nstride=1", (4, 12, 13)),
]


@pytest.mark.parametrize(("sections", "shape"), SHAPES)
def test_shapes(tmp_path, sections, shape):
    assert load(tmp_path, NET + sections).layers[-1].outputs == (shape,)


def test_params(tmp_path):
    """A norm takes the place of the bias; a connected layer reads all of its input."""
    text = f"{NET}{convolution(8, 3)}\n[connected]\noutput=5\nactivation=relu"
    totals = costcalc.analyze(load(tmp_path, text)).totals
    assert totals.params == 9 * 4 * 8 + 2 * 8 + 8 * 12 * 13 * 5 + 5
    assert totals.buffers == 2 * 8


FAULTS = [
    ("[convolutional]\nfilters=8", 1, "expected [net], the first section of a darknet configuration"),
    (f"{NET}[crnn]", 5, "no counterpart of [crnn]"),
    (f"{NET}[maxpool]\nsize=two", 6, "size: expected an integer, got two"),
    (f"{NET}[shortcut]\nfrom=-3", 6, "from: no layer -3 before layer 0"),
    (f"{NET}[dropout]\n[shortcut]", 6, "[shortcut] needs from, the numbers of layers"),
    (f"{NET}[convolutional]\nactivation=what", 6, "no counterpart of activation=what"),
    (f"{NET}maxpool", 5, "expected [section] or key=value, got maxpool"),
    (f"{NET}[convolutional]\nfilters=8\nsize=99\nactivation=relu", 5, "conv_0"),
]


@pytest.mark.parametrize(("text", "line", "message"), FAULTS)
def test_faults_have_the_line_of_the_file(tmp_path, text, line, message):
    with pytest.raises(CostcalcError) as caught:
        load(tmp_path, text)
    (fault,) = caught.value.faults
    assert fault.span.line == line
    assert message in fault.message or any(message in note for note in fault.notes)


def test_rows_have_the_line_of_the_file(tmp_path):
    lines = [row.line for row in costcalc.analyze(load(tmp_path, f"{NET}\n[dropout]\n\n[avgpool]")).layers]
    assert lines == [6, 8]


def test_sizes_of_the_input_may_be_given(tmp_path):
    assert load(tmp_path, f"{NET}[avgpool]", inputs={"input": (3, 64, 64)}).layers[0].outputs == ((3, 1, 1),)
