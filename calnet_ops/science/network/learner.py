"""A network as it learns: the same layers and weights, laid out for its gradient.

None of this changes what is learned. The last softmax is left to the loss. On a CPU, an LSTM takes
the gradients of its weights for all steps in one product behind its loop: TensorFlow, which follows
the loop, adds up those of each step, and learns a sixth more slowly. And a convolution is laid out
so that bias and ReLU are part of it.
"""

from typing import Any, TypeAlias

import keras
from keras import layers, ops

from calnet_ops.science.network.backend import learns_faster_with_ours

Tensor: TypeAlias = Any  # each library has its own


def as_it_learns(model: keras.Model) -> keras.Model:
    """The same layers and weights up to what goes into the last softmax.

    The published loss is the cross-entropy of each of these two numbers through a sigmoid: Keras
    on TensorFlow remembers them. Other libraries forget them, and would take another loss of the
    same name.
    """
    last = model.layers[-1]

    def laid_out(layer: layers.Layer, *inputs: Any, **options: Any) -> Any:
        if layer is last:
            return _Sums(layer, dtype="float32", name="sums")(*inputs)
        ours = OURS.get(type(layer))
        # Without a bias there is nothing to join, and a dilated convolution takes a third longer.
        if ours is not None and layer.use_bias and learns_faster_with_ours():
            return ours(layer, dtype=layer.dtype_policy, name=f"{layer.name}_learning")(*inputs)
        return layer(*inputs, **options)

    return keras.models.clone_model(
        model, clone_function=lambda layer: layer, call_function=laid_out
    )


class _Sums(layers.Layer):
    """What a dense layer gives to its activation."""

    def __init__(self, dense: layers.Dense, **options: Any) -> None:
        super().__init__(**options)
        self.dense = dense

    def call(self, inputs: Tensor) -> Tensor:
        return ops.matmul(inputs, self.dense.kernel) + self.dense.bias

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.dense.units)


class _Steps(layers.Layer):
    """All steps of an LSTM as Keras makes it by default."""

    def __init__(self, lstm: layers.LSTM, **options: Any) -> None:
        super().__init__(**options)
        self.lstm = lstm

    def call(self, inputs: Tensor) -> Tensor:
        cell = self.lstm.cell
        weights = (cell.kernel, cell.recurrent_kernel, cell.bias)
        return lstm_steps(inputs, *(ops.convert_to_tensor(weight) for weight in weights))

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        return (*input_shape[:-1], self.lstm.units)


class _Convolution(layers.Layer):
    """A convolution along one axis, as one along the second of two.

    TensorFlow joins that with its bias and ReLU; behind one along one axis the result is another
    shape first, so three large arrays are made in place of one.
    """

    def __init__(self, conv: layers.Conv1D, **options: Any) -> None:
        super().__init__(**options)
        self.conv = conv

    def call(self, inputs: Tensor) -> Tensor:
        conv = self.conv
        sums = ops.conv(
            inputs[:, None],
            ops.convert_to_tensor(conv.kernel)[None],
            strides=(1, *conv.strides),
            padding=conv.padding,
            dilation_rate=(1, *conv.dilation_rate),
        )
        return ops.squeeze(conv.activation(sums + ops.convert_to_tensor(conv.bias)), 1)

    def compute_output_shape(self, input_shape: tuple[int | None, ...]) -> tuple[int | None, ...]:
        shape: tuple[int | None, ...] = self.conv.compute_output_shape(input_shape)
        return shape


OURS: dict[type, type] = {layers.LSTM: _Steps, layers.Conv1D: _Convolution}
"""What stands in for layers of Keras, of the same weights."""


