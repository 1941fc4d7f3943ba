#!/bin/sh
# After provisioning: the prompts; the web client's addresses. Safe to repeat.
# Reads azd's environment (the outputs of infra/main.bicep).
set -eu
# shellcheck source=infra/hooks/patiently.sh
. "$(dirname "$0")/patiently.sh"

patiently az storage blob upload-batch --auth-mode login --account-name "$PROMPTS_STORAGE_NAME" \
  --destination "$PROMPTS_CONTAINER" --source prompts --overwrite --output none

# Reads API_URL WEB_CLIENT_ID API_AUDIENCE SIGN_IN_AUTHORITY WEB_PUBSUB_ENDPOINT.
(cd web && npm ci && npm run build && npm run deployed)
