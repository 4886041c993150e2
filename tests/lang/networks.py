"""Hypothesis strategies for valid specs, as plain values for YAML."""

from __future__ import annotations

from typing import Any

import yaml
from hypothesis import strategies as st

BLOCKS: dict[str, Any] = {
    "unit(mid, act=relu)": [
        {
            "residual": [
                {"linear": {"out": "mid", "act": "act"}},
                {"linear": "in_shape[-1] if mid < 0 else block_features"},
            ]
        }
    ],
    "widen(k=2)": [{"linear": "k * in_features"}, "squeeze"],
    "squeeze": [{"linear": {"out": "max(1, in_features // 3)", "norm": "layernorm"}}],
    "conv_unit(out, kernel=3, stride=1)": [
        {"conv": {"out": "out", "kernel": "kernel", "stride": "stride", "padding": "same"}, "if": "len(in_shape) > 1"},
        {"linear": {"out": "out"}, "if": "len(in_shape) == 1"},
    ],
}
"""Items that are valid for an input of any shape."""

PARAMS = {"width": 4, "deep": [1, 2, 0], "a": "gelu", "double": "2 * width"}

ACTS = ["relu", "gelu", "silu", "a", "tanh if in_channels > 3 else relu", "hardswish", "prelu"]
small = st.integers(1, 5)
size = st.one_of(
    small, st.sampled_from(["width", "in_features", "double - 1", "max(in_channels, 2)", "in_shape[0] + 1"])
)

keeping = st.one_of(
    st.sampled_from(
        [*ACTS[:3], "identity", "dropout", "batchnorm", {"dropout": 0.1}, {"layernorm": {"axes": "all"}}, "softmax"]
    ),
    st.sampled_from(ACTS[:3]).map(lambda act: {"linear": {"out": "in_features", "act": act}}),
    small.map(lambda mid: {"unit": mid}),
    st.just({"add": [["relu"], []]}),
    st.just({"mul": {"gate": [{"linear": "in_features", "note": "as wide"}, "sigmoid"], "features": []}, "name": None}),
    st.just({"residual": ["layernorm", {"linear": {"out": "in_features"}}], "skip": "in_channels > 2"}),
    st.just({"group": [{"linear": "in_features", "name": "own"}, "relu", {"linear": "in_features", "share": "own"}]}),
    st.just({"group": [{"relu": None, "name": "here"}, "gelu", {"add": None, "from": ["prev", "here"]}]}),
    st.just({"group": [{"concat": [[], []]}, {"split": 2}, "add"]}),
    st.just({"group": [{"unit": 3, "repeat": 2, "name": "u"}, {"unit": 3, "repeat": 2, "share": "u"}]}),
    st.just({"group": [{"let": {"c": "in_features"}}, {"linear": "c + 1"}, {"linear": "c"}]}),
    st.just({"group": [{"relu": None, "repeat": 2}, {"mul": None, "from": ["relu.0", "relu", "prev"]}], "if": "false"}),
)
"""Items that keep the shape."""

changing = st.one_of(
    size.map(lambda out: {"linear": out}),
    st.builds(lambda out, act: {"linear": {"out": out, "bias": False, "act": act}}, size, st.sampled_from(ACTS)),
    st.builds(lambda out, stride: {"conv_unit": {"out": out, "stride": stride}}, size, st.integers(1, 2)),
    small.map(lambda k: {"widen": k}),
    st.just("squeeze"),
    st.just("flatten"),
    st.just({"unit": "width"}),
)


def repeated(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return items with modifiers."""
    beside = st.fixed_dictionaries(
        {},
        optional={
            "repeat": st.sampled_from([0, 1, 2, "width - 3"]),
            "for": st.sampled_from([{"w": [1, 2]}, {"w": "deep"}, [["w", "v"], [1, "relu"], ["width", "a"]]]),
            "if": st.sampled_from([True, "width > 3", "in_channels != 2"]),
        },
    )
    return st.builds(with_modifiers, items, beside)


def with_modifiers(item: Any, beside: dict[str, Any]) -> Any:
    if not beside or (isinstance(item, dict) and "let" in item):
        return item
    return {**(item if isinstance(item, dict) else {item: None}), **beside}


def structures(items: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Return structures with lists of items."""
    lists = st.lists(items, max_size=3)
    keeping_lists = st.lists(keeping, max_size=2)
    return repeated(
        st.one_of(
            lists.map(lambda body: {"group": body}),
            keeping_lists.map(lambda body: {"residual": body}),
            st.builds(lambda body, other: {"residual": body, "shortcut": other}, keeping_lists, keeping_lists),
            st.builds(lambda left, right: {"concat": [left, right]}, keeping_lists, keeping_lists),
            st.builds(
                lambda left, right: {"add": {"left": left, "right": right}, "name": None}, keeping_lists, keeping_lists
            ),
        )
    )


layers = st.recursive(repeated(st.one_of(keeping, changing)), structures, max_leaves=12)
inputs = st.lists(st.integers(1, 6), min_size=1, max_size=4)


def _named(items: list[Any], prefix: str = "n") -> list[Any]:
    """Return the items with a unique name for each structure that needs one."""
    result = []
    for number, item in enumerate(items):
        if isinstance(item, dict):
            item = {
                key: f"{prefix}{number}" if key == "name" and value is None else _inside(value, f"{prefix}{number}_")
                for key, value in item.items()
            }
        result.append(item)
    return result


def _inside(value: Any, prefix: str) -> Any:
    if isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        return _named(value, prefix)
    if isinstance(value, list) and any(isinstance(entry, list) for entry in value):
        return [_inside(entry, f"{prefix}{number}_") for number, entry in enumerate(value)]
    if isinstance(value, dict):
        return {key: _inside(entry, f"{prefix}{key}_") for key, entry in value.items()}
    return value


def _spec(input: list[int], items: list[Any], defaults: bool) -> dict[str, Any]:
    spec: dict[str, Any] = {
        "name": "drawn",
        "params": PARAMS,
        "input": input,
        "blocks": BLOCKS,
        "layers": _named(items),
    }
    if defaults:
        spec["defaults"] = {"linear": {"act": "a"}, "conv": {"norm": "batchnorm"}, "squeeze": {}}
    return spec


specs = st.builds(_spec, inputs, st.lists(layers, min_size=1, max_size=6), st.booleans())
"""Valid specs."""


def text(spec: dict[str, Any]) -> str:
    """Return the spec as YAML."""
    return yaml.safe_dump(spec, sort_keys=False, default_flow_style=None, width=1000)