@ops.custom_gradient
def lstm_steps(inputs: Tensor, kernel: Tensor, recurrent: Tensor, bias: Tensor) -> Any:
    r"""Outputs of an LSTM, with a gradient in a few large products.

    .. math::
        a_t = x_t W + h_{t-1} U + b, \quad c_t = f_t c_{t-1} + i_t g_t, \quad h_t = o_t \tanh c_t

    with the logistic function of the parts i, f, o of a, and tanh of g. Backwards, the loop only
    takes :math:`\partial L / \partial a_t`, which needs U alone; those of W, U, b and x follow
    from all steps at once.

    Parameters
    ----------
    inputs
        (n, n_step, n_in)
    kernel, recurrent, bias
        (n_in, 4 n_unit), (n_unit, 4 n_unit), (4 n_unit,): parts i, f, g, o.

    Returns
    -------
    outputs
        (n, n_step, n_unit)

    References
    ----------
    Hochreiter & Schmidhuber 1997, Neural Computation 9, 1735; Gers et al. 2000, Neural
    Computation 12, 2451 (f).
    """
    n_step = inputs.shape[1]
    in_time = ops.transpose(inputs, (1, 0, 2))
    gates: list[list[Tensor]] = []
    memories: list[Tensor] = []
    outputs: list[Tensor] = []
    for from_input in ops.unstack(ops.matmul(in_time, kernel) + bias, n_step):
        sums = from_input + ops.matmul(outputs[-1], recurrent) if outputs else from_input
        i, f, g, o = ops.split(sums, 4, axis=-1)
        i, f, g, o = ops.sigmoid(i), ops.sigmoid(f), ops.tanh(g), ops.sigmoid(o)
        memories.append(f * memories[-1] + i * g if memories else i * g)
        shown = ops.tanh(memories[-1])
        outputs.append(o * shown)
        gates.append([i, f, g, o, shown])

    def gradient(*arguments: Tensor, upstream: Tensor | None = None) -> tuple[Tensor, ...]:
        # PyTorch says it by name, behind the arguments; the others say nothing else.
        wanted = arguments[-1] if upstream is None else upstream
        of_sums = _backwards(ops.transpose(wanted, (1, 0, 2)), gates, memories, recurrent)
        every, later = ops.concatenate(of_sums), ops.concatenate(of_sums[1:])
        each = ops.reshape(in_time, (-1, in_time.shape[-1]))
        of_inputs = ops.matmul(ops.stack(of_sums, axis=1), ops.transpose(kernel))
        return (
            of_inputs,
            ops.matmul(ops.transpose(each), every),
            ops.matmul(ops.transpose(ops.concatenate(outputs[:-1])), later),
            ops.sum(every, axis=0),
        )

    return ops.stack(outputs, axis=1), gradient


def _backwards(
    wanted: Tensor, gates: list[list[Tensor]], memories: list[Tensor], recurrent: Tensor
) -> list[Tensor]:
    """Gradient of the sums of each step, (n, 4 n_unit), from that of the outputs, step by step.

    What depends on no other step is taken for all of them before the loop.
    """
    n_step = len(gates)
    i, f, g, o, shown = (ops.stack(part) for part in zip(*gates, strict=True))
    before = ops.stack([ops.zeros_like(memories[0]), *memories[:-1]])
    slopes = ops.concatenate(
        [g * i * (1 - i), before * f * (1 - f), i * (1 - g * g), shown * o * (1 - o)], axis=-1
    )
    into_memory = ops.unstack(o * (1 - shown * shown), n_step)
    steps = list(zip(ops.unstack(wanted, n_step), ops.unstack(slopes, n_step), strict=True))
    of_sums: list[Tensor] = []
    of_output = of_memory = 0
    for number in reversed(range(n_step)):
        direct, slope = steps[number]
        of_output = direct + of_output
        of_memory = of_output * into_memory[number] + of_memory
        of_sums.append(ops.concatenate([of_memory] * 3 + [of_output], axis=-1) * slope)
        of_output = ops.matmul(of_sums[-1], ops.transpose(recurrent))
        of_memory = of_memory * gates[number][1]
    return of_sums[::-1]
