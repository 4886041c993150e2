"""Networks that needed a construct of the language, at their published parameters."""

from __future__ import annotations

import costcalc

SWIN = """
input: [3, 224, 224]
defaults: {linear: {bias: true}}
blocks:
  windows(size, channels, shift=0):
    - {roll: {shift: -shift, axis: [0, 1]}, if: shift > 0}
    - reshape: [size // 7, 7, size // 7, 7, channels]
    - permute: [0, 2, 1, 3, 4]
    - reshape: [size * size // 49, 49, channels]
    - attention: {heads: channels // 32, bias_table: 169}
    - reshape: [size // 7, size // 7, 7, 7, channels]
    - permute: [0, 2, 1, 3, 4]
    - reshape: [size, size, channels]
    - {roll: {shift: shift, axis: [0, 1]}, if: shift > 0}
  layer(size, channels, shift=0):
    - residual: [layernorm, windows: {size: size, channels: channels, shift: shift}]
    - residual: [layernorm, mlp: 4 * channels]
  merge(size, channels):
    - reshape: [size, 2, size, 2, channels // 2]
    - permute: [0, 2, 1, 3, 4]
    - reshape: [size, size, 2 * channels]
    - layernorm
    - linear: {out: channels, bias: false}
layers:
  - conv: {out: 96, kernel: 4, stride: 4}
  - permute: [1, 2, 0]
  - layernorm
  - group:
      - {merge: {size: size, channels: c}, if: c > 96}
      - {layer: {size: size, channels: c, shift: 3 * (i % 2) if size > 7 else 0}, repeat: n}
    for: {size: [56, 28, 14, 7], c: [96, 192, 384, 768], n: [2, 2, 6, 2]}
  - layernorm
  - mean: [0, 1]
  - linear: 1000
"""


def test_swin_t():
    """Liu et al. 2021, arXiv:2103.14030; parameters and, by PyTorch's counter, work of torchvision's swin_t."""
    totals = costcalc.analyze(costcalc.loads(SWIN)).totals
    assert totals.params == 28_288_354
    assert totals.macs == 4_490_566_656


ALBERT = """
input: {ids: [128], segments: [128]}
layers:
  - {embedding: {vocab: 30000, dim: 128}, from: ids, name: words}
  - {embedding: {vocab: 2, dim: 128}, from: segments, name: types}
  - {add: {}, from: [words, types]}
  - parameter: {shape: [512, 128], take: 128}
  - layernorm
  - linear: 768
  - group:
      - residual: [attention: {heads: 12}]
      - layernorm
      - residual: [mlp: 3072]
      - layernorm
    repeat: 12
    tied: true
  - slice: {axis: 0, stop: 1}
  - linear: {out: 768, act: tanh}
"""


def test_albert_base():
    """Lan et al. 2019, arXiv:1909.11942; the parameters of albert-base-v2 in Hugging Face's AlbertModel.

    Positions: 512 rows of which 128 are added. The twelve layers share their weights, and work twelve times.
    """
    totals = costcalc.analyze(costcalc.loads(ALBERT)).totals
    layer = 4 * (768 * 768 + 768) + 2 * 2 * 768 + 768 * 3072 + 3072 + 3072 * 768 + 768
    ends = 30000 * 128 + 512 * 128 + 2 * 128 + 2 * 128 + 128 * 768 + 768 + 768 * 768 + 768
    assert totals.params == ends + layer == 11_683_584
    work = 128 * (4 * 768 * 768 + 2 * 768 * 3072) + 2 * 128 * 128 * 768
    assert totals.macs == 12 * work + 128 * 128 * 768 + 768 * 768


T5 = """
input: {source: [64], target: [32]}
defaults: {linear: {bias: false}, attention: {bias: false}}
blocks:
  encoder(table=0):
    - residual: [rmsnorm, attention: {heads: 8, bias_table: table}]
    - residual: [rmsnorm, mlp: {hidden: 2048, act: relu}]
  decoder(x, memory; table=0):
    - residual: [rmsnorm, attention: {heads: 8, bias_table: table, causal: true}]
      from: x
    - residual:
        - rmsnorm
        - {attention: {heads: 8}, from: [prev, memory]}
    - residual: [rmsnorm, mlp: {hidden: 2048, act: relu}]
layers:
  - {embedding: {vocab: 32128, dim: 512}, from: source, name: words}
  - encoder: {table: 32}
  - {encoder: , repeat: 5}
  - {rmsnorm: , name: memory}
  - {embedding: {vocab: 32128, dim: 512}, from: target, share: words, name: start}
  - {decoder: {table: 32}, from: [start, memory], name: first}
  - {decoder: , from: [first, memory], repeat: 5}
  - rmsnorm
  - {linear: {out: 32128}, share: words}
"""


