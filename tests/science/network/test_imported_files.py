"""Model files that are refused, each for its own reason; none of them is ever run."""

import io
import json
import pickle
import zipfile
from collections import OrderedDict
from typing import Any

import h5py
import numpy as np
import pytest
from typing_extensions import override

from calnet_ops.errors import ModelRefused
from calnet_ops.science.network.imported_calnet import calnet_weights
from calnet_ops.science.network.imported_keras import read_keras
from calnet_ops.science.network.imported_port import port_weights
from calnet_ops.science.network.imported_torch import read_state_dict
from calnet_ops.science.network.imported_zip import read_zip


def layer(kind: str, name: str, before: str = "", **config: Any) -> dict[str, Any]:
    module = config.pop("module", "keras.layers")
    nodes = [[[before, 0, 0, {}]]] if before else []
    config = {"name": name, **config}
    return {"module": module, "class_name": kind, "config": config, "name": name,
            "inbound_nodes": nodes}  # fmt: skip


INPUT = layer("InputLayer", "flux", batch_input_shape=[None, 4000, 1])


def described(*layers: dict[str, Any], kind: str = "Functional") -> bytes:
    config = {"layers": list(layers), "output_layers": [[layers[-1]["name"], 0, 0]]}
    return json.dumps({"class_name": kind, "config": config}).encode()


def weights(change=None) -> bytes:
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file["layers/dense/vars/0"] = np.ones((1, 2), np.float32)
        file["layers/dense/vars/1"] = np.ones(2, np.float32)
        if change:
            change(file)
    return buffer.getvalue()


def keras_file(config: bytes, arrays: bytes | None = None, **more: bytes) -> bytes:
    parts = {"metadata.json": b"{}", "config.json": config}
    parts["model.weights.h5"] = weights() if arrays is None else arrays
    return zipped(parts | more)


def zipped(parts: dict[str, bytes], how: int = zipfile.ZIP_STORED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", how) as archive:
        for name, body in parts.items():
            archive.writestr(name, body)
    return buffer.getvalue()


DENSE = layer("Dense", "dense", "flux", units=2, activation="softmax")
SMALL = described(INPUT, DENSE)


def test_a_small_network_is_read_and_computed():
    graph = read_keras("f.keras", keras_file(SMALL))
    assert graph.layers["dense"].weights[0].shape == (1, 2)
    flux = np.zeros((2, 4000), np.float32)
    assert np.all(graph.answer(flux, np.zeros((2, 1000), np.float32)) == 0.5)


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (b"", "begins with"),
        (b"GIF89a", "begins with"),
        (keras_file(SMALL)[:-40], "damaged zip"),
        (keras_file(described(INPUT, layer("Lambda", "code", "flux"))), "Lambda layer.*holds code"),
        (keras_file(described(INPUT, layer("MyLayer", "m", "flux", module="evil"))), "of its own"),
        (keras_file(described(INPUT, layer("Dense", "d", "flux", module="evil"))), "of its own"),
        (keras_file(described(INPUT, layer("TFOpLambda", "f", "flux", function="io.read_file"))),
         "class read_file"),
        (keras_file(described(INPUT, layer("TFSMLayer", "s", "flux"))), "class TFSMLayer"),
        (keras_file(described(INPUT, layer("Functional", "s", "flux"))), "class Functional"),
        (keras_file(described(INPUT, DENSE, kind="Sequential")), "network of class 'Sequential'"),
        (keras_file(b"{" * 10), "damaged description"),
        (keras_file(b"[" * 100_000), "damaged description"),
        (keras_file(b'{"class_name": "Functional", "config": {}}'), "no list of layers"),
        (keras_file(SMALL, b"nothing"), "damaged weights"),
        (zipped({"config.json": SMALL}), r"no metadata\.json and no model"),
        (keras_file(SMALL, **{"assets/run.py": b"x"}), r"an entry assets/run\.py"),
        (keras_file(SMALL, **{"../../etc/cron.d/x": b"x"}), "leads elsewhere"),
        (keras_file(SMALL, **{"/etc/passwd": b"x"}), "leads elsewhere"),
        (keras_file(SMALL, **{"..\\x": b"x"}), "leads elsewhere"),
    ],
)  # fmt: skip
def test_a_keras_file_that_is_not_ours_is_refused(body, found):
    with pytest.raises(ModelRefused, match=found):
        read_keras("f.keras", body)


def test_a_zip_that_unfolds_to_far_more_is_refused(monkeypatch):
    monkeypatch.setattr("calnet_ops.science.network.imported_zip.MAX_FILE", 2**20)
    parts = {"metadata.json": b"", "config.json": b"", "model.weights.h5": bytes(2**20 + 1)}
    bomb = zipped(parts, zipfile.ZIP_DEFLATED)
    assert len(bomb) < 2**12
    with pytest.raises(ModelRefused, match="at most 1 MiB"):
        read_keras("f.keras", bomb)


def test_an_entry_that_is_longer_than_it_says_is_refused():
    body = bytearray(zipped({"config.json": bytes(4096)}, zipfile.ZIP_DEFLATED))
    for at in range(len(body) - 4):
        if body[at : at + 4] == (4096).to_bytes(4, "little"):
            body[at : at + 4] = (16).to_bytes(4, "little")
    with pytest.raises(ModelRefused, match=r"damaged zip|MiB"):
        read_zip("f.keras", bytes(body), lambda _: True)


