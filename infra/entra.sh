#!/bin/sh
# What infra/entra.bicep makes, by az, for a tenant where the deployer has no directory rights: a directory
# administrator runs it, and the deployer takes what it prints as the parameter signIn. Safe to repeat.
#
#   sh infra/entra.sh ENVIRONMENT WEB_ORIGIN                      before the first deployment
#   sh infra/entra.sh ENVIRONMENT WEB_ORIGIN APP_PRINCIPAL_ID WEB_PUBSUB_PRINCIPAL_ID      after it
#
# TOOL_SERVERS="APP_ID:SCOPE_ID:SCOPE ..." names the tool servers that the app calls on behalf of people.
set -eu

environment=$1
web_origin=$2
app_principal=${3:-}
web_pubsub_principal=${4:-}
tenant=$(az account show --query tenantId --output tsv)
name="salescoach-$environment"
api_audience="api://$tenant/$name"
upstream_audience="api://$tenant/$name-upstream"

# Prints a stable id for a text, so that a second run changes nothing.
stable_id() { printf '%s' "$tenant/$name/$1" | sha256sum | sed 's/^\(.\{8\}\)\(.\{4\}\).\(.\{3\}\).\(.\{3\}\)\(.\{12\}\).*/\1-\2-5\3-8\4-\5/'; }

# Prints the client id of the registration with this name, made if it is missing.
registration() {
  found=$(az ad app list --filter "displayName eq '$1'" --query '[0].appId' --output tsv)
  if [ -z "$found" ]; then
    found=$(az ad app create --display-name "$1" --sign-in-audience AzureADMyOrg --query appId --output tsv)
  fi
  printf '%s' "$found"
}

# Prints the object id of a registration's service principal, made if it is missing.
principal() {
  found=$(az ad sp list --filter "appId eq '$1'" --query '[0].id' --output tsv)
  if [ -z "$found" ]; then found=$(az ad sp create --id "$1" --query id --output tsv); fi
  printf '%s' "$found"
}

# Writes a registration by Microsoft Graph, in the words of infra/entra.bicep.
patch() {
  az rest --method PATCH --url "https://graph.microsoft.com/v1.0/applications(appId='$1')" \
    --headers Content-Type=application/json --body "$2" --output none
}

# Consents for everybody of the tenant, once: client registration, resource registration, scope.
consent() {
  client=$(principal "$1")
  resource=$(principal "$2")
  grants="https://graph.microsoft.com/v1.0/oauth2PermissionGrants"
  if [ -z "$(az rest --url "$grants?\$filter=clientId eq '$client' and resourceId eq '$resource'" \
    --query "value[?contains(scope, '$3')].id" --output tsv)" ]; then
    az rest --method POST --url "$grants" --headers Content-Type=application/json --output none --body \
      "{\"clientId\": \"$client\", \"consentType\": \"AllPrincipals\", \"resourceId\": \"$resource\", \"scope\": \"$3\"}"
  fi
}

role() {
  printf '{"id": "%s", "value": "%s", "displayName": "%s", "description": "%s", "allowedMemberTypes": ["%s"], "isEnabled": true}' \
    "$(stable_id "$1")" "$1" "$2" "$3" "$4"
}

needs=''
for server in ${TOOL_SERVERS:-}; do
  scope_id=${server#*:}
  needs="$needs${needs:+, }{\"resourceAppId\": \"${server%%:*}\", \"resourceAccess\": [{\"id\": \"${scope_id%%:*}\", \"type\": \"Scope\"}]}"
done

api=$(registration "SalesCoach API ($environment)")
scope=$(stable_id access_as_user)
patch "$api" "{
  \"identifierUris\": [\"$api_audience\"],
  \"api\": {\"requestedAccessTokenVersion\": 2, \"oauth2PermissionScopes\": [{
    \"id\": \"$scope\", \"value\": \"access_as_user\", \"type\": \"User\", \"isEnabled\": true,
    \"adminConsentDisplayName\": \"Use SalesCoach\",
    \"adminConsentDescription\": \"Ask SalesCoach as the signed-in person.\",
    \"userConsentDisplayName\": \"Use SalesCoach\", \"userConsentDescription\": \"Ask SalesCoach as you.\"}]},
  \"appRoles\": [
    $(role Sales Sales 'Works with SalesCoach as Sales.' User),
    $(role HR HR 'Works with SalesCoach as HR.' User),
    $(role Admin Admin 'Works with SalesCoach as Admin.' User)],
  \"optionalClaims\": {\"accessToken\": [{\"name\": \"email\", \"essential\": false}]},
  \"requiredResourceAccess\": [$needs]}"
principal "$api" > /dev/null
for server in ${TOOL_SERVERS:-}; do consent "$api" "${server%%:*}" "${server##*:}"; done

web=$(registration "SalesCoach ($environment)")
patch "$web" "{
  \"spa\": {\"redirectUris\": [\"$web_origin/\"]},
  \"requiredResourceAccess\": [{\"resourceAppId\": \"$api\", \"resourceAccess\": [{\"id\": \"$scope\", \"type\": \"Scope\"}]}]}"
principal "$web" > /dev/null
consent "$web" "$api" access_as_user

upstream=$(registration "SalesCoach upstream ($environment)")
patch "$upstream" "{
  \"identifierUris\": [\"$upstream_audience\"],
  \"api\": {\"requestedAccessTokenVersion\": 2},
  \"appRoles\": [$(role Upstream.Send 'Send events' "Sends the hub's events to the app." Application)]}"
upstream_principal=$(principal "$upstream")
az rest --method PATCH --url "https://graph.microsoft.com/v1.0/servicePrincipals/$upstream_principal" \
  --headers Content-Type=application/json --body '{"appRoleAssignmentRequired": true}' --output none

if [ -n "$app_principal" ]; then
  # On-behalf-of without a secret: the app's managed identity vouches for the registration.
  if [ -z "$(az ad app federated-credential list --id "$api" --query "[?name=='managed-identity'].id" --output tsv)" ]; then
    az ad app federated-credential create --id "$api" --output none --parameters "{
      \"name\": \"managed-identity\", \"subject\": \"$app_principal\",
      \"issuer\": \"https://login.microsoftonline.com/$tenant/v2.0\",
      \"audiences\": [\"api://AzureADTokenExchange\"],
      \"description\": \"The managed identity of the SalesCoach app.\"}"
  fi
fi
if [ -n "$web_pubsub_principal" ]; then
  assigned="https://graph.microsoft.com/v1.0/servicePrincipals/$upstream_principal/appRoleAssignedTo"
  if [ -z "$(az rest --url "$assigned" --query "value[?principalId=='$web_pubsub_principal'].id" --output tsv)" ]; then
    az rest --method POST --url "$assigned" --headers Content-Type=application/json --output none --body "{
      \"principalId\": \"$web_pubsub_principal\", \"resourceId\": \"$upstream_principal\",
      \"appRoleId\": \"$(stable_id Upstream.Send)\"}"
  fi
fi

cat <<END
param createSignIn = false
param signIn = {
  apiClientId: '$api'
  apiAudience: '$api_audience'
  webClientId: '$web'
  upstreamClientId: '$upstream'
  upstreamAudience: '$upstream_audience'
}
END
