// Two accounts: the host's own (leases, keys, deployment package) and the prompts', which the app only reads.

param token string
param location string
param privateNetworking bool
param workspaceId string

var accountProperties = {
  accessTier: 'Hot'
  allowBlobPublicAccess: false
  allowCrossTenantReplication: false
  allowSharedKeyAccess: false
  defaultToOAuthAuthentication: true
  minimumTlsVersion: 'TLS1_2'
  publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'
  supportsHttpsTrafficOnly: true
  networkAcls: {
    bypass: 'AzureServices'
    defaultAction: privateNetworking ? 'Deny' : 'Allow'
  }
}

resource host 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: 'sthost${token}'
  location: location
  kind: 'StorageV2'
  sku: {
    name: 'Standard_ZRS'
  }
  properties: accountProperties
}

resource hostBlobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: host
  name: 'default'
  properties: {
    deleteRetentionPolicy: {
      enabled: true
      days: 7
    }
  }
}

resource packages 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = {
  parent: hostBlobs
  name: 'packages'
  properties: {
    publicAccess: 'None'
  }
}

resource prompts 'Microsoft.Storage/storageAccounts@2026-04-01' = {
  name: 'stprompts${token}'
  location: location
  kind: 'StorageV2'
  sku: {
    name: 'Standard_ZRS'
  }
  properties: accountProperties
}

resource promptBlobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' = {
  parent: prompts
  name: 'default'
  properties: {
    isVersioningEnabled: true
    deleteRetentionPolicy: {
      enabled: true
      days: 30
    }
    containerDeleteRetentionPolicy: {
      enabled: true
      days: 30
    }
  }
}

resource promptContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' = {
  parent: promptBlobs
  name: 'prompts'
  properties: {
    publicAccess: 'None'
  }
}

var audited = [
  {
    category: 'StorageWrite'
    enabled: true
  }
  {
    category: 'StorageDelete'
    enabled: true
  }
]

resource hostDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: hostBlobs
  properties: {
    workspaceId: workspaceId
    logs: audited
  }
}

resource promptDiagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: promptBlobs
  properties: {
    workspaceId: workspaceId
    logs: audited
  }
}

output hostId string = host.id
output hostName string = host.name
output packageContainerName string = packages.name
output packageContainerUrl string = '${host.properties.primaryEndpoints.blob}${packages.name}'
output promptsId string = prompts.id
output promptsName string = prompts.name
output promptsEndpoint string = prompts.properties.primaryEndpoints.blob
output promptsContainerName string = promptContainer.name
