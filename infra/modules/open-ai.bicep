// The models' account and deployments. Which model answers is a setting, not a release.
import { ModelDeployment } from '../types.bicep'

param suffix string
param location string
param deployments ModelDeployment[]
param privateNetworking bool
param workspaceId string

resource account 'Microsoft.CognitiveServices/accounts@2026-07-01' = {
  name: 'oai-salescoach-${suffix}'
  location: location
  kind: 'OpenAI'
  sku: {
    name: 'S0'
  }
  properties: {
    // Entra tokens need the account's own host name.
    customSubDomainName: 'oai-salescoach-${suffix}'
    disableLocalAuth: true
    publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'
    // It answers; it has nobody to call.
    restrictOutboundNetworkAccess: true
    allowedFqdnList: []
    networkAcls: {
      defaultAction: privateNetworking ? 'Deny' : 'Allow'
    }
  }
}

@batchSize(1)
resource models 'Microsoft.CognitiveServices/accounts/deployments@2026-07-01' = [
  for deployment in deployments: {
    parent: account
    name: deployment.name
    sku: {
      name: 'GlobalStandard'
      capacity: deployment.thousandTokensPerMinute
    }
    properties: {
      model: {
        format: 'OpenAI'
        name: deployment.model
        version: deployment.version
      }
      raiPolicyName: 'Microsoft.DefaultV2'
      versionUpgradeOption: 'NoAutoUpgrade'
    }
  }
]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: account
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'Audit'
        enabled: true
      }
    ]
  }
}

output accountId string = account.id
output accountName string = account.name
output endpoint string = account.properties.endpoint
