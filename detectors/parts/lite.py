"""EfficientNet-lite0 as OpenVINO runs it, drawn from its weights: neither torch nor timm is imported, nor a network traced.

The same network as `seewhy.detectors.parts.described` makes with timm's; a test holds the two together. A first fit spends most of its
time on those imports otherwise.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from seewhy.detectors.parts.backbones import backbone
from seewhy.detectors.parts.network import Exported, written
from seewhy.detectors.parts.ways import Spec, Way
from seewhy.types import Features

NAME = "efficientnet-lite0"
STAGES = (1, 2, 2, 3, 3, 4, 1)  # blocks of each (Tan & Le, ICML 2019, table 1; lite: neither squeeze nor swish)
SHRINKS = (1, 2, 2, 2, 1, 2, 1)  # of each stage's first block
EPSILON = 1e-3  # of the batch norms
TINY = 1e-24  # square of the least length that a feature is divided by

Node: TypeAlias = Any  # an output of OpenVINO's
Weights: TypeAlias = tuple[Features, Features]  # (out, in, k, k) with the batch norm that follows folded in, and (out,)


def lite_network(spec: Spec, state: Mapping[str, npt.NDArray[Any]]) -> Exported:
    """What describes patches, as files; see `seewhy.detectors.parts.network.exported`.

    Args:
        spec: of this backbone.
        state: its weights in the order in which the network applies them.
    """
    import openvino
    from openvino import opset13 as ops

    photo = ops.parameter([1, -1, -1, 3], np.uint8, name="photo")
    maps = _maps(photo, _folded(state), max(layer for way in spec.ways for layer in way.layers))
    outputs = [_joined([maps[layer] for layer in way.layers], way, spec.grid_px) for way in spec.ways]
    return written(openvino.Model([node.output(0) for node in outputs], [photo], NAME))


def _folded(state: Mapping[str, npt.NDArray[Any]]) -> Iterator[Weights]:
    """Of each convolution up to the last stage's."""
    arrays = (array for name, array in state.items() if not name.endswith("num_batches_tracked"))
    for weight in arrays:
        if weight.ndim != 4:
            return  # the classifier
        gain, bias, mean, variance = (next(arrays).astype(np.float64) for _ in range(4))
        factor = gain / np.sqrt(variance + EPSILON)
        yield (weight * factor[:, None, None, None]).astype(np.float32), (bias - mean * factor).astype(np.float32)


def _maps(photo: Node, weights: Iterator[Weights], last: int) -> list[tuple[Node, int]]:
    """The feature map after each stage up to the last that is wanted, (1, C, h, w), and its stride."""
    from openvino import opset13 as ops

    row = backbone(NAME)
    mean, std = (np.array(values, np.float32).reshape(1, 3, 1, 1) for values in (row.mean, row.std))
    x = ops.transpose(ops.convert(photo, np.float32), [0, 3, 1, 2])
    x = ops.divide(ops.subtract(ops.divide(x, np.float32(255)), mean), std)
    x, stride = _convolved(x, *next(weights), stride=2), 2
    maps = list[tuple[Node, int]]()
    for number, (blocks, shrinks) in enumerate(zip(STAGES[: last + 1], SHRINKS, strict=False)):
        for block in range(blocks):
            x = _block(x, weights, expands=number > 0, stride=1 if block else shrinks)
        stride *= shrinks
        maps.append((x, stride))
    return maps


def _block(x: Node, weights: Iterator[Weights], *, expands: bool, stride: int) -> Node:
    """An inverted residual (Sandler et al., CVPR 2018, sec. 3.3)."""
    from openvino import opset13 as ops

    inside = _convolved(x, *next(weights)) if expands else x
    inside = _convolved(inside, *next(weights), stride=stride)
    out = _convolved(inside, *next(weights), bounded=False)
    same = stride == 1 and x.get_output_partial_shape(0)[1] == out.get_output_partial_shape(0)[1]
    return ops.add(out, x) if same else out


def _convolved(x: Node, weight: Features, bias: Features, *, stride: int = 1, bounded: bool = True) -> Node:
    """A convolution, its batch norm, and ReLU6 where it is bounded; of each channel by itself where the weights are."""
    from openvino import opset13 as ops

    alone = weight.shape[1] == 1
    convolution = ops.group_convolution if alone else ops.convolution
    weight = weight[:, None] if alone else weight  # (groups, 1, 1, k, k)
    x = convolution(x, weight, [stride, stride], [0, 0], [0, 0], [1, 1], auto_pad="same_upper")
    x = ops.add(x, bias.reshape(1, -1, 1, 1))
    return ops.clamp(x, 0.0, 6.0) if bounded else x


def _joined(maps: Sequence[tuple[Node, int]], way: Way, grid_px: int) -> Node:
    """As `seewhy.detectors.parts.features.joined`: (rows, cols, D)."""
    from openvino import opset13 as ops

    finer = max(1, maps[0][1] // grid_px) if grid_px else 1
    sides = ops.gather(ops.shape_of(maps[0][0]), np.array([2, 3]), np.array(0))
    finest = ops.multiply(sides, np.array([finer, finer], np.int64))
    laid = list[Node]()
    for x, stride in maps:
        around = [way.pool // 2] * 2
        if way.pool > 1:
            x = ops.avg_pool(x, [1, 1], around, around, [way.pool, way.pool], exclude_pad=True)
        if way.unit_length:
            x = ops.normalize_l2(x, np.array([1]), TINY, "max")
        if finer > 1 or stride != maps[0][1]:
            x = ops.interpolate(
                x, finest, "linear_onnx", "sizes", coordinate_transformation_mode="half_pixel", axes=np.array([2, 3], np.int64)
            )
        laid.append(x)
    return ops.transpose(ops.squeeze(ops.concat(laid, 1), np.array([0])), [1, 2, 0])