def external(file):
    file["layers/dense/vars/2"] = h5py.ExternalLink("other.h5", "/x")


def elsewhere(file):
    file.create_dataset("layers/dense/vars/2", (4,), "f4", external=[("/etc/passwd", 0, 16)])


def words(file):
    file["layers/dense/vars/2"] = np.array([b"os.system"])


def huge(file):
    file.create_dataset("layers/dense/vars/2", (2**40,), "f4", chunks=(2**16,), compression="gzip")


def more(file):
    file["layers/dense_1/vars/0"] = np.ones(2, np.float32)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (external, "in another file"),
        (elsewhere, "in another file"),
        (words, "an array of"),
        (huge, "an array of 1099511627776"),
        (more, "2 layers dense for 1"),
    ],
)
def test_weights_that_are_not_plain_arrays_are_refused(change, found):
    with pytest.raises(ModelRefused, match=found):
        read_keras("f.keras", keras_file(SMALL, weights(change)))


def test_weights_without_a_network_are_refused():
    with pytest.raises(ModelRefused, match="weights without their network"):
        read_keras("f.h5", weights())


def test_another_network_is_refused():
    graph = read_keras("f.keras", keras_file(SMALL))
    with pytest.raises(ModelRefused, match=r"no layers with weights .* for flux_conv_64"):
        calnet_weights(graph)


@pytest.mark.parametrize(
    ("layers", "found"),
    [
        ((layer("Dense", "dense", "dense"),), "depend on themselves"),
        ((layer("Dense", "dense", "gone"),), "'gone' that is not described"),
        ((layer("Dense", "dense", "flux", activation={"class_name": "f"}),), "activation"),
        ((layer("Dense", "dense", "flux", activation="evil>f"),), "activation"),
    ],
)
def test_a_network_that_cannot_be_computed_is_refused(layers, found):
    graph = read_keras("f.keras", keras_file(described(INPUT, *layers)))
    with pytest.raises(ModelRefused, match=found):
        graph.answer(np.zeros((2, 4000), np.float32), np.zeros((2, 1000), np.float32))


class Evil:
    @override
    def __reduce__(self) -> Any:
        return print, ("run",)


def torch_file(program: bytes, **more: bytes) -> bytes:
    return zipped({"archive/data.pkl": program, "archive/version": b"3", **more})


@pytest.mark.parametrize(
    ("body", "found"),
    [
        (pickle.dumps({}, 2), "bare pickle"),
        (b"PK\x03\x04", "damaged zip"),
        (torch_file(pickle.dumps(Evil(), 2)), r"wants to run __builtin__\.print"),
        (torch_file(pickle.dumps(Evil(), 4)), r"wants to run builtins\.print"),
        (torch_file(b"\x80\x02cos\nsystem\nX\x02\x00\x00\x00id\x85R."), r"run os\.system"),
        (torch_file(b"\x80\x02(X\x01\x00\x00\x00aios\nsystem\n."), "step INST"),
        (torch_file(b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R."), "damaged pickle"),
        (torch_file(b"\x80\x02}"), "damaged pickle"),
        (torch_file(b"\x80\x02h\x07."), "damaged pickle"),
        (torch_file(pickle.dumps(OrderedDict(), 2)), "no tensors"),
        (torch_file(pickle.dumps(b"x" * 2**21, 2)), "a pickle of"),
        (torch_file(b"", **{"archive/code/x.py": b""}), "an entry archive/code"),
        (zipped({"archive/version": b"3"}), "0 pickles"),
    ],
)
def test_a_torch_file_that_holds_more_than_weights_is_refused(body, found, capsys):
    with pytest.raises(ModelRefused, match=found):
        read_state_dict("f.pt", body)
    assert "run" not in capsys.readouterr().out


def tensor(shape: str, stride: str, offset: str = "K\x00") -> bytes:
    """A pickle of a dictionary with one tensor over storage 0."""
    program = (
        "\x80\x02}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage"
        f"ctorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ{offset}{shape}{stride}"
        "\x89}tRs."
    )
    return program.encode("latin-1")


def test_a_tensor_is_read_with_its_strides():
    held = {"archive/data/0": np.arange(4, dtype="<f4").tobytes()}
    found = read_state_dict("f.pt", torch_file(tensor("K\x02K\x02\x86", "K\x01K\x02\x86"), **held))
    np.testing.assert_array_equal(found["w"], [[0, 2], [1, 3]])


@pytest.mark.parametrize(
    ("shape", "stride", "offset"),
    [
        ("K\x03K\x02\x86", "K\x02K\x01\x86", "K\x00"),  # beyond the end
        ("K\x02K\x02\x86", "K\x02K\x01\x86", "K\x01"),
        ("K\xffK\xff\x86", "K\x00K\x00\x86", "K\x00"),  # the same number over and over
        ("K\x02K\x02\x86", "K\x01\x85", "K\x00"),
        ("J\xff\xff\xff\xff\x85", "K\x01\x85", "K\x00"),
    ],
)
def test_a_tensor_that_its_numbers_do_not_fill_is_refused(shape, stride, offset):
    held = {"archive/data/0": np.arange(4, dtype="<f4").tobytes()}
    with pytest.raises(ModelRefused, match="damaged"):
        read_state_dict("f.pt", torch_file(tensor(shape, stride, offset), **held))


def test_tensors_of_another_network_are_refused():
    with pytest.raises(ModelRefused, match="0 recurrent layers"):
        port_weights("f.pt", {"w": np.ones((2, 2), np.float32)})
