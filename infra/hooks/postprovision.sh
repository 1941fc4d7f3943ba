#!/bin/sh
# After provisioning: the prompts; the web client's addresses. Safe to repeat.
# Reads azd's environment (the outputs of infra/main.bicep).
set -eu

az storage blob upload-batch --auth-mode login --account-name "$PROMPTS_STORAGE_NAME" \
  --destination "$PROMPTS_CONTAINER" --source prompts --overwrite --output none

(cd web && npm ci && npm run build)
printf '{"api": "%s", "audience": "%s", "client": "%s"}\n' "$API_URL" "$API_AUDIENCE" "$WEB_CLIENT_ID" \
  > web/dist/config.json
