"""A detector that compares patches with a bank, as one graph of OpenVINO's: from a photo of one size to its map and its score.

What OpenCV does to a map on the way (resizing, blurring) is linear and treats rows and columns apart, so that it becomes two products of
matrices, which are read off OpenCV itself; a photo is shrunk by OpenCV's own sums. The graph does what the detector does, whatever runs it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil, floor
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from seewhy.detectors.parts.accelerated import Accelerated
from seewhy.detectors.parts.frozen import Frozen
from seewhy.detectors.parts.memory import Memory, Searched
from seewhy.detectors.parts.network import Exported, read
from seewhy.detectors.parts.patches import Patches
from seewhy.detectors.parts.tiles import Tile, blend
from seewhy.errors import BadModel
from seewhy.types import Features, Map, Pixels

SNAP = 1024  # parts of a level to which a photo that grew is rounded first, so that a half is one in spite of the last digit
PHOTO, MAP, SCORE = "photo", "map", "score"  # names of the graph's input and outputs

AtOnce: TypeAlias = Callable[[Pixels], list[Features]]  # see `search_graph`
Node: TypeAlias = Any  # an output of OpenVINO's


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """What becomes of a photo."""

    tile: Tile  # the whole photo, and the size at which the network sees it
    network: Exported
    looks: Sequence[Searched]  # of the network's first outputs
    smoothing: float  # sigma of the Gaussian over the map, in cells; 0: none
    top_share: float  # the score is the mean of this share of the strangest cells


def whole_graph(steps: Steps) -> Any:
    """An openvino.Model that takes `photo`, (H, W, 3) uint8 in RGB, and gives `map`, (H, W) float32, and `score`, a float32."""
    import openvino
    from openvino import opset13 as ops

    tile = steps.tile
    photo = ops.parameter([tile.box.height, tile.box.width, 3], np.uint8, name=PHOTO)
    photo.output(0).set_names({PHOTO})
    total = _together([_distances(cells, look) for cells, look in zip(_cells(photo, steps), steps.looks, strict=False)])
    if steps.smoothing > 0:
        total = _applied(total, lambda g: cv2.GaussianBlur(g, (0, 0), steps.smoothing))
    score, values = _strangest(total, steps.top_share), _applied(total, lambda g: blend([(tile, g)], tile.box.width, tile.box.height))
    for node, name in ((values, MAP), (score, SCORE)):
        node.output(0).set_names({name})
    return openvino.Model([values.output(0), score.output(0)], [photo], "detector")


def on_device(described: Patches, memories: Sequence[Memory]) -> AtOnce | None:
    """Encoder and search on the accelerator that runs the encoder; None where it runs on the CPU, or a bank is searched approximately.

    Args:
        described: what describes patches.
        memories: of each look.
    """
    if not isinstance(described, Frozen) or not isinstance(described.network, Accelerated):
        return None
    try:
        looks = [memory.searched() for memory in memories]
    except BadModel:
        return None
    return Accelerated(partial(search_graph, described.exported, looks), described.network.device)


def search_graph(network: Exported, looks: Sequence[Searched], height: int, width: int) -> Any:
    """What takes the time in a score, as one graph: an encoder's pass, and the search in each look's bank.

    Returns:
        an openvino.Model that takes what the network sees of a photo, (1, height, width, 3) uint8, and gives how far each cell is from the
        good ones, (rows, cols), and the mean of the first look's features, (D,); float32.
    """
    import openvino
    from openvino import opset13 as ops

    graph = read(network)
    graph.reshape([1, height, width, 3])
    cells = [result.input(0).get_source_output().get_node() for result in graph.get_results()]
    total = _together([_distances(one, look) for one, look in zip(cells, looks, strict=False)])
    whole = ops.reduce_mean(cells[0], np.array([0, 1]), False)
    return openvino.Model([total.output(0), whole.output(0)], graph.get_parameters(), "search")


def _together(grids: Sequence[Node]) -> Node:
    """The sum of the looks' maps, at the first one's cells."""
    from openvino import opset13 as ops

    rows, cols = _sides(grids[0])
    total = grids[0]
    for grid in grids[1:]:
        total = ops.add(total, _applied(grid, lambda g: cv2.resize(g, (cols, rows), interpolation=cv2.INTER_LINEAR)))
    return total


def _cells(photo: Node, steps: Steps) -> list[Node]:
    """The network's outputs, (rows, cols, D) each."""
    graph = read(steps.network)
    graph.reshape([1, steps.tile.input_height, steps.tile.input_width, 3])
    seen = _seen(photo, steps.tile)
    for taker in graph.input(0).get_target_inputs():
        taker.replace_source_output(seen.output(0))
    return [result.input(0).get_source_output().get_node() for result in graph.get_results()]


