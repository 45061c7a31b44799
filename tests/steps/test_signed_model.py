"""A model is signed when it is kept and checked when it is loaded."""

import json

import pytest

from calnet_ops import keys
from calnet_ops.errors import ModelNotTrusted
from calnet_ops.platform import model_key
from calnet_ops.steps import signed_model
from calnet_ops.steps.chosen_model import open_model
from calnet_ops.steps.judged_model import stored_evidence
from calnet_ops.steps.model_facts import load_model_facts
from calnet_ops.steps.signed_model import sign_model
from calnet_ops.steps.stored_model import open_scorer
from tests.support.graphs import tiny_graph
from tests.support.signing_keys import private_pem


@pytest.fixture
def signing(monkeypatch):
    """An installation with a key."""
    monkeypatch.setenv("CALNET_SIGNING_KEY", private_pem())


@pytest.fixture
def store(platform):
    """A store with a model in it."""
    platform.store.save_new(keys.model("aaaa", "calnet.tflite"), tiny_graph())
    platform.store.save_new(keys.model("aaaa", "model.json"), b'{"threshold": 0.5}')
    return platform.store


def signature_key():
    key = model_key()
    assert key is not None
    return keys.signature("aaaa", key.fingerprint)


def test_a_signed_model_is_loaded(signing, store):
    assert sign_model("aaaa", store) == signature_key()
    assert open_scorer("aaaa", store)
    assert load_model_facts("aaaa", store) == {"threshold": 0.5}


def test_the_gate_hears_no_evidence_that_was_not_signed(signing, platform, store):
    sign_model("aaaa", store)
    store.save_new(keys.model("aaaa", "evidence.json"), b'{"litert_difference": 0}')
    with pytest.raises(ModelNotTrusted, match="not signed"):
        stored_evidence("aaaa", platform)


def test_signing_again_is_free(signing, store):
    sign_model("aaaa", store)
    body = store.load(signature_key())
    sign_model("aaaa", store)
    assert store.load(signature_key()) == body


@pytest.mark.parametrize("part", ["calnet.tflite", "model.json"])
def test_a_changed_byte_stops_everything(signing, store, part):
    sign_model("aaaa", store)
    body = bytearray(store.objects[keys.model("aaaa", part)])
    body[-1] ^= 1
    store.objects[keys.model("aaaa", part)] = bytes(body)
    load = open_scorer if part == "calnet.tflite" else load_model_facts
    with pytest.raises(ModelNotTrusted, match="Do not score with it"):
        load("aaaa", store)


def test_a_part_that_was_added_later_is_not_trusted(signing, store):
    sign_model("aaaa", store)
    store.save_new(keys.model("aaaa", "calnet.npz"), b"other weights")
    with pytest.raises(ModelNotTrusted, match="not signed"):
        open_scorer("aaaa", store)


def test_a_model_that_nobody_signed_is_not_trusted(signing, store):
    with pytest.raises(ModelNotTrusted, match="calnet-ops model sign aaaa"):
        open_scorer("aaaa", store)


def test_a_model_of_another_installation_is_not_trusted_until_it_is_signed(
    signing, store, monkeypatch
):
    sign_model("aaaa", store)
    monkeypatch.setenv("CALNET_SIGNING_KEY", private_pem())
    with pytest.raises(ModelNotTrusted, match="other keys only"):
        open_scorer("aaaa", store)
    sign_model("aaaa", store)
    assert open_scorer("aaaa", store)


def test_without_a_key_an_unsigned_model_is_loaded_and_that_is_said(store, capsys, monkeypatch):
    monkeypatch.setattr(signed_model, "_SAID", set())  # it is said once a process
    store.save_new(keys.model("bbbb", "calnet.tflite"), tiny_graph())
    assert sign_model("bbbb", store) == ""
    assert open_scorer("bbbb", store)
    said = "".join(capsys.readouterr())
    assert "model_not_signed" in said
    assert "model_not_checked" in said


def test_the_public_half_alone_checks(signing, store, monkeypatch):
    key = model_key()
    assert key is not None
    sign_model("aaaa", store)
    monkeypatch.delenv("CALNET_SIGNING_KEY")
    monkeypatch.setenv("CALNET_SIGNING_PUBLIC_KEY", key.pem.decode())
    assert open_scorer("aaaa", store)


def test_a_model_file_needs_its_signature_where_there_is_a_key(signing, store, tmp_path):
    file = tmp_path / "renamed.tflite"
    file.write_bytes(tiny_graph())
    (tmp_path / "model.json").write_bytes(b'{"threshold": 0.5}')
    with pytest.raises(ModelNotTrusted, match="no signature"):
        open_model(str(file))
    sign_model("aaaa", store)
    name = signature_key().rpartition("/")[2]
    (tmp_path / name).write_bytes(store.load(signature_key()))
    assert open_model(str(file)).threshold == 0.5
    (tmp_path / "model.json").write_text(json.dumps({"threshold": 0.1}))
    with pytest.raises(ModelNotTrusted, match="other bytes"):
        open_model(str(file))
