"""Keras files of Keras 2 and 3, read without running anything that they say.

A file is a description of layers in JSON and arrays in HDF5. Both are only looked at: no layer of
Keras is made from it, so whatever code a file brings stays what it is, bytes.
"""

import io
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from calnet_ops.errors import ModelRefused
from calnet_ops.science.network.imported_graph import INPUT, Call, Floats, Graph, GraphLayer, Ref
from calnet_ops.science.network.imported_layers import FUNCTIONS, LAYERS
from calnet_ops.science.network.imported_zip import MAX_FILE, read_zip

ENTRIES = frozenset({"metadata.json", "config.json", "model.weights.h5"})
"""All that a ``.keras`` file of a network of plain layers holds."""

MAX_CONFIG = 8 * 2**20
"""Largest description [bytes]; the published network's has 60 kB."""

MAX_WEIGHT = 64 * 2**20
"""Largest array [bytes]; the published network's largest has 32.5 MB."""

NETWORKS = frozenset({"Functional", "Model", "Sequential"})
"""What Keras calls networks."""

OF_TENSORFLOW = frozenset({"TFOpLambda", "SlicingOpLambda"})
"""Layers of Keras 2 that stand for a function of TensorFlow, by its name."""

HDF5 = b"\x89HDF\r\n\x1a\n"
ZIP = b"PK\x03\x04"
"""How the files begin."""

_WORDS = (re.compile("(.)([A-Z][a-z]+)").sub, re.compile("([a-z])([A-Z])").sub)


def read_keras(what: str, body: bytes) -> Graph:
    """Layers, weights and connections of a ``.keras`` or ``.h5`` file.

    Parameters
    ----------
    what
        Name of the file, for messages.
    body
        Its bytes.

    Raises
    ------
    ModelRefused
        If it is damaged, holds code, or layers that CALNet has not.
    """
    if body.startswith(ZIP):
        parts = read_zip(what, body, ENTRIES.__contains__)
        if missing := ENTRIES - set(parts):
            raise _refused(what, f"no {' and no '.join(sorted(missing))}")
        return _graph(what, parts["config.json"], parts["model.weights.h5"])
    if body.startswith(HDF5):
        return _graph(what, None, body)
    raise _refused(what, f"a file that begins with {body[:8]!r}")


def _graph(what: str, config: bytes | None, arrays: bytes) -> Graph:
    import h5py

    try:
        with h5py.File(io.BytesIO(arrays), "r") as file:
            if config is None:
                config = _attribute(what, file, "model_config")
            described = _description(what, config)
            layers = [_layer(what, one) for one in _list(what, described, "layers")]
            weights = _weights(what, file, layers)
    except (OSError, KeyError, ValueError, RuntimeError) as error:
        raise _refused(what, f"damaged weights ({error!s:.100})") from error
    held = {
        one.name: GraphLayer(
            one.name, one.kind, one.is_function, one.config, one.calls, weights.get(one.name, ())
        )
        for one in layers
    }
    outputs = described.get("output_layers")
    one = outputs[0] if isinstance(outputs, list) and len(outputs) == 1 else outputs
    if (output := _ref(one)) is None:
        raise _refused(what, "other than one output")
    return Graph(what, held, output)


def _description(what: str, config: bytes) -> Mapping[str, Any]:
    if len(config) > MAX_CONFIG:
        raise _refused(what, f"a description of {len(config)} bytes")
    try:
        model = json.loads(config)
        if model["class_name"] not in {"Functional", "Model"}:
            raise _refused(what, f"a network of class {model['class_name']!r:.60}")
        return dict(model["config"])
    except (ValueError, TypeError, KeyError, RecursionError) as error:
        raise _refused(what, f"a damaged description ({error!s:.80})") from error


def _list(what: str, held: Mapping[str, Any], name: str) -> list[Any]:
    if not isinstance(held.get(name), list):
        raise _refused(what, f"no list of {name}")
    return list(held[name])


def _layer(what: str, said: Any) -> GraphLayer:
    """One layer of the description; refused if it is not one that we know."""
    try:
        kind, config = str(said["class_name"]), dict(said["config"])
        name, module = str(said.get("name", config.get("name"))), str(said.get("module", ""))
        calls = tuple(_call(what, name, node) for node in said["inbound_nodes"])
    except (TypeError, KeyError, ValueError, AttributeError, RecursionError) as error:
        raise _refused(what, f"a damaged layer ({error!r:.80})") from error
    if kind.endswith("Lambda") and kind not in OF_TENSORFLOW:
        raise ModelRefused(
            what,
            found=f"a {kind} layer ({name:.60}), which holds code",
            expected="plain layers",
            cure="Have its authors write the step with layers or functions of Keras.",
        )
    # Keras 3 tells no modules in ``.h5`` files, but functions have nothing that could be trained.
    of_ops = module.startswith("keras.src.ops") or (not module and "trainable" not in config)
    is_function = kind in OF_TENSORFLOW or (of_ops and kind != INPUT)
    if is_function:
        kind = str(config.pop("function", kind)).rpartition(".")[2].lower()
    if kind in NETWORKS:
        raise _refused(
            what,
            f"a network within the network ({name:.60})",
            "Have its authors call the layers one by one instead.",
        )
    foreign = module and not is_function and not module.startswith(("keras", "tf_keras"))
    if foreign or not (kind == INPUT or kind in (FUNCTIONS if is_function else LAYERS)):
        raise _refused(
            what,
            f"a layer{' of its own' if foreign else ''} of class {kind:.60} ({name:.60})",
            "Only its code says what it does, and no code of a file is run. Have its authors write "
            "it with layers or functions of Keras that the published network has.",
        )
    return GraphLayer(name, kind, is_function, config, calls)


