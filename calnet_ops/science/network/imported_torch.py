"""PyTorch's state dictionaries, read without PyTorch and without running the pickle in them.

Such a file is a zip of raw numbers and a pickle that says how they are shaped. A pickle is a
program: here its steps are read one by one, and the few that describe tensors are followed on a
stack of plain values. Nothing is ever imported or called: a pickle that wants more is refused.

References
----------
Python's `pickletools` (what each step means); `torch/serialization.py` (layout of the zip file).
"""

import math
import pickletools
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt

from calnet_ops.errors import ModelRefused
from calnet_ops.science.network.imported_zip import read_zip

Floats = npt.NDArray[np.float32]

MAX_PICKLE = 2**20
"""Largest pickle [bytes]; that of the port has 6 kB."""

MAX_VALUES = 100_000
"""Most values that it may build; the port's builds 1,500."""

MAX_NUMBERS = 2**25
"""Most numbers in its tensors; the port has 8.8 million."""

STORAGES: Mapping[str, str] = MappingProxyType(
    {
        "FloatStorage": "<f4",
        "DoubleStorage": "<f8",
        "HalfStorage": "<f2",
        "LongStorage": "<i8",
        "IntStorage": "<i4",
        "ShortStorage": "<i2",
        "CharStorage": "i1",
        "ByteStorage": "u1",
        "BoolStorage": "?",
    }
)
"""Kinds of raw numbers, and their types in numpy. Whole numbers, such as the state of a random
number generator beside the weights, are left aside."""

ALLOWED = frozenset(
    {
        "collections OrderedDict",
        "torch._utils _rebuild_tensor_v2",
        "torch._utils _rebuild_parameter",
        *(f"torch {name}" for name in STORAGES),
    }
)
"""All names that the pickle of a state dictionary needs."""

OPTIMISER = "param_groups"
"""What every optimiser's state has, and no network's."""

