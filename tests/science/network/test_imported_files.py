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
        (keras_file(described(INPUT, layer("Functional", "s", "flux"))), "network within"),
        (keras_file(described(INPUT, layer("Sequential", "s", "flux"))), "network within"),
        (keras_file(described(INPUT, {**DENSE, "inbound_nodes": [{"args": 1}]})), "damaged layer"),
        (keras_file(described(INPUT, {**DENSE, "inbound_nodes": [[["flux", 0, 0, 1]]]})),
         "damaged layer"),
        (keras_file(json.dumps({"class_name": "Model", "config": {
            "layers": [INPUT, DENSE], "output_layers": {"eb": ["flux", 0, 0]}}}).encode()),
         "one output"),
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


def bare(file):
    del file["layers/dense"]


def root(file):
    del file["layers"]
    file["layers"] = h5py.ExternalLink("other.h5", "/layers")


def repeated(file):
    for number in range(2, 12):
        file[f"layers/dense/vars/{number}"] = file["layers/dense/vars/0"]


def more(file):
    file["layers/dense_1/vars/0"] = np.ones(2, np.float32)


@pytest.mark.parametrize(
    ("change", "found"),
    [
        (external, "in another file"),
        (elsewhere, "in another file"),
        (root, "in another file"),
        (words, "an array of"),
        (huge, "an array of 1099511627776"),
        (more, "2 layers dense for 1"),
    ],
)
def test_weights_that_are_not_plain_arrays_are_refused(change, found):
    with pytest.raises(ModelRefused, match=found):
        read_keras("f.keras", keras_file(SMALL, weights(change)))


def test_an_array_under_many_names_is_refused(monkeypatch):
    monkeypatch.setattr("calnet_ops.science.network.imported_keras.MAX_FILE", 64)
    with pytest.raises(ModelRefused, match="arrays of"):
        read_keras("f.keras", keras_file(SMALL, weights(repeated)))


def test_weights_without_a_network_are_refused():
    with pytest.raises(ModelRefused, match="weights without their network"):
        read_keras("f.h5", weights())


def test_another_network_is_refused():
    graph = read_keras("f.keras", keras_file(SMALL))
    with pytest.raises(ModelRefused, match=r"no layers with weights .* for flux_conv_64"):
        calnet_weights(graph)


def op(kind: str, name: str, before: str, *args: Any, **config: Any) -> dict[str, Any]:
    """A function as Keras 3 writes it to ``.h5`` files: no module, nothing that is trained."""
    history = {"class_name": "__keras_tensor__", "config": {"keras_history": [before, 0, 0]}}
    return {"class_name": kind, "config": {"name": name, **config}, "name": name,
            "inbound_nodes": [{"args": [history, *args], "kwargs": {}}]}  # fmt: skip


def computed(*layers: dict[str, Any]) -> np.ndarray[Any, np.dtype[np.float32]]:
    flux = np.linspace(0, 1, 8000, dtype=np.float32).reshape(2, 4000)
    graph = read_keras("f.keras", keras_file(described(INPUT, *layers), weights(bare)))
    return graph.answer(flux, np.zeros((2, 1000), np.float32))


def test_layers_that_join_take_what_has_no_time_for_the_same_at_all_times():
    both = layer("Multiply", "both", "flux")
    both["inbound_nodes"] = [[["mean", 0, 0, {}], ["flux", 0, 0, {}]]]
    found = computed(layer("GlobalAveragePooling1D", "mean", "flux"), both)
    flux = np.linspace(0, 1, 8000).reshape(2, 4000, 1)
    np.testing.assert_allclose(found, flux * flux.mean(axis=1, keepdims=True), atol=1e-6)


def test_functions_of_keras_are_known_without_their_module():
    found = computed(op("Amax", "largest", "flux", axis=1))
    np.testing.assert_allclose(found, [[3999 / 7999], [1.0]], rtol=1e-6)


def test_new_axes_and_copies_side_by_side_are_computed():
    whole = {"class_name": "__slice__", "config": {"start": None, "stop": None, "step": None}}
    layers = op("Mean", "mean", "flux", axis=1), op("GetItem", "new", "mean", [whole, None, whole])
    assert computed(*layers).shape == (2, 1, 1)
    assert computed(*layers, op("Tile", "twice", "new", repeats=[1, 2, 3])).shape == (2, 2, 3)


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (layer("RepeatVector", "many", "flux", n=10**9), "an array of 8e"),
        (op("Tile", "many", "flux", repeats=[1, 10**9]), "an array of 8e"),
        (op("GetItem", "part", "flux", [{"config": {"start": 1}}]), "a part of an array"),
    ],
)
def test_an_array_that_is_too_large_or_only_a_part_is_refused(one, found):
    with pytest.raises(ModelRefused, match=found):
        computed(one)


