#!/usr/bin/env bash
# Print env.example with a fresh secret wherever one belongs: infra/new_env.sh > .env
set -euo pipefail
cd "$(dirname "$0")"

token() { openssl rand -hex 32; }
key() {
  openssl ecparam -name prime256v1 -genkey -noout |
    openssl pkcs8 -topk8 -nocrypt -outform DER | base64 -w0
}

kind='' metrics=$(token)
while IFS= read -r line; do
  case "$line" in
    '# ['*) kind=${line#\# [} kind=${kind%%]*} ;;
    CALNET_METRICS_PASSWORD=) line+=$metrics ;;
    [A-Z]*=)
      case "$kind" in
        token) line+=$(token) ;;
        fernet) line+=$(openssl rand -base64 32 | tr '+/' '-_') ;;
        key) line+=$(key) ;;
        users) line+="'{\"vetter\": \"$(token)\", \"prometheus\": \"$metrics\"}'" ;;
      esac
      kind=''
      ;;
  esac
  printf '%s\n' "$line"
done < env.example
