#!/usr/bin/env bash
# Run once by the postgres image, when its volume is new: a role and a database for each program.
set -euo pipefail

add() { # role, password, databases
  psql --quiet --set ON_ERROR_STOP=1 --set role="$1" --set password="$2" <<'SQL'
CREATE ROLE :"role" LOGIN PASSWORD :'password';
SQL
  for database in "${@:3}"; do
    psql --quiet --set ON_ERROR_STOP=1 --set role="$1" --set database="$database" <<'SQL'
CREATE DATABASE :"database" OWNER :"role";
REVOKE CONNECT ON DATABASE :"database" FROM PUBLIC;
SQL
  done
}

export PGUSER="$POSTGRES_USER" PGDATABASE=postgres
add airflow "$AIRFLOW_DB_PASSWORD" airflow
add mlflow "$MLFLOW_DB_PASSWORD" mlflow mlflow_auth
add calnet "$CALNET_DB_PASSWORD" calnet