def test_an_activation_may_be_given_as_a_function():
    relu = {"module": "builtins", "class_name": "function", "config": "relu"}
    assert computed(layer("Activation", "relu", "flux", activation=relu)).min() == 0


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


ENDLESS: dict[str, Any] = {}
ENDLESS["model"] = ENDLESS


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
        (torch_file(pickle.dumps(OrderedDict(), 2)), "no dictionaries of tensors"),
        (torch_file(pickle.dumps([], 2)), "no dictionaries of tensors"),
        (torch_file(pickle.dumps(ENDLESS, 2)), "no dictionaries of tensors"),
        (torch_file(b"\x80\x02}t."), "damaged pickle"),
        (torch_file(pickle.dumps(b"x" * 2**21, 2)), "a pickle of"),
        (torch_file(b"", **{"archive/code/x.py": b""}), "an entry archive/code"),
        (zipped({"archive/version": b"3"}), "0 pickles"),
    ],
)
def test_a_torch_file_that_holds_more_than_weights_is_refused(body, found, capsys):
    with pytest.raises(ModelRefused, match=found):
        read_state_dict("f.pt", body)
    assert "run" not in capsys.readouterr().out


def tensor(shape: str, stride: str, offset: str = "K\x00", kind: str = "Float") -> bytes:
    """A pickle of a dictionary with one tensor over storage 0."""
    return f"\x80\x02{one_tensor(shape, stride, offset, kind)}.".encode("latin-1")


def one_tensor(shape: str, stride: str, offset: str = "K\x00", kind: str = "Float") -> str:
    return (
        "}X\x01\x00\x00\x00wctorch._utils\n_rebuild_tensor_v2\n((X\x07\x00\x00\x00storage"
        f"ctorch\n{kind}Storage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuK\x04tQ{offset}{shape}{stride}"
        "\x89}tRs"
    )


def test_a_tensor_is_read_with_its_strides():
    held = {"archive/data/0": np.arange(4, dtype="<f4").tobytes()}
    found = read_state_dict("f.pt", torch_file(tensor("K\x02K\x02\x86", "K\x01K\x02\x86"), **held))
    np.testing.assert_array_equal(found["w"], [[0, 2], [1, 3]])


PAIR = "K\x02\x85", "K\x01\x85"


@pytest.mark.parametrize("name", ["weights", "model_state", "net"])
def test_a_state_dictionary_is_found_wherever_a_checkpoint_keeps_it(name):
    word = f"X{chr(len(name))}\x00\x00\x00{name}"
    optimiser = f"X\x03\x00\x00\x00opt}}(X\x0c\x00\x00\x00param_groups]K\x01{one_tensor(*PAIR)}u"
    chance = "X\x03\x00\x00\x00rng" + one_tensor(*PAIR, kind="Byte")
    program = f"\x80\x02}}({word}{one_tensor(*PAIR)}{optimiser}{chance}u."
    held = {"archive/data/0": np.arange(4, dtype="<f4").tobytes()}
    found = read_state_dict("f.pt", torch_file(program.encode("latin-1"), **held))
    assert list(found) == ["w"]


def test_two_state_dictionaries_are_refused():
    program = f"\x80\x02}}(K\x01{one_tensor(*PAIR)}K\x02{one_tensor(*PAIR)}u.".encode("latin-1")
    held = {"archive/data/0": bytes(16)}
    with pytest.raises(ModelRefused, match=r"2 dictionaries of tensors.*Save the weights alone"):
        read_state_dict("f.pt", torch_file(program, **held))


def test_more_numbers_than_a_network_has_are_refused_before_they_are_laid_out():
    program = tensor("J\x00\x00\x00\x7f\x85", "K\x00\x85")
    with pytest.raises(ModelRefused, match="2,130,706,432 numbers"):
        read_state_dict("f.pt", torch_file(program, **{"archive/data/0": bytes(4)}))


def test_a_pickle_of_marks_ends():
    """Looking for each mark from the start takes minutes, above the limit of a test."""
    program = b"\x80\x02" + b"(" * 49_900 + b"t" * 49_900 + b"."
    with pytest.raises(ModelRefused):
        read_state_dict("f.pt", torch_file(program))


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
