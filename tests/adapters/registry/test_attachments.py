"""Files come to a run after it has ended, and a person finds them there."""

import httpx
import pytest

from calnet_ops.adapters.registry import open_registry
from tests.support.mlflow_servers import mlflow_server


@pytest.mark.system
@pytest.mark.timeout(300)
@pytest.mark.filterwarnings("ignore")
def test_files_are_among_the_artifacts_of_the_run_and_can_be_replaced(tmp_path):
    with mlflow_server(tmp_path) as url:
        api, registry = f"{url}/api/2.0/mlflow", open_registry(url)
        made = httpx.post(f"{api}/experiments/create", json={"name": "x"}).json()
        created = httpx.post(
            f"{api}/runs/create", json={"experiment_id": made["experiment_id"]}
        ).json()
        run_id = created["run"]["info"]["run_id"]
        for text in (b"old", b"# new"):
            registry.attach(run_id, "preview", {"preview.md": text, "preview.csv": b"tic\n"})
            registry.attach(run_id, "", {"card.md": text})
        question = {"run_id": run_id, "path": "preview"}
        listed = httpx.get(f"{api}/artifacts/list", params=question).json()["files"]
        assert {file["path"] for file in listed} == {"preview/preview.md", "preview/preview.csv"}
        for path in ("preview/preview.md", "card.md"):
            place = {"run_id": run_id, "path": path}
            assert httpx.get(f"{url}/get-artifact", params=place).content == b"# new"
