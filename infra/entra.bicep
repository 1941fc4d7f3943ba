// Sign-in: the API, the web client and the upstream receiver, in Entra. infra/entra.sh does the same with az.
import { ToolServer } from './types.bicep'

extension microsoftGraphV1

param environmentName string
param webOrigin string
param appPrincipalId string
param webPubSubPrincipalId string

@description('Tool servers that the API calls on behalf of people.')
param toolServers ToolServer[]

var uniqueName = 'salescoach-${environmentName}'
var apiAudience = 'api://${tenant().tenantId}/${uniqueName}'
var upstreamAudience = 'api://${tenant().tenantId}/${uniqueName}-upstream'
var scopeId = guid(uniqueName, 'access_as_user')
var upstreamRoleId = guid(uniqueName, 'Upstream.Send')
var issuer = '${environment().authentication.loginEndpoint}${tenant().tenantId}/v2.0'
var roles = [
  'Sales'
  'HR'
  'Admin'
]

resource api 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: uniqueName
  displayName: 'SalesCoach API (${environmentName})'
  signInAudience: 'AzureADMyOrg'
  identifierUris: [
    apiAudience
  ]
  api: {
    requestedAccessTokenVersion: 2
    oauth2PermissionScopes: [
      {
        id: scopeId
        value: 'access_as_user'
        type: 'User'
        isEnabled: true
        adminConsentDisplayName: 'Use SalesCoach'
        adminConsentDescription: 'Ask SalesCoach as the signed-in person.'
        userConsentDisplayName: 'Use SalesCoach'
        userConsentDescription: 'Ask SalesCoach as you.'
      }
    ]
  }
  appRoles: [
    for role in roles: {
      id: guid(uniqueName, role)
      value: role
      displayName: role
      description: 'Works with SalesCoach as ${role}.'
      allowedMemberTypes: [
        'User'
      ]
      isEnabled: true
    }
  ]
  optionalClaims: {
    accessToken: [
      {
        name: 'email'
        essential: false
      }
    ]
  }
  requiredResourceAccess: [
    for server in toolServers: {
      resourceAppId: server.appId
      resourceAccess: [
        {
          id: server.scopeId
          type: 'Scope'
        }
      ]
    }
  ]
}

// On-behalf-of without a secret: the app's managed identity vouches for the registration.
resource federated 'Microsoft.Graph/applications/federatedIdentityCredentials@v1.0' = {
  name: '${api.uniqueName}/managed-identity'
  issuer: issuer
  subject: appPrincipalId
  audiences: [
    'api://AzureADTokenExchange'
  ]
  description: 'The managed identity of the SalesCoach app.'
}

resource apiPrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: api.appId
}

resource web 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: '${uniqueName}-web'
  displayName: 'SalesCoach (${environmentName})'
  signInAudience: 'AzureADMyOrg'
  spa: {
    redirectUris: [
      '${webOrigin}/'
    ]
  }
  requiredResourceAccess: [
    {
      resourceAppId: api.appId
      resourceAccess: [
        {
          id: scopeId
          type: 'Scope'
        }
      ]
    }
  ]
}

resource webPrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: web.appId
}

resource upstream 'Microsoft.Graph/applications@v1.0' = {
  uniqueName: '${uniqueName}-upstream'
  displayName: 'SalesCoach upstream (${environmentName})'
  signInAudience: 'AzureADMyOrg'
  identifierUris: [
    upstreamAudience
  ]
  api: {
    requestedAccessTokenVersion: 2
  }
  appRoles: [
    {
      id: upstreamRoleId
      value: 'Upstream.Send'
      displayName: 'Send events'
      description: 'Sends the hub\'s events to the app.'
      allowedMemberTypes: [
        'Application'
      ]
      isEnabled: true
    }
  ]
}

// Only who is assigned gets a token for it; the app checks the object id besides.
resource upstreamPrincipal 'Microsoft.Graph/servicePrincipals@v1.0' = {
  appId: upstream.appId
  appRoleAssignmentRequired: true
}

resource webPubSubMaySend 'Microsoft.Graph/appRoleAssignedTo@v1.0' = {
  appRoleId: upstreamRoleId
  principalId: webPubSubPrincipalId
  resourceId: upstreamPrincipal.id
}

// Consent for everybody of the tenant, so that nobody is asked: the page to the API, the API to each tool server.
resource webConsent 'Microsoft.Graph/oauth2PermissionGrants@v1.0' = {
  clientId: webPrincipal.id
  consentType: 'AllPrincipals'
  resourceId: apiPrincipal.id
  scope: 'access_as_user'
}

resource serverPrincipals 'Microsoft.Graph/servicePrincipals@v1.0' existing = [
  for server in toolServers: {
    appId: server.appId
  }
]

resource serverConsents 'Microsoft.Graph/oauth2PermissionGrants@v1.0' = [
  for (server, index) in toolServers: {
    clientId: apiPrincipal.id
    consentType: 'AllPrincipals'
    resourceId: serverPrincipals[index].id
    scope: server.scope
  }
]

output apiClientId string = api.appId
output apiAudience string = apiAudience
output apiPrincipalId string = apiPrincipal.id
output webClientId string = web.appId
output webPrincipalId string = webPrincipal.id
output upstreamClientId string = upstream.appId
output upstreamAudience string = upstreamAudience
