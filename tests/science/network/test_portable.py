"""The network in plain layers. TensorFlow takes its time to load: a system test."""

import subprocess
import sys

import numpy as np
import pytest

LOAD = """
import sys, keras, numpy as np
model = keras.saving.load_model(sys.argv[1])
given = np.load(sys.argv[2])
np.save(sys.argv[3], model.predict([given["flux"], given["power"]], verbose=0))
assert not [name for name in sys.modules if name.startswith("calnet_ops")]
"""


@pytest.mark.system
@pytest.mark.timeout(120)
@pytest.mark.filterwarnings("ignore")
def test_anybody_with_keras_gets_the_same_answers(tmp_path):
    from calnet_ops.science.network.calnet import build
    from calnet_ops.science.network.portable import portable

    rng = np.random.default_rng(4)
    model = build()
    model.set_weights([w + rng.normal(0, 0.05, w.shape) for w in model.get_weights()])
    flux, power = rng.random((3, 4000, 1), np.float32), rng.random((3, 1000, 1), np.float32)
    portable(model).save(tmp_path / "calnet.keras")
    np.savez(tmp_path / "given.npz", flux=flux, power=power)
    command = [sys.executable, "-c", LOAD, "calnet.keras", "given.npz", "answers.npy"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    expected = model.predict([flux, power], verbose=0)
    np.testing.assert_allclose(np.load(tmp_path / "answers.npy"), expected, atol=1e-6)