OLD = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""How files of PyTorch before 1.6 begin."""

_ENTRY = re.compile(
    r"[^/]+/(data\.pkl|data/\d+|version|byteorder|\.format_version|\.storage_alignment"
    r"|\.data/serialization_id)"
).fullmatch


def read_state_dict(what: str, body: bytes) -> dict[str, Floats]:
    """Tensors of a state dictionary by name, in the order of the file.

    Parameters
    ----------
    what
        Name of the file, for messages.
    body
        Its bytes: a zip file as `torch.save` writes it since PyTorch 1.6.

    Raises
    ------
    ModelRefused
        If it is damaged, or holds more than tensors.
    """
    if body.startswith(OLD) or body[:1] == b"\x80":
        raise _refused(
            what,
            "a bare pickle, which is a program",
            "Save the weights again with PyTorch 1.6 or later: torch.save(model.state_dict(), …)",
        )
    parts = read_zip(what, body, lambda name: _ENTRY(name) is not None)
    roots = [name.removesuffix("/data.pkl") for name in parts if name.endswith("/data.pkl")]
    if len(roots) != 1:
        raise _refused(what, f"{len(roots)} pickles")
    if parts.get(f"{roots[0]}/byteorder", b"little") != b"little":
        raise _refused(what, "numbers of the other byte order")
    raw = {name.removeprefix(f"{roots[0]}/data/"): held for name, held in parts.items()}
    try:
        told = _Reader(what, parts[f"{roots[0]}/data.pkl"]).read()
        found = list(_state_dicts(told))
        if len(found) != 1:
            cure = "Save the weights alone: torch.save(model.state_dict(), 'calnet.pt')"
            raise _refused(what, f"{len(found) or 'no'} dictionaries of tensors", cure)
        n_value = sum(math.prod(one.shape) for one in found[0].values())
        if n_value > MAX_NUMBERS:  # one tensor may be told under many names
            raise _refused(what, f"tensors of {n_value:,} numbers")
        return {name: _array(one, raw) for name, one in found[0].items()}
    except (ValueError, KeyError, IndexError, TypeError, AttributeError, OverflowError) as error:
        raise _refused(what, f"a damaged pickle ({error!r:.80})") from error


@dataclass(frozen=True, slots=True)
class _Name:
    """A name that the pickle would have imported."""

    text: str


@dataclass(frozen=True, slots=True)
class _Storage:
    dtype: str
    key: str


@dataclass(frozen=True, slots=True)
class _Tensor:
    storage: _Storage
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]


_MARK = object()


class _Reader:
    """Follows the steps of a pickle that describes tensors."""

    def __init__(self, what: str, program: bytes) -> None:
        if len(program) > MAX_PICKLE:
            raise _refused(what, f"a pickle of {len(program)} bytes")
        self._what, self._program = what, program
        self._stack: list[Any] = []
        self._memo: dict[int, Any] = {}
        self._steps: Mapping[str, Callable[[Any], None]] = {
            **dict.fromkeys(("PROTO", "FRAME"), lambda _: None),
            **dict.fromkeys(
                ("BININT", "BININT1", "BININT2", "LONG1", "BINFLOAT", "BINUNICODE",
                 "SHORT_BINUNICODE"), self._stack.append),
            **{name: self._put(make) for name, make in (
                ("NONE", lambda: None), ("NEWTRUE", lambda: True), ("NEWFALSE", lambda: False),
                ("EMPTY_DICT", dict), ("EMPTY_LIST", list), ("EMPTY_TUPLE", tuple),
                ("MARK", lambda: _MARK))},
            "GLOBAL": self._name,
            "STACK_GLOBAL": lambda _: self._name(" ".join(reversed((self._pop(), self._pop())))),
            **dict.fromkeys(("BINPUT", "LONG_BINPUT"), self._remember),
            "MEMOIZE": lambda _: self._remember(len(self._memo)),
            **dict.fromkeys(
                ("BINGET", "LONG_BINGET"), lambda number: self._stack.append(self._memo[number])),
            **{f"TUPLE{n}": self._tuple(n) for n in (1, 2, 3)},
            "TUPLE": lambda _: self._stack.append(tuple(self._marked())),
            "SETITEM": lambda _: self._set([self._pop(), self._pop()][::-1]),
            "SETITEMS": lambda _: self._set(self._marked()),
            "APPEND": lambda _: self._extend([self._pop()]),
            "APPENDS": lambda _: self._extend(self._marked()),
            "BINPERSID": self._storage,
            "REDUCE": self._reduce,
            "BUILD": self._build,
        }  # fmt: skip

    def read(self) -> Any:
        """The value that the pickle describes."""
        for number, (step, argument, _) in enumerate(pickletools.genops(self._program)):
            if step.name == "STOP":
                return self._pop()
            if step.name not in self._steps or number > MAX_VALUES:
                raise _refused(self._what, f"a pickle with the step {step.name}")
            self._steps[step.name](argument)
        raise ValueError("no end")

    def _pop(self) -> Any:
        return self._stack.pop()

    def _put(self, make: Callable[[], Any]) -> Callable[[Any], None]:
        return lambda _: self._stack.append(make())

    def _tuple(self, n: int) -> Callable[[Any], None]:
        def join(_: Any) -> None:
            self._stack[-n:] = [tuple(self._stack[-n:])]

        return join

    def _marked(self) -> list[Any]:
        """What lies above the last mark."""
        place = len(self._stack) - 1
        while self._stack[place] is not _MARK:
            place -= 1
        values = self._stack[place + 1 :]
        del self._stack[place:]
        return values

    def _remember(self, number: int) -> None:
        self._memo[number] = self._stack[-1]

    def _set(self, pairs: list[Any]) -> None:
        self._stack[-1].update(zip(pairs[::2], pairs[1::2], strict=True))

    def _extend(self, values: list[Any]) -> None:
        self._stack[-1].extend(values)

    def _name(self, text: str) -> None:
        if text not in ALLOWED:
            raise ModelRefused(
                self._what,
                found=f"a pickle that wants to run {text.replace(' ', '.'):.80}",
                expected="weights only",
                cure="Save the weights alone: torch.save(model.state_dict(), 'calnet.pt')",
            )
        self._stack.append(_Name(text))

    def _storage(self, _: Any) -> None:
        kind, storage, key, _place, _size = self._pop()
        if kind != "storage":
            raise ValueError(kind)
        self._stack.append(_Storage(STORAGES[storage.text.removeprefix("torch ")], key))

    def _reduce(self, _: Any) -> None:
        """What a call of one of the allowed names would have given."""
        args, name = self._pop(), self._pop()
        if name.text == "collections OrderedDict" and args == ():
            self._stack.append({})
        elif name.text.endswith("_rebuild_tensor_v2"):
            storage, offset, shape, stride, *_more = args
            self._stack.append(_Tensor(storage, offset, shape, stride))
        elif name.text.endswith("_rebuild_parameter"):
            self._stack.append(args[0])
        else:
            raise ValueError(name.text)

    def _build(self, _: Any) -> None:
        """Attributes of a dictionary, such as versions: left aside."""
        self._pop()
        if not isinstance(self._stack[-1], dict):
            raise TypeError("attributes of something else")


def _state_dicts(told: Any) -> Iterator[dict[str, _Tensor]]:
    """State dictionaries of networks: all there is, or anywhere in a checkpoint."""
    waiting, seen = [told], set()
    while waiting:
        one = waiting.pop()
        if not isinstance(one, dict) or OPTIMISER in one or id(one) in seen:
            continue
        seen.add(id(one))
        waiting.extend(one.values())
        tensors = {
            str(name): held
            for name, held in one.items()
            if isinstance(held, _Tensor) and held.shape and "f" in held.storage.dtype
        }
        if tensors:  # a loss beside them has no shape
            yield tensors


def _array(tensor: _Tensor, raw: Mapping[str, bytes]) -> Floats:
    numbers = np.frombuffer(raw[tensor.storage.key], tensor.storage.dtype)
    shape, stride = tensor.shape, tensor.stride
    if len(shape) != len(stride) or min((tensor.offset, *shape, *stride)) < 0:
        raise ValueError(f"shape {shape}, stride {stride}")
    last = tensor.offset + sum((n - 1) * step for n, step in zip(shape, stride, strict=True))
    if 0 not in shape and last >= len(numbers):
        raise ValueError(f"shape {shape} of {len(numbers)} numbers")
    size = numbers.itemsize
    view = np.lib.stride_tricks.as_strided(
        numbers[tensor.offset :], shape, tuple(step * size for step in stride), writeable=False
    )
    if view.size > numbers.size:
        raise ValueError(f"shape {shape} of {len(numbers)} numbers")
    return np.array(view, np.float32)


def _refused(what: str, found: str, cure: str = "") -> ModelRefused:
    return ModelRefused(
        what, found=found, expected="a state dictionary saved by PyTorch", cure=cure
    )
