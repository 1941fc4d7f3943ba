#!/bin/sh
# After provisioning: the sealing key, once and unseen; the prompts; the web client's addresses. Safe to repeat.
# Reads azd's environment (the outputs of infra/main.bicep).
set -eu

if ! az keyvault secret show --vault-name "$KEY_VAULT_NAME" --name sealing-key --output none 2>/dev/null; then
  # Through a pipe: an argument would be seen in the list of processes.
  openssl rand -base64 32 | tr -d '\n' | az keyvault secret set --vault-name "$KEY_VAULT_NAME" \
    --name sealing-key --file /dev/stdin --encoding utf-8 --output none
  # The app may have started before there was a key to refer to.
  az functionapp restart --name "$AZURE_FUNCTION_NAME" --resource-group "$AZURE_RESOURCE_GROUP"
fi

az storage blob upload-batch --auth-mode login --account-name "$PROMPTS_STORAGE_NAME" \
  --destination "$PROMPTS_CONTAINER" --source prompts --overwrite --output none

(cd web && npm ci && npm run build)
printf '{"api": "%s", "audience": "%s", "client": "%s"}\n' "$API_URL" "$API_AUDIENCE" "$WEB_CLIENT_ID" \
  > web/dist/config.json