def _seen(photo: Node, tile: Tile) -> Node:
    """What the network sees of a photo, (1, h, w, 3) uint8: see `Tile.seen`."""
    from openvino import opset13 as ops

    planes = ops.transpose(ops.convert(photo, np.float32), [2, 0, 1])  # (3, H, W)
    if (tile.box.width, tile.box.height) != (tile.input_width, tile.input_height):
        planes = _shrunk(planes, tile) if tile.input_width < tile.box.width else _grown(planes, tile)
        planes = ops.floor(ops.add(planes, np.float32(0.5))) if _halves_go_up(tile) else ops.round(planes, "half_to_even")
        planes = ops.clamp(planes, 0.0, 255.0)
    return ops.convert(ops.unsqueeze(ops.transpose(planes, [1, 2, 0]), np.array([0])), np.uint8)


def _shrunk(planes: Node, tile: Tile) -> Node:
    """Means over areas, added up in OpenCV's order, so that even the last digit is the same: it decides how a half is rounded."""
    from openvino import opset13 as ops

    for axis, taken in ((2, shares(tile.box.width, tile.input_width)), (1, shares(tile.box.height, tile.input_height))):
        parts = [
            ops.unsqueeze(ops.multiply(ops.gather(planes, at, np.array(axis)), by.reshape(1, -1, 1) if axis == 1 else by), np.array([0]))
            for at, by in zip(*taken, strict=True)
        ]
        planes = ops.reduce_sum(ops.concat(parts, 0), np.array([0]), False)  # additions beside products would be rounded together with them
    return planes


def _grown(planes: Node, tile: Tile) -> Node:
    """Cubic interpolation; what is all but half a level becomes half a level."""
    from openvino import opset13 as ops

    down, across = separated(
        lambda g: cv2.resize(g, (tile.input_width, tile.input_height), interpolation=cv2.INTER_CUBIC), tile.box.height, tile.box.width
    )
    planes = ops.matmul(down, ops.matmul(planes, across, False, True), False, False)  # (3, h, w)
    return ops.divide(ops.round(ops.multiply(planes, np.float32(SNAP)), "half_to_even"), np.float32(SNAP))


def _halves_go_up(tile: Tile) -> bool:
    """Whether OpenCV, resizing bytes to this size, rounds 0.5 up; else to the even number. It depends on the ratio and is looked at."""
    photo = np.random.default_rng(0).integers(0, 256, (tile.box.height, tile.box.width, 3)).astype(np.uint8)
    seen, exact = tile.seen(photo), tile.seen(photo.astype(np.float32)).clip(0, 255)
    return int((np.floor(exact + 0.5) != seen).sum()) < int((np.round(exact) != seen).sum())


