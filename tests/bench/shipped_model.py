"""Make the model that the software comes with: ``python -m tests.bench.shipped_model``.

The first network of "best" that ``python -m tests.bench.real_stars`` has trained, exported with
weights in 16 bits. Threshold and calibration are those of injections on the validation base stars.
"""

import json
from dataclasses import asdict, replace
from typing import Any

import keras

from calnet_ops.science.candidates.calibration import fit_calibration
from calnet_ops.science.evaluation.at_false_positives import SHARES, MadeStars, recalls
from calnet_ops.science.evaluation.threshold import choose_threshold
from calnet_ops.science.network.export import to_litert
from calnet_ops.science.network.litert import Scorer
from calnet_ops.simulator.injection import side_of
from calnet_ops.steps.chosen_model import SHIPPED_FILE
from tests.bench.real_stars import CONTESTANTS, SEED, SKIES, features, folder_of, quiet
from tests.bench.real_stars_report import judged

BEST = CONTESTANTS["best"]


def main() -> None:
    """Export, calibrate, and tell how it does."""
    seed = BEST.seeds[0]
    model = keras.saving.load_model(folder_of("best", seed) / "calnet.keras", compile=False)
    graph = to_litert(model, half=True)
    scorer = Scorer(graph)
    known = _judged(scorer, "validation injected")
    calibration = fit_calibration(known.is_eb, known.probability)
    threshold = choose_threshold(known.is_eb, calibration.apply(known.probability))
    facts = {
        "features": BEST.features,
        "threshold": threshold,
        "calibration": calibration.as_json(),
        "simulated": True,
        "learned_from": [one.tic for one in quiet() if side_of(one.tic, SEED) == "validation"],
        "made_by": "python -m tests.bench.shipped_model",
        "sectors": [sky.sector for sky in SKIES["train"]],
        "settings": asdict(replace(BEST.settings, seed=seed)),
    }
    SHIPPED_FILE.parent.mkdir(exist_ok=True)
    SHIPPED_FILE.write_bytes(graph)
    SHIPPED_FILE.with_name("model.json").write_text(json.dumps(facts, indent=1) + "\n")
    test = recalls(_judged(scorer, "test injected"))
    told: dict[str, Any] = {"kB": len(graph) / 1e3, "threshold": threshold}
    told |= {f"recall at {100 * s:g}%": asdict(test[f"{100 * s:g}%"]["all"]["all"]) for s in SHARES}
    print(json.dumps(told, indent=1))  # noqa: T201 - a command


def _judged(scorer: Scorer, part: str) -> MadeStars:
    rows = features(BEST.features, part)
    return judged(BEST.features, part, [scorer.score(rows["flux"], rows["power"]).astype(float)])


if __name__ == "__main__":
    main()
