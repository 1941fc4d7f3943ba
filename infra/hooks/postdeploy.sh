#!/bin/sh
# After deployment: the tool registry; the trigger door's key; then the hub, once the app answers its handshake.
# Safe to repeat. Reads azd's environment (the outputs of infra/main.bicep).
set -eu
# shellcheck source=infra/hooks/patiently.sh
. "$(dirname "$0")/patiently.sh"

patiently .venv/bin/python infra/seed_registry.py "${SALESCOACH_SERVERS:-infra/servers.json}"

if [ "$SALESCOACH_DOOR" = trigger ]; then
  # The one key of the deployment; docs/security.md, "The one exception". The host makes it when it first loads the app.
  read_key() {
    key=$(az functionapp keys list --name "$AZURE_FUNCTION_NAME" --resource-group "$AZURE_RESOURCE_GROUP" \
      --query systemKeys.webpubsub_extension --output tsv) && [ -n "$key" ]
  }
  # Through a pipe: an argument would be seen in the list of processes.
  keep_key() {
    printf '%s' "$key" | az keyvault secret set --vault-name "$KEY_VAULT_NAME" --name webpubsub-system-key \
      --file /dev/stdin --encoding utf-8 --output none
  }
  patiently read_key
  patiently keep_key
else
  # The service asks the same before its first event; until the app answers, clients get a 500.
  tries=0
  until curl --silent --fail --output /dev/null --request OPTIONS "$API_URL/api/events" \
    --header "WebHook-Request-Origin: $WEB_PUBSUB_NAME.webpubsub.azure.com"; do
    tries=$((tries + 1))
    if [ "$tries" -ge 60 ]; then
      echo "The app does not answer the handshake of Web PubSub at $API_URL/api/events" >&2
      exit 1
    fi
    sleep 5
  done
fi

az deployment group create --name event-handler --resource-group "$AZURE_RESOURCE_GROUP" \
  --template-file infra/modules/event-handler.bicep --output none --parameters \
  door="$SALESCOACH_DOOR" webPubSubName="$WEB_PUBSUB_NAME" appHostName="${API_URL#https://}" \
  upstreamAudience="$UPSTREAM_AUDIENCE" keyVaultUri="$KEY_VAULT_URI"
azd env set SALESCOACH_ATTACH_HUB true
