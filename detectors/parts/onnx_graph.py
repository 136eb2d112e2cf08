"""A graph of OpenVINO's as ONNX, operation by operation: neither torch nor the network's source is needed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import numpy as np

from seewhy.errors import BadModel, MissingExtra

OPSET = 18
IR_VERSION = 9  # that onnxruntime reads since 1.17
SAME: Mapping[str, str] = {  # inputs and meaning are the same, attributes there are none
    "Add": "Add",
    "Subtract": "Sub",
    "Multiply": "Mul",
    "Divide": "Div",
    "Maximum": "Max",
    "Minimum": "Min",
    "Power": "Pow",
    "Sqrt": "Sqrt",
    "Floor": "Floor",
    "Exp": "Exp",
    "Relu": "Relu",
}
PLACES: Mapping[str, str] = {"half_pixel": "half_pixel", "pytorch_half_pixel": "half_pixel", "align_corners": "align_corners"}

Node: TypeAlias = Any  # of OpenVINO's, or of onnx's


def as_onnx(graph: Any) -> bytes:
    """An ONNX file of a graph whose shapes are all known.

    Args:
        graph: an openvino.Model; what is constant in it is computed.

    Raises:
        MissingExtra: the package onnx isn't installed.
        BadModel: an operation can't be translated.
    """
    try:
        from onnx import TensorProto, checker, helper
    except ModuleNotFoundError as error:
        raise MissingExtra("export to ONNX", "export") from error
    _fold(graph)
    results = [node.input(0).get_source_output() for node in graph.get_results()]
    writer = _Writer({_port(port): port.get_any_name() for port in (*results, *graph.inputs)})
    for node in graph.get_ordered_ops():
        if node.get_type_name() not in ("Parameter", "Result"):
            writer.add(node)
    types = {"u8": TensorProto.UINT8, "f32": TensorProto.FLOAT}

    def stated(port: Any) -> Any:
        return helper.make_tensor_value_info(port.get_any_name(), types[port.get_element_type().get_type_name()], list(port.get_shape()))

    used = {name for node in writer.nodes for name in node.input}
    constants = [one for one in writer.constants if one.name in used]
    drawn = helper.make_graph(writer.nodes, "detector", [*map(stated, graph.inputs)], [*map(stated, results)], constants)
    whole = helper.make_model(drawn, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=IR_VERSION, producer_name="seewhy")
    checker.check_model(whole)
    data: bytes = whole.SerializeToString()
    return data


def _fold(graph: Any) -> None:
    from openvino.passes import ConstantFolding, Manager

    passes = Manager()
    passes.register_pass(ConstantFolding())
    passes.run_passes(graph)


class _Writer:
    """What was translated so far.

    Args:
        names: of outputs that shall have one; others are called after their operation.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self.nodes, self.constants, self._names = list[Node](), list[Node](), names
        self._kinds: Mapping[str, Callable[[Node, list[str], str], None]] = {
            "Convert": self._convert,
            "Transpose": self._transpose,
            "Concat": lambda node, given, name: self._op("Concat", given, name, axis=int(node.get_attributes()["axis"])),
            "Clamp": self._clamp,
            "MatMul": self._product,
            "Round": self._rounded,
            "Gather": lambda node, given, name: self._op("Gather", given[:2], name, axis=int(_constant(node, 2))),
            "Convolution": self._convolution,
            "GroupConvolution": self._convolution,
            "AvgPool": self._mean_around,
            "MaxPool": self._highest_around,
            "NormalizeL2": self._unit_length,
            "Interpolate": self._interpolated,
            "ReduceSum": self._reduced,
            "ReduceMean": self._reduced,
            "ReduceMin": self._reduced,
            "ReduceL2": self._reduced,
            **dict.fromkeys(("Reshape", "Squeeze", "Unsqueeze"), self._shaped),
            "TopK": self._top,
            "BatchNormInference": lambda node, given, name: self._op(
                "BatchNormalization", given, name, epsilon=float(node.get_attributes()["epsilon"])
            ),
            "MVN": self._standardised,
            "Slice": self._cut,
            "Split": lambda node, given, _: self._op("Split", given[:1], *map(self._named, node.outputs()), **_split(node)),
            "Pad": self._padded,
            "Broadcast": lambda node, given, name: self._op("Expand", [given[0], self._numbers(_constant(node, 1), f"{name}/shape")], name),
            "Gelu": self._gelu,
            "ScaledDotProductAttention": self._attention,
        }

    def add(self, node: Node) -> None:
        """Translate an operation."""
        kind, name = node.get_type_name(), self._named(node.output(0))
        given = [self._named(source) for source in node.input_values()]
        if kind == "Constant":
            self._kept(np.asarray(node.get_data()), name)
        elif kind in SAME:
            self._op(SAME[kind], given, name)
        elif kind in self._kinds:
            self._kinds[kind](node, given, name)
        else:
            raise BadModel(f"the operation {kind} of this network can't be written as ONNX; export with --to openvino")

    def _named(self, port: Any) -> str:
        return self._names.get(_port(port), _port(port))

    def _op(self, kind: str, given: list[str], *names: str, **attributes: Any) -> None:
        from onnx import helper

        self.nodes.append(helper.make_node(kind, given, list(names), **attributes))

    def _kept(self, values: Any, name: str) -> str:
        from onnx import numpy_helper

        self.constants.append(numpy_helper.from_array(np.ascontiguousarray(values).reshape(values.shape), name))
        return name

    def _numbers(self, values: Any, name: str) -> str:
        return self._kept(np.atleast_1d(values).astype(np.int64), name)

    def _convert(self, node: Node, given: list[str], name: str) -> None:
        from onnx import TensorProto

        types = {"f32": TensorProto.FLOAT, "u8": TensorProto.UINT8, "i64": TensorProto.INT64}
        self._op("Cast", given, name, to=types[node.get_output_element_type(0).get_type_name()])

    def _shaped(self, node: Node, given: list[str], name: str) -> None:
        sizes = [self._numbers(_constant(node, 1), f"{name}/sizes")] if len(given) > 1 else []
        self._op(node.get_type_name(), [given[0], *sizes], name)

    def _transpose(self, node: Node, given: list[str], name: str) -> None:
        self._op("Transpose", given[:1], name, perm=[int(axis) for axis in _constant(node, 1)])

    def _clamp(self, node: Node, given: list[str], name: str) -> None:
        limits = [self._kept(np.float32(node.get_attributes()[which]), f"{name}/{which}") for which in ("min", "max")]
        self._op("Clip", [*given, *limits], name)

    def _rounded(self, node: Node, given: list[str], name: str) -> None:
        if node.get_attributes()["mode"] != "half_to_even":
            raise BadModel("rounding halves away from zero can't be written as ONNX; export with --to openvino")
        self._op("Round", given, name)

    def _product(self, node: Node, given: list[str], name: str) -> None:
        for at, which in enumerate(("transpose_a", "transpose_b")):
            if node.get_attributes()[which]:
                axes = list(range(len(node.get_input_shape(at))))
                self._op("Transpose", [given[at]], f"{name}/{which}", perm=[*axes[:-2], axes[-1], axes[-2]])
                given[at] = f"{name}/{which}"
        self._op("MatMul", given, name)

    def _convolution(self, node: Node, given: list[str], name: str) -> None:
        known, groups = node.get_attributes(), 1
        if node.get_type_name() == "GroupConvolution":  # (groups, out, in, k, k), which ONNX has as (groups * out, in, k, k)
            weight = _constant(node, 1)
            groups, given = weight.shape[0], [given[0], self._kept(weight.reshape(-1, *weight.shape[2:]), f"{name}/weight")]
        sizes = {"strides": known["strides"], "dilations": known["dilations"], "group": groups}
        self._op("Conv", given, name, pads=[*known["pads_begin"], *known["pads_end"]], **sizes)

    def _mean_around(self, node: Node, given: list[str], name: str) -> None:
        self._op("AveragePool", given, name, **_window(node), count_include_pad=int(not node.get_attributes()["exclude-pad"]))

    def _highest_around(self, node: Node, given: list[str], name: str) -> None:
        self._op("MaxPool", given, name, **_window(node))

    def _unit_length(self, node: Node, given: list[str], name: str) -> None:
        axes = self._numbers(_constant(node, 1), f"{name}/axes")
        least = self._kept(np.float32(node.get_attributes()["eps"]), f"{name}/eps")
        together = "Max" if node.get_attributes()["eps_mode"] == "max" else "Add"
        self._op("Mul", [given[0], given[0]], f"{name}/squares")
        self._op("ReduceSum", [f"{name}/squares", axes], f"{name}/sum", keepdims=1)
        self._op(together, [f"{name}/sum", least], f"{name}/bounded")
        self._op("Sqrt", [f"{name}/bounded"], f"{name}/length")
        self._op("Div", [given[0], f"{name}/length"], name)

    def _interpolated(self, node: Node, given: list[str], name: str) -> None:
        known = node.get_attributes()
        places = PLACES.get(known["coordinate_transformation_mode"])
        if known["mode"] not in ("linear_onnx", "linear") or places is None or known["antialias"]:
            raise BadModel(f"interpolation by {known['mode']} can't be written as ONNX; export with --to openvino")
        sizes = self._numbers(list(node.get_output_shape(0)), f"{name}/sizes")
        self._op("Resize", [given[0], "", "", sizes], name, mode="linear", coordinate_transformation_mode=places)

    def _reduced(self, node: Node, given: list[str], name: str) -> None:
        keeps = int(len(node.get_output_shape(0)) == len(node.get_input_shape(0)))
        axes = self._numbers(_constant(node, 1), f"{name}/axes")
        self._op(node.get_type_name(), [given[0], axes], name, keepdims=keeps)

    def _top(self, node: Node, given: list[str], name: str) -> None:
        known = node.get_attributes()
        count = self._numbers(_constant(node, 1), f"{name}/count")
        self._op(
            "TopK",
            [given[0], count],
            name,
            self._named(node.output(1)),
            axis=int(known["axis"]),
            largest=int(known["mode"] == "max"),
            sorted=1,
        )

    def _standardised(self, node: Node, given: list[str], name: str) -> None:
        known, shape = node.get_attributes(), list(node.get_input_shape(0))
        if [int(axis) % len(shape) for axis in np.atleast_1d(_constant(node, 1))] != [len(shape) - 1] or not known["normalize_variance"]:
            raise BadModel("standardising over other than the last axis can't be written as ONNX; export with --to openvino")
        scale = self._kept(np.ones(shape[-1], np.float32), f"{name}/scale")
        self._op("LayerNormalization", [given[0], scale], name, axis=-1, epsilon=float(known["eps"]))

    def _cut(self, node: Node, given: list[str], name: str) -> None:
        start, stop, step, axes = (self._numbers(_constant(node, at), f"{name}/{at}") for at in range(1, 5))
        self._op("Slice", [given[0], start, stop, axes, step], name)

    def _padded(self, node: Node, given: list[str], name: str) -> None:
        mode = node.get_attributes()["pad_mode"]
        if mode not in ("constant", "edge", "reflect"):
            raise BadModel(f"padding by {mode} can't be written as ONNX; export with --to openvino")
        sizes = self._numbers(np.concatenate([_constant(node, 1), _constant(node, 2)]), f"{name}/sizes")
        self._op("Pad", [given[0], sizes, *given[3:]], name, mode=mode)

    def _gelu(self, node: Node, given: list[str], name: str) -> None:
        """x / 2 * (1 + erf(x / sqrt(2))): ONNX has an operation for it only since version 20."""
        if node.get_attributes()["approximation_mode"] != "ERF":
            raise BadModel("an approximate GELU can't be written as ONNX; export with --to openvino")
        root, one, half = (self._kept(np.float32(value), f"{name}/{value:.2f}") for value in (2**0.5, 1, 0.5))
        self._op("Div", [given[0], root], f"{name}/scaled")
        self._op("Erf", [f"{name}/scaled"], f"{name}/erf")
        self._op("Add", [f"{name}/erf", one], f"{name}/more")
        self._op("Mul", [given[0], f"{name}/more"], f"{name}/twice")
        self._op("Mul", [f"{name}/twice", half], name)

    def _attention(self, node: Node, given: list[str], name: str) -> None:
        """softmax(q k^T * scale + mask) v."""
        if node.get_attributes()["causal"]:
            raise BadModel("causal attention can't be written as ONNX; export with --to openvino")
        query, keys, values, *mask_scale = given
        length = node.get_input_shape(0)[-1]
        scale = mask_scale[1] if len(mask_scale) > 1 else self._kept(np.float32(length**-0.5), f"{name}/scale")
        axes = list(range(len(node.get_input_shape(1))))
        self._op("Transpose", [keys], f"{name}/keys", perm=[*axes[:-2], axes[-1], axes[-2]])
        self._op("Mul", [query, scale], f"{name}/query")
        self._op("MatMul", [f"{name}/query", f"{name}/keys"], f"{name}/alike")
        if mask_scale:
            self._op("Add", [f"{name}/alike", mask_scale[0]], f"{name}/masked")
        self._op("Softmax", [f"{name}/masked" if mask_scale else f"{name}/alike"], f"{name}/share", axis=-1)
        self._op("MatMul", [f"{name}/share", values], name)


def _port(port: Any) -> str:
    return f"{port.get_node().get_name()}:{port.get_index()}"


def _constant(node: Node, at: int) -> Any:
    """The values of an operation's input.

    Raises:
        BadModel: they are computed.
    """
    source = node.input(at).get_source_output().get_node()
    if source.get_type_name() != "Constant":
        raise BadModel(f"the operation {node.get_type_name()} of this network has sizes that are computed; export with --to openvino")
    return np.asarray(source.get_data())


def _window(node: Node) -> dict[str, Any]:
    known = node.get_attributes()
    return {"kernel_shape": known["kernel"], "strides": known["strides"], "pads": [*known["pads_begin"], *known["pads_end"]]}


def _split(node: Node) -> dict[str, int]:
    return {"axis": int(_constant(node, 1)), "num_outputs": len(node.outputs())}
