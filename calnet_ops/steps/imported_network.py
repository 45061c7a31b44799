"""A network read from a file that somebody else wrote."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from calnet_ops.errors import ModelRefused, WrongConfiguration
from calnet_ops.lineage import sha256_hex
from calnet_ops.science.evaluation.first_look import FirstLook, first_segments, look_at
from calnet_ops.science.network.forward import Scorer
from calnet_ops.science.network.imported_calnet import calnet_weights, check_graph, swap_outputs
from calnet_ops.science.network.imported_keras import read_keras
from calnet_ops.science.network.imported_port import port_weights
from calnet_ops.science.network.imported_torch import read_state_dict
from calnet_ops.science.network.imported_zip import MAX_FILE

Floats = npt.NDArray[np.float32]
Answer = Callable[[Floats, Floats], Floats]
"""Both outputs of a network, (n, 2), from flux (n, 4000) and power (n, 1000)."""

KERAS = frozenset({".keras", ".h5", ".hdf5"})
TORCH = frozenset({".pt", ".pth"})
"""Suffixes of the files of either library."""

OUTPUTS = (0, 1)

COMPARED = 6
"""Every so many of the first light curves, two of each kind, is also put through the file's own
graph, which takes 0.1 s each."""


@dataclass(frozen=True)
class ImportedNetwork:
    """Weights of one of our networks, out of a file, and what is known of them."""

    network: str
    """Name of the network, see `variants`."""
    weights: dict[str, Floats]
    """By the names of ours; output 0 is P(EB)."""
    form: str
    """Of the file, in words."""
    output_index: int
    """Which output of the file's network is P(EB)."""
    sha256: str
    look: FirstLook
    """What it says of light curves that no model may mistake."""


def read_network(file: Path, output_index: int | None = None) -> ImportedNetwork:
    """Read a file of Keras or PyTorch, run nothing of it, and look at what it says first.

    Parameters
    ----------
    file
        ``.keras`` or ``.h5`` of the published network (Keras 2 or 3), or ``.pt``, ``.pth`` with the
        state dictionary of the PyTorch form.
    output_index
        Which output is P(EB); by default 0 of Keras files and 1 of PyTorch files, as published.

    Raises
    ------
    ModelRefused
        If the file is not safe, not one of these networks, or answers nonsense.
    WrongConfiguration
        If there is no such file, or no such output.
    """
    if output_index not in (None, *OUTPUTS):
        raise WrongConfiguration("--output-index", found=f"{output_index}", expected="0 or 1")
    body = _bytes(file)
    keras = file.suffix in KERAS
    form = "Keras" if keras else "PyTorch state dictionary"
    weights, both = _read_keras(file.name, body) if keras else _read_torch(file.name, body)
    eb = output_index if output_index is not None else (0 if keras else 1)
    look = look_at(both[:, eb])
    _check(file.name, look, eb)
    return ImportedNetwork(
        network="calnet" if keras else "port",
        weights=weights if eb == 0 else swap_outputs(weights),
        form=form,
        output_index=eb,
        sha256=sha256_hex(body),
        look=look,
    )


def published_scorer(file: Path) -> Scorer | None:
    """What scores with a Keras file of the published network, made without Keras in a second.

    Returns
    -------
    scorer
        None if a ``.keras`` file holds something else: Keras may know it.

    Raises
    ------
    ModelRefused
        If it is the published network, but its first answers are nonsense or in reversed order;
        or an ``.h5`` file with something else: Keras would run code in it, in safe mode as well.
    """
    try:
        weights, both = _read_keras(file.name, _bytes(file))
    except ModelRefused:
        if file.suffix == ".keras":
            return None
        raise
    _check(file.name, look_at(both[:, 0]), 0)
    return Scorer(weights)


def _bytes(file: Path) -> bytes:
    if file.is_dir():
        raise ModelRefused(
            file.name,
            found="a folder, perhaps a SavedModel, which is a program",
            expected="a file",
            cure="Open it with Keras and save the network again: model.save('calnet.keras')",
        )
    if file.suffix not in KERAS | TORCH:
        raise ModelRefused(
            file.name,
            found=f"suffix {file.suffix or 'none'}",
            expected=" or ".join(sorted(KERAS | TORCH)),
            cure="Other forms, pickles among them, are not read, as they can hold code.",
        )
    try:
        if file.stat().st_size > MAX_FILE:
            raise ModelRefused(
                file.name,
                found=f"{file.stat().st_size / 2**20:.0f} MiB",
                expected=f"at most {MAX_FILE / 2**20:.0f} MiB",
            )
        return file.read_bytes()
    except OSError as error:
        raise WrongConfiguration(
            str(file), found=str(error.strerror), expected="a model file"
        ) from error


def _read_keras(name: str, body: bytes) -> tuple[dict[str, Floats], Floats]:
    graph = read_keras(name, body)
    weights = calnet_weights(graph)
    flux, power, _ = first_segments()
    check_graph(graph, weights, flux[::COMPARED], power[::COMPARED])
    eb = Scorer(weights).score(flux, power)
    return weights, np.stack([eb, 1 - eb], axis=1)


def _read_torch(name: str, body: bytes) -> tuple[dict[str, Floats], Floats]:
    weights = port_weights(name, read_state_dict(name, body))
    from calnet_ops.science.network.variants import build_network  # loads Keras, which takes long

    flux, power, _ = first_segments()
    model = build_network("port")
    for weight in model.weights:
        weight.assign(weights[weight.path])
    both = model.predict([flux[..., None], power[..., None]], verbose=0)
    return weights, np.asarray(both, np.float32)


def _check(name: str, look: FirstLook, output_index: int) -> None:
    """First predictions have to be sane, and outputs in the order that was said."""
    if not look.finite:
        raise ModelRefused(name, found="answers that are no numbers", expected="probabilities")
    if look.constant:
        raise ModelRefused(
            name,
            found=f"the same answer, {look.low:.4f}, for binaries and quiet stars",
            expected="a network that has learned something",
        )
    if look.order == "reversed":
        other = 1 - output_index
        raise ModelRefused(
            name,
            found=f"output {output_index} higher for quiet stars than for clear binaries "
            f"in {1 - look.in_order:.0%} of the pairs",
            expected=f"output {output_index} to be P(EB)",
            cure=f"If output {other} is P(EB), say so: --output-index {other}",
        )
