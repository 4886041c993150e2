"""The built-in blocks, written in the spec language."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_TEXTS = {
    "depthwise_separable": """\
# A depthwise convolution, then a 1x1 convolution (Howard et al. 2017, arXiv:1704.04861).
depthwise_separable(out, kernel=3, stride=1, act=relu):
  - depthwise_conv: {kernel: kernel, stride: stride, padding: kernel // 2, bias: false, norm: batchnorm, act: act}
  - conv: {out: out, kernel: 1, stride: 1, padding: 0, bias: false, norm: batchnorm, act: act}
""",
    "squeeze_excite": """\
# Channels multiplied by factors that are computed from the whole image (Hu et al. 2017, arXiv:1709.01507).
squeeze_excite(channels=max(1, block_channels // 4), act=relu, gate=sigmoid):
  - mul:
      features: []
      gate:
        - global_avgpool
        - conv: {out: channels, kernel: 1, stride: 1, padding: 0, groups: 1, bias: true, norm: none, act: act}
        - conv: {out: block_channels, kernel: 1, stride: 1, padding: 0, groups: 1, bias: true, norm: none, act: gate}
""",
    "inverted_residual": """\
# A 1x1 expansion, a depthwise convolution and a linear 1x1 projection (Sandler et al. 2018, arXiv:1801.04381).
inverted_residual(expand, out, kernel=3, stride=1, act=relu6):
  - residual:
      - conv: {out: expand * in_channels, kernel: 1, stride: 1, padding: 0, bias: false, norm: batchnorm, act: act}
        if: expand != 1
      - depthwise_conv: {kernel: kernel, stride: stride, padding: kernel // 2, bias: false, norm: batchnorm, act: act}
      - conv: {out: out, kernel: 1, stride: 1, padding: 0, bias: false, norm: batchnorm, act: none}
    skip: stride == 1 and in_channels == out
""",
    "mbconv": """\
# An inverted residual with a squeeze-and-excite of channels / squeeze, none for 0 (Tan and Le 2019, arXiv:1905.11946).
mbconv(expand, out, kernel=3, stride=1, squeeze=4, act=silu, norm=batchnorm):
  - residual:
      - conv: {out: expand * in_channels, kernel: 1, stride: 1, padding: 0, bias: false, norm: norm, act: act}
        if: expand != 1
      - depthwise_conv: {kernel: kernel, stride: stride, padding: kernel // 2, bias: false, norm: norm, act: act}
      - squeeze_excite: {channels: "max(1, block_channels // squeeze)", act: act}
        if: squeeze > 0
      - conv: {out: out, kernel: 1, stride: 1, padding: 0, bias: false, norm: norm, act: none}
    skip: stride == 1 and in_channels == out
""",
    "fused_mbconv": """\
# A full convolution in place of the expansion and the depthwise one (Tan and Le 2021, arXiv:2104.00298).
fused_mbconv(expand, out, kernel=3, stride=1, act=silu, norm=batchnorm):
  - residual:
      - conv: {out: expand * in_channels, kernel: kernel, stride: stride, padding: kernel // 2, bias: false,
               norm: norm, act: act}
        if: expand != 1
      - conv: {out: out, kernel: 1, stride: 1, padding: 0, bias: false, norm: norm, act: none}
        if: expand != 1
        else:
          - conv: {out: out, kernel: kernel, stride: stride, padding: kernel // 2, bias: false, norm: norm, act: act}
    skip: stride == 1 and in_channels == out
""",
    "c2f": """\
# A 1x1 convolution whose second half passes through bottlenecks; all parts are joined (Ultralytics YOLOv8, 2023).
c2f(out, bottlenecks=1, skip=true, act=silu, norm=batchnorm):
  - conv: {out: out // 2 * 2, kernel: 1, stride: 1, padding: 0, bias: false, norm: norm, act: act}
  - split: {parts: 2}
    name: halves
  - residual:
      - conv: {out: out // 2, kernel: 3, stride: 1, padding: 1, bias: false, norm: norm, act: act}
      - conv: {out: out // 2, kernel: 3, stride: 1, padding: 1, bias: false, norm: norm, act: act}
    skip: skip
    from: halves.1
    repeat: bottlenecks
    name: bottleneck
  - concat:
    from: [halves, bottleneck.*]
  - conv: {out: out, kernel: 1, stride: 1, padding: 0, bias: false, norm: norm, act: act}
""",
    "mlp": """\
# Two linear layers with an activation between them (Vaswani et al. 2017, arXiv:1706.03762, section 3.3).
mlp(hidden, act=gelu, bias=none):
  - linear: {out: hidden, bias: bias, norm: none, act: act}
  - linear: {out: block_features, bias: bias, norm: none, act: none}
""",
    "swiglu": """\
# A gated feed-forward layer of three matrices (Shazeer 2020, arXiv:2002.05202).
swiglu(hidden, act=silu, bias=false):
  - mul:
      gate: [linear: {out: hidden, bias: bias, norm: none, act: act}]
      up: [linear: {out: hidden, bias: bias, norm: none, act: none}]
  - linear: {out: block_features, bias: bias, norm: none, act: none}
""",
    "transformer_encoder": """\
# A pre-norm encoder layer, as in ViT (Dosovitskiy et al. 2020, arXiv:2010.11929).
transformer_encoder(heads, hidden, act=gelu, bias=none, norm=layernorm):
  - residual: [norm, attention: {heads: heads, bias: bias}]
  - residual: [norm, mlp: {hidden: hidden, act: act, bias: bias}]
""",
    "transformer_decoder": """\
# A pre-norm decoder layer: attention to earlier tokens, then to the memory (Vaswani et al. 2017, arXiv:1706.03762).
transformer_decoder(x, memory; heads, hidden, act=gelu, bias=none, norm=layernorm, causal=true):
  - residual: [norm, attention: {heads: heads, bias: bias, causal: causal}]
    from: x
  - residual:
      - norm
      - attention: {heads: heads, bias: bias}
        from: [prev, memory]
  - residual: [norm, mlp: {hidden: hidden, act: act, bias: bias}]
""",
}


def builtin() -> Mapping[str, str]:
    """Return the text of each built-in block, by name."""
    return _TEXTS
