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
    "mlp": """\
# Two linear layers with an activation between them (Vaswani et al. 2017, arXiv:1706.03762, section 3.3).
mlp(hidden, act=gelu, bias=true):
  - linear: {out: hidden, bias: bias, norm: none, act: act}
  - linear: {out: block_features, bias: bias, norm: none, act: none}
""",
    "transformer_encoder": """\
# A pre-norm encoder layer, as in ViT (Dosovitskiy et al. 2020, arXiv:2010.11929).
transformer_encoder(heads, hidden, act=gelu):
  - residual: [layernorm, attention: {heads: heads}]
  - residual: [layernorm, mlp: {hidden: hidden, act: act}]
""",
}


def builtin() -> Mapping[str, str]:
    """Return the text of each built-in block, by name."""
    return _TEXTS
