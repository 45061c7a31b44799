"""What Airflow gets to see of our pages, in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

PROJECT = Path(__file__).parents[2]

LOOK = """
import sys
from airflow import plugins_manager
apps, _ = plugins_manager.get_fastapi_plugins()
(page,) = [app for app in apps if app["name"] == "calnet-ops"]
costs = {"calnet_ops.web", "calnet_ops.platform"} & set(sys.modules)
assert not costs, costs
from fastapi import FastAPI
from fastapi.testclient import TestClient
airflow = FastAPI()
airflow.mount(page["url_prefix"], page["app"])
with TestClient(airflow) as client:
    assert client.get("/calnet/health").status_code == 200
    assert client.get("/calnet/ops").status_code == 401
"""


def test_pages_are_made_when_asked_for_and_not_in_each_process_of_airflow(tmp_path):
    answer = subprocess.run(
        [sys.executable, "-c", LOOK],
        cwd=PROJECT,
        env={**os.environ, "AIRFLOW_HOME": str(tmp_path), "CALNET_WEB_USERS": '{"ada":"b"}'},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