def test_t5_small():
    """Raffel et al. 2019, arXiv:1910.10683; the parameters of t5-small."""
    totals = costcalc.analyze(costcalc.loads(T5)).totals
    square, feed = 512 * 512, 2 * 512 * 2048
    encoder, decoder = 4 * square + feed + 2 * 512, 8 * square + feed + 3 * 512
    assert totals.params == 32128 * 512 + 6 * (encoder + decoder) + 2 * 32 * 8 + 2 * 512 == 60_506_624


MAMBA = """
params: {D: 768, N: 16, T: 64}
input: {ids: [T]}
defaults: {linear: {bias: false}}
blocks:
  mamba(D, N):
    - rmsnorm
    - {linear: 4 * D, name: both}
    - {split: {parts: 2, axis: -1}, name: x}
    - {permute: [1, 0], from: x.0}
    - {pad: [[3, 0]]}
    - depthwise_conv: {kernel: 4, act: silu}
    - {permute: [1, 0], name: u}
    - {linear: D // 16 + 2 * N, name: parts}
    - {split: {sizes: "[D // 16, N, N]", axis: -1}, name: p}
    - {linear: {out: 2 * D, bias: true, act: softplus}, from: p.0, name: dt}
    - {weight: [2 * D, N], name: A}
    - {weight: [2 * D], name: skip}
    - {selective_scan: N, from: [u, dt, p.1, p.2, A, skip]}
    - {silu: , from: x.1, name: z}
    - {mul: {}, from: [selective_scan, z]}
    - linear: D
layers:
  - {embedding: {vocab: 50280, dim: D}, name: words}
  - residual: [mamba: {D: D, N: N}]
    repeat: 24
  - rmsnorm
  - {linear: {out: 50280}, share: words}
"""


def test_mamba_130m():
    """Gu and Dao 2023, arXiv:2312.00752; the parameters of state-spaces/mamba-130m."""
    totals = costcalc.analyze(costcalc.loads(MAMBA)).totals
    inner, rank, state = 1536, 48, 16
    layer = 768 * 2 * inner + 4 * inner + inner + inner * (rank + 2 * state) + rank * inner + inner
    layer += inner * state + inner + inner * 768 + 768
    assert totals.params == 24 * layer + 50280 * 768 + 768 == 129_135_360


MISTRAL = """
params: {T: 8192, D: 4096}
input: {ids: [T]}
defaults: {attention: {bias: false}}
layers:
  - embedding: {vocab: 32000, dim: D}
  - group:
      - residual: [rmsnorm, attention: {heads: 32, kv_heads: 8, window: 4096}]
      - residual: [rmsnorm, swiglu: 14336]
    repeat: 32
  - rmsnorm
  - linear: {out: 32000, bias: false}
"""


def test_mistral_7b():
    """Jiang et al. 2023, arXiv:2310.06825: a window of 4,096 keys; the first queries see fewer."""
    totals = costcalc.analyze(costcalc.loads(MISTRAL)).totals
    layer = 2 * 4096 * 4096 + 2 * 4096 * 1024 + 3 * 4096 * 14336
    assert totals.params == 32 * (layer + 2 * 4096) + 2 * 32000 * 4096 + 4096 == 7_241_732_096
    pairs = sum(min(4096, query + 1) for query in range(8192))
    assert totals.macs == 32 * (8192 * layer + 2 * pairs * 4096) + 8192 * 4096 * 32000


def test_a_step_of_decoding():
    """One token against 2,048 cached ones: only the new token is projected."""
    step = costcalc.loads("input: {tokens: [1, 4096]}\nlayers: [attention: {heads: 32, bias: false, cache: 2048}]")
    assert costcalc.analyze(step).totals.macs == 4 * 4096 * 4096 + 2 * 2049 * 4096 == 83_894_272
