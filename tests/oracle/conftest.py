from __future__ import annotations

import sys
from importlib import import_module
from importlib.util import find_spec

import pytest


@pytest.fixture(scope="session", autouse=True)
def torchvision_models():
    """The module `torchvision.models`, or None. Tools import it, too.

    Beside PyTorch for CPU, an index may have torchvision for CUDA only. It cannot load its operators then, of which
    classifiers use none, and ends its import where it describes two of them. They are declared before a second one.
    """
    if not find_spec("torch") or not find_spec("torchvision"):
        return None
    import torch

    torch.set_num_threads(1)  # the tests run in as many processes as there are cores
    try:
        return import_module("torchvision.models")
    except RuntimeError as error:
        if "torchvision::nms does not exist" not in str(error):
            raise
    for name in [name for name in sys.modules if name.partition(".")[0] == "torchvision"]:
        del sys.modules[name]
    for name in ("nms", "qnms"):
        torch.library.define(f"torchvision::{name}", "(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
    return import_module("torchvision.models")


@pytest.fixture
def classifiers(torchvision_models):
    """The module `torchvision.models`; a test is skipped where it is not installed."""
    return torchvision_models or pytest.skip("torchvision is not installed")