def shares(length: int, wanted: int) -> tuple[npt.NDArray[np.int64], Features]:
    """Which pixels of a side an area's mean takes in, and by how much, as OpenCV shrinks a side (computeResizeAreaTab).

    Args:
        length: of the side.
        wanted: its length afterwards, no larger.

    Returns:
        (T, wanted) numbers of pixels, and their weights; 0 where an area has fewer than T pixels.
    """
    scale, least = length / wanted, 1e-3
    taken = list[list[tuple[int, float]]]()
    for number in range(wanted):
        begin, end = number * scale, (number + 1) * scale
        last = min(floor(end), length - 1)
        first, area = min(ceil(begin), last), min(scale, length - begin)
        taken.append([(first - 1, (first - begin) / area)] if first - begin > least else [])
        taken[-1] += [(at, 1 / area) for at in range(first, last)]
        taken[-1] += [(last, min(end - last, 1.0, area) / area)] if end - last > least else []
    most = max(map(len, taken))
    filled = [one + [(0, 0.0)] * (most - len(one)) for one in taken]
    numbers, weights = (np.array([[pair[which] for pair in one] for one in filled]).T for which in (0, 1))
    return numbers.astype(np.int64), weights.astype(np.float32)


def _distances(cells: Node, look: Searched) -> Node:
    """How far each cell is from the bank, (rows, cols), times the look's share."""
    from openvino import opset13 as ops

    rows, cols, dims = (int(side) for side in cells.output(0).get_shape())
    flat = ops.reshape(cells, np.array([rows * cols, dims]), False)
    if look.whitening is not None:
        flat = ops.matmul(ops.subtract(flat, look.whitening.middle[None]), look.whitening.matrix, False, False)  # (N, K)
    lengths = ops.reduce_sum(ops.multiply(flat, flat), np.array([1]), True)  # (N, 1)
    squares = np.einsum("md,md->m", look.rows, look.rows)[None]  # (1, M)
    apart = ops.add(ops.add(ops.matmul(flat, (-2 * look.rows).T.copy(), False, False), squares), lengths)  # (N, M) squared
    if look.density is None:
        far = ops.sqrt(ops.maximum(ops.reduce_min(apart, np.array([1]), False), np.float32(0)))  # (N,)
    else:
        nearest = ops.topk(apart, np.int64(1), 1, "min", "none", "i64")
        around = ops.gather(look.density, ops.reshape(nearest.output(1), np.array([-1]), False), np.array(0))
        far = ops.divide(ops.sqrt(ops.maximum(ops.reshape(nearest.output(0), np.array([-1]), False), np.float32(0))), around)
    return ops.reshape(ops.multiply(far, np.float32(look.share)), np.array([rows, cols]), False)


def _strangest(grid: Node, share: float) -> Node:
    """Mean of the strangest cells, a number."""
    from openvino import opset13 as ops

    rows, cols = _sides(grid)
    count = max(1, round(share * rows * cols))
    highest = ops.topk(ops.reshape(grid, np.array([-1]), False), np.int64(count), 0, "max", "none", "i64")
    return ops.reduce_mean(highest.output(0), np.array([0]), False)


def _applied(grid: Node, operation: Callable[[Map], Map]) -> Node:
    """What an operation of OpenCV's makes of a map (rows, cols)."""
    from openvino import opset13 as ops

    down, across = separated(operation, *_sides(grid))
    return ops.matmul(down, ops.matmul(grid, across, False, True), False, False)


def _sides(grid: Node) -> tuple[int, int]:
    rows, cols = grid.output(0).get_shape()
    return int(rows), int(cols)


def separated(operation: Callable[[Map], Map], height: int, width: int) -> tuple[Map, Map]:
    """The matrices by which an operation is `down @ map @ across.T`, where it is linear and treats rows and columns apart.

    Args:
        operation: (height, width) to (h, w); a map of ones stays one.
        height: rows of the map.
        width: its columns.

    Returns:
        (h, height) and (w, width) float32.
    """

    def along(axis: int) -> Map:
        columns = list[npt.NDArray[np.float32]]()
        for number in range((height, width)[axis]):
            line = np.zeros((height, width), np.float32)
            line[(number, slice(None)) if axis == 0 else (slice(None), number)] = 1
            answer = operation(line)
            columns.append(answer[:, answer.shape[1] // 2] if axis == 0 else answer[answer.shape[0] // 2])
        return np.stack(columns, 1)

    return along(0), along(1)
