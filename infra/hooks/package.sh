#!/bin/sh
# The package for the trigger door's plan, which runs it from a blob that it reads with its own identity; the HTTP door's
# plan is served by `azd deploy api`. Safe to repeat. Reads azd's environment (the outputs of infra/main.bicep).
set -eu
# shellcheck source=infra/hooks/patiently.sh
. "$(dirname "$0")/patiently.sh"

if [ "$SALESCOACH_DOOR" != trigger ]; then
  echo "The HTTP door's package is deployed by: azd deploy api --from-package .dist/salescoach.zip" >&2
  exit 1
fi
patiently az storage blob upload --auth-mode login --account-name "$HOST_STORAGE_NAME" --container-name "$PACKAGE_CONTAINER" \
  --name salescoach.zip --file .dist/salescoach.zip --overwrite --output none
az functionapp restart --name "$AZURE_FUNCTION_NAME" --resource-group "$AZURE_RESOURCE_GROUP"
# The host learns the triggers of a package that came by address only when it is told to look.
az rest --method POST --output none --url \
  "https://management.azure.com/subscriptions/$AZURE_SUBSCRIPTION_ID/resourceGroups/$AZURE_RESOURCE_GROUP/providers/Microsoft.Web/sites/$AZURE_FUNCTION_NAME/syncfunctiontriggers?api-version=2025-03-01"