def _call(what: str, name: str, node: Any) -> Call:
    """What a layer is called with, as Keras 3 and as Keras 2 write it."""
    if isinstance(node, dict):
        args = [_with_refs(arg) for arg in node.get("args", [])]
        kwargs = {key: _with_refs(value) for key, value in node.get("kwargs", {}).items()}
        return Call(tuple(args), kwargs)
    if not isinstance(node, list) or not node:
        raise _refused(what, f"layer {name:.60} called with {node!r:.60}")
    entries = node if isinstance(node[0], list) else [node]
    refs = [_ref(entry) for entry in entries]
    if None in refs:
        raise _refused(what, f"layer {name:.60} called with {node!r:.60}")
    said = entries[0][3] if len(entries[0]) > 3 else {}  # noqa: PLR2004 - name, call, output, more
    kwargs = {key: _with_refs(value) for key, value in dict(said).items()}
    return Call((refs[0] if len(refs) == 1 else refs,), kwargs)


def _with_refs(value: Any) -> Any:
    """The value with what stands for arrays made `Ref`."""
    if isinstance(value, dict):
        history = value.get("config", {}).get("keras_history") if "class_name" in value else None
        return _ref(history) if history else value
    if isinstance(value, list):
        return _ref(value) or [_with_refs(one) for one in value]
    return value


def _ref(entry: Any) -> Ref | None:
    """``[layer, call, output, …]`` as both Keras write it, or None."""
    if isinstance(entry, list) and len(entry) > 2:  # noqa: PLR2004
        layer, call, output = entry[:3]
        if isinstance(layer, str) and isinstance(call, int) and output == 0:
            return Ref(layer, call)
    return None


def _weights(what: str, file: Any, layers: list[GraphLayer]) -> dict[str, tuple[Floats, ...]]:
    """Arrays of each layer in its own order."""
    if "model_weights" in file:
        held = dict(_by_name(what, _linked(what, file, "model_weights")))
    else:
        places = [name for name in ("layers", "_layer_checkpoint_dependencies") if name in file]
        if not places:
            raise _refused(what, f"weights under {', '.join(file)!s:.80} only")
        held = dict(_by_class(what, _linked(what, file, places[0]), layers))
    # One array may be told under many names, so that a small file unfolds to anything.
    n_bytes = sum(one.nbytes for arrays in held.values() for one in arrays)
    if n_bytes > MAX_FILE:
        raise _refused(what, f"arrays of {n_bytes / 2**20:.0f} MiB")
    return {
        name: tuple(np.asarray(one[()], np.float32) for one in arrays)
        for name, arrays in held.items()
    }


def _by_name(what: str, group: Any) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """As ``.h5`` files keep them: by layer, with a list of names."""
    for layer in group:
        held = _linked(what, group, layer)
        names = [_text(name) for name in held.attrs.get("weight_names", [])]
        yield layer, tuple(_dataset(what, held, name) for name in names)


def _by_class(
    what: str, group: Any, layers: list[GraphLayer]
) -> Iterator[tuple[str, tuple[Any, ...]]]:
    """As ``.keras`` files keep them: by class, counted in the order of the layers."""
    stored: dict[str, list[tuple[int, str]]] = {}
    for name in group:
        kind, _, number = name.rpartition("_")
        counted = (kind, int(number)) if number.isdigit() else (name, 0)
        stored.setdefault(counted[0], []).append((counted[1], name))
    for kind, names in stored.items():
        held = [
            arrays
            for _, name in sorted(names)
            if (arrays := tuple(_under(what, _linked(what, group, name))))
        ]
        owners = [one.name for one in layers if _snake(one.kind) == kind and not one.is_function]
        if held and len(held) != len(owners):
            raise _refused(what, f"weights of {len(held)} layers {kind} for {len(owners)}")
        yield from zip(owners, held, strict=False)


def _under(what: str, group: Any) -> Iterator[Any]:
    """Arrays below a group in the order of their paths, such as ``cell/vars/0``."""
    import h5py

    for name in sorted(group, key=lambda text: (not text.isdigit(), text.zfill(4))):
        held = _linked(what, group, name)
        if isinstance(held, h5py.Group):
            yield from _under(what, held)
        else:
            yield _dataset(what, group, name)


def _linked(what: str, group: Any, name: str) -> Any:
    """What a group holds under a name, if it is in the same file."""
    import h5py

    if not isinstance(group.get(name, getlink=True), h5py.HardLink):
        raise _refused(what, f"weights that are in another file ({name:.60})")
    return group[name]


def _dataset(what: str, group: Any, path: str) -> Any:
    """An array that may be read."""
    held = group
    for name in path.strip("/").split("/"):
        held = _linked(what, held, name)
    if held.external or held.is_virtual:
        raise _refused(what, f"weights that are in another file ({path:.60})")
    if held.dtype.kind != "f" or held.nbytes > MAX_WEIGHT:
        raise _refused(what, f"an array of {held.size} times {held.dtype} ({path:.60})")
    return held


def _attribute(what: str, file: Any, name: str) -> bytes:
    said = file.attrs.get(name)
    if said is None:
        raise _refused(what, f"no {name}: weights without their network")
    return _text(said).encode()


def _text(said: Any) -> str:
    return said.decode() if isinstance(said, bytes) else str(said)


def _snake(kind: str) -> str:
    """``MaxPooling1D`` as Keras names it in files: ``max_pooling1d``."""
    for put in _WORDS:
        kind = put(r"\1_\2", kind)
    return kind.lower()


def _refused(what: str, found: str, cure: str = "") -> ModelRefused:
    return ModelRefused(
        what, found=found, expected="a network of the published form, saved by Keras", cure=cure
    )
