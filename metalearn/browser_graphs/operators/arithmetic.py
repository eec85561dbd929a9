"""Rules for element-wise operators and matrix products."""

from metalearn.browser_graphs.builder import ONNX_TYPES
from metalearn.browser_graphs.conversion import Call, rule

_FILLED = ("full", "ones_like", "zeros_like", "full_like", "zeros", "new_zeros")
_SAME = ("detach", "alias", "clone", "lift_fresh", "lift_fresh_copy", "contiguous")
_UNARY = {
    "neg": "Neg",
    "abs": "Abs",
    "sgn": "Sign",
    "sign": "Sign",
    "sqrt": "Sqrt",
    "exp": "Exp",
    "log": "Log",
    "relu": "Relu",
    "reciprocal": "Reciprocal",
    "bitwise_not": "Not",
    "logical_not": "Not",
}
_BINARY = {"mul": "Mul", "div": "Div", "eq": "Equal", "maximum": "Max", "minimum": "Min"}
_BINARY |= {"ge": "GreaterOrEqual", "gt": "Greater", "le": "LessOrEqual", "lt": "Less"}


def operand(call: Call, index: int) -> str:
    """Return an argument that is a tensor or a number."""
    value = call.arguments[index]
    return value if isinstance(value, str) else call.builder.number(value)


@rule(*(f"{name}.default" for name in _SAME), stretches=True)
def same(call: Call) -> str:
    """Pass the value on: memory layout does not matter to a graph."""
    return str(call.arguments[0])


@rule("_to_copy.default", stretches=True)
def cast(call: Call) -> str:
    return call.builder.node("Cast", [call.arguments[0]], to=ONNX_TYPES[call.result.dtype])


def _unary(operator: str, name: str) -> None:
    @rule(f"{name}.default", f"{name}_.default", stretches=True)
    def convert(call: Call) -> str:
        return call.builder.node(operator, [call.arguments[0]])


def _binary(operator: str, name: str) -> None:
    @rule(
        f"{name}.Tensor",
        f"{name}.Scalar",
        f"{name}.default",
        f"{name}_.Tensor",
        f"{name}_.Scalar",
        stretches=True,
    )
    def convert(call: Call) -> str:
        return call.builder.node(operator, [operand(call, 0), operand(call, 1)])


for _name, _operator in _UNARY.items():
    _unary(_operator, _name)
for _name, _operator in _BINARY.items():
    _binary(_operator, _name)


@rule("add.Tensor", "add.Scalar", "add_.Tensor", stretches=True)
def add(call: Call) -> str:
    first, second = operand(call, 0), operand(call, 1)
    alpha = call.keywords.get("alpha", 1)
    if alpha != 1:
        second = call.builder.node("Mul", [second, call.builder.number(alpha)])
    return call.builder.node("Add", [first, second])


@rule("sub.Tensor", "sub.Scalar", "sub_.Tensor", stretches=True)
def subtract(call: Call) -> str:
    first, second = operand(call, 0), operand(call, 1)
    alpha = call.keywords.get("alpha", 1)
    if alpha != 1:
        second = call.builder.node("Mul", [second, call.builder.number(alpha)])
    return call.builder.node("Sub", [first, second])


@rule("rsub.Scalar", stretches=True)
def subtract_from(call: Call) -> str:
    return call.builder.node("Sub", [operand(call, 1), operand(call, 0)])


@rule("addcmul.default", stretches=True)
def add_product(call: Call) -> str:
    assert call.keywords.get("value", 1) == 1
    product = call.builder.node("Mul", list(call.arguments[1:3]))
    return call.builder.node("Add", [product, call.arguments[0]])


@rule("pow.Tensor_Scalar", stretches=True)
def power(call: Call) -> str:
    """Raise to a power; squares become products, which are exact and fast."""
    base, exponent = call.arguments
    if exponent == 1:
        return str(base)
    if exponent == 2:
        return call.builder.node("Mul", [base, base])
    return call.builder.node("Pow", [base, call.builder.number(exponent)])


@rule("clamp_min.default", "clamp_min_.default", stretches=True)
def clamp_min(call: Call) -> str:
    return call.builder.node("Max", [operand(call, 0), operand(call, 1)])


@rule("clamp.default", stretches=True)
def clamp(call: Call) -> str:
    value = str(call.arguments[0])
    for index, operator in ((1, "Max"), (2, "Min")):
        if call.get(index) is not None:
            value = call.builder.node(operator, [value, operand(call, index)])
    return value


@rule("threshold_backward.default", stretches=True)
def threshold_backward(call: Call) -> str:
    """Pass the gradient where the result is above the threshold."""
    gradient, result, threshold = call.arguments
    builder = call.builder
    passes = builder.node("Greater", [result, builder.number(threshold)])
    return builder.node("Where", [passes, gradient, builder.number(0)])


@rule("where.self", "where.ScalarOther", "where.ScalarSelf", stretches=True)
def where(call: Call) -> str:
    return call.builder.node("Where", [call.arguments[0], operand(call, 1), operand(call, 2)])


@rule(
    "masked_fill.Scalar",
    "masked_fill_.Scalar",
    "masked_fill.Tensor",
    "masked_fill_.Tensor",
    stretches=True,
)
def masked_fill(call: Call) -> str:
    value, mask = call.arguments[:2]
    return call.builder.node("Where", [mask, operand(call, 2), value])


@rule("scalar_tensor.default", stretches=True)
def scalar(call: Call) -> str:
    return call.builder.number(call.arguments[0])


@rule(*(f"{name}.default" for name in _FILLED), stretches=True)
def full(call: Call) -> str:
    """Return the value as one number, to be broadcast."""
    name = str(call.operator).split("_")[0]
    value = {"ones": 1.0, "zeros": 0.0, "new": 0.0}.get(name)
    return call.builder.number(float(call.get(1)) if value is None else value)


@rule("mm.default", "bmm.default", "matmul.default")
def product(call: Call) -> str:
    return call.builder.node("MatMul", list(call.arguments[:2]))


@rule("addmm.default")
def affine(call: Call) -> str:
    bias, left, right = call.arguments
    return call.builder.node("Add", [call.builder.node("MatMul", [left, right]), bias])
