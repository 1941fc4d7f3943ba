// Every role assignment of SalesCoach, and no other file has one; docs/security.md says why each is needed.
import { Door } from '../types.bicep'

param door Door
param appPrincipalId string
param webPubSubPrincipalId string
param deployerPrincipalId string
param deployerPrincipalType string
param hostStorageName string
param packageContainerName string
param promptsStorageName string
param promptsContainerName string
param cosmosAccountName string
param cosmosDatabaseName string
param openAiName string
param schedulerName string
param taskHubName string
param webPubSubName string
param keyVaultName string
param sealingKeyName string
param insightsName string

var roles = {
  webPubSubServiceOwner: '12cf5a90-567b-43ae-8102-96cf46c7d9b4'
  storageBlobDataOwner: 'b7e6dc6d-f1e8-4753-8033-0f276bb0955b'
  storageBlobDataContributor: 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'
  storageBlobDataReader: '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1'
  cognitiveServicesOpenAiUser: '5e0bd9bd-7b93-4f28-af87-19fc36ad61bd'
  durableTaskDataContributor: '0ad04412-c4d5-4796-b79c-f76d14c8d402'
  monitoringMetricsPublisher: '3913510d-42f4-4e42-8a64-420c390055eb'
  keyVaultCryptoServiceEncryptionUser: 'e147488a-f6f5-4113-8e2d-b22465e65bf6'
  keyVaultSecretsUser: '4633458b-17de-408a-b874-0445c86b69e6'
  keyVaultSecretsOfficer: 'b86a8fe4-44ce-4948-aee5-eccb2c155cd7'
  cosmosDataContributor: '00000000-0000-0000-0000-000000000002'
}
var definition = 'Microsoft.Authorization/roleDefinitions'
var hasDeployer = !empty(deployerPrincipalId)

resource hostStorage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: hostStorageName
}

resource hostBlobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' existing = {
  parent: hostStorage
  name: 'default'
}

resource packageContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' existing = {
  parent: hostBlobs
  name: packageContainerName
}

resource promptsStorage 'Microsoft.Storage/storageAccounts@2026-04-01' existing = {
  name: promptsStorageName
}

resource promptBlobs 'Microsoft.Storage/storageAccounts/blobServices@2026-04-01' existing = {
  parent: promptsStorage
  name: 'default'
}

resource promptContainer 'Microsoft.Storage/storageAccounts/blobServices/containers@2026-04-01' existing = {
  parent: promptBlobs
  name: promptsContainerName
}

resource cosmosAccount 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' existing = {
  name: cosmosAccountName
}

resource openAi 'Microsoft.CognitiveServices/accounts@2026-07-01' existing = {
  name: openAiName
}

resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' existing = {
  name: schedulerName
}

resource taskHub 'Microsoft.DurableTask/schedulers/taskHubs@2026-02-01' existing = {
  parent: scheduler
  name: taskHubName
}

resource webPubSub 'Microsoft.SignalRService/webPubSub@2024-03-01' existing = {
  name: webPubSubName
}

resource vault 'Microsoft.KeyVault/vaults@2026-02-01' existing = {
  name: keyVaultName
}

resource sealingKey 'Microsoft.KeyVault/vaults/keys@2026-02-01' existing = {
  parent: vault
  name: sealingKeyName
}

resource insights 'Microsoft.Insights/components@2020-02-02' existing = {
  name: insightsName
}

// The app: client URLs and sends.
resource appOnWebPubSub 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(webPubSub.id, appPrincipalId, roles.webPubSubServiceOwner)
  scope: webPubSub
  properties: {
    roleDefinitionId: subscriptionResourceId(definition, roles.webPubSubServiceOwner)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// The app: the history, in its one database.
resource appOnCosmos 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2026-03-15' = {
  parent: cosmosAccount
  name: guid(cosmosAccount.id, appPrincipalId, roles.cosmosDataContributor)
  properties: {
    roleDefinitionId: '${cosmosAccount.id}/sqlRoleDefinitions/${roles.cosmosDataContributor}'
    principalId: appPrincipalId
    scope: '${cosmosAccount.id}/dbs/${cosmosDatabaseName}'
  }
}

// The host: leases, keys and the deployment package. Durable state is in the scheduler: no queues, no tables.
resource appOnHostStorage 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(hostStorage.id, appPrincipalId, roles.storageBlobDataOwner)
  scope: hostStorage
  properties: {
    roleDefinitionId: subscriptionResourceId(definition, roles.storageBlobDataOwner)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// The app: prompts, to read.
resource appOnPrompts 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(promptContainer.id, appPrincipalId, roles.storageBlobDataReader)
  scope: promptContainer
  properties: {
    roleDefinitionId: subscriptionResourceId(definition, roles.storageBlobDataReader)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// The app: model calls.
resource appOnOpenAi 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(openAi.id, appPrincipalId, roles.cognitiveServicesOpenAiUser)
  scope: openAi
  properties: {
    roleDefinitionId: subscriptionResourceId(definition, roles.cognitiveServicesOpenAiUser)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// The app: start and run turns.
resource appOnTaskHub 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(taskHub.id, appPrincipalId, roles.durableTaskDataContributor)
  scope: taskHub
  properties: {
    roleDefinitionId: subscriptionResourceId(definition, roles.durableTaskDataContributor)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// The app: telemetry without an instrumentation key.
resource appOnInsights 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(insights.id, appPrincipalId, roles.monitoringMetricsPublisher)
  scope: insights
  properties: {
    roleDefinitionId: subscriptionResourceId(definition, roles.monitoringMetricsPublisher)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// The app: wraps and unwraps with the sealing key, which stays in the vault.
resource appOnSealingKey 'Microsoft.Authorization/roleAssignments@2022-04-01' = {
  name: guid(sealingKey.id, appPrincipalId, roles.keyVaultCryptoServiceEncryptionUser)
  scope: sealingKey
  properties: {
    roleDefinitionId: subscriptionResourceId(definition, roles.keyVaultCryptoServiceEncryptionUser)
    principalId: appPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// Web PubSub, trigger door only: the system key in its handler's address; the exception of docs/security.md.
resource webPubSubOnVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (door == 'trigger') {
  name: guid(vault.id, webPubSubPrincipalId, roles.keyVaultSecretsUser)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId(definition, roles.keyVaultSecretsUser)
    principalId: webPubSubPrincipalId
    principalType: 'ServicePrincipal'
  }
}

// Who deploys: uploads prompts.
resource deployerOnPrompts 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasDeployer) {
  name: guid(promptContainer.id, deployerPrincipalId, roles.storageBlobDataContributor)
  scope: promptContainer
  properties: {
    roleDefinitionId: subscriptionResourceId(definition, roles.storageBlobDataContributor)
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
  }
}

// Who deploys, trigger door only: uploads the package that the plan runs from.
resource deployerOnPackages 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasDeployer && door == 'trigger') {
  name: guid(packageContainer.id, deployerPrincipalId, roles.storageBlobDataContributor)
  scope: packageContainer
  properties: {
    roleDefinitionId: subscriptionResourceId(definition, roles.storageBlobDataContributor)
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
  }
}

// Who deploys: seeds the tool registry, in that container alone.
resource deployerOnRegistry 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments@2026-03-15' = if (hasDeployer) {
  parent: cosmosAccount
  name: guid(cosmosAccount.id, deployerPrincipalId, roles.cosmosDataContributor)
  properties: {
    roleDefinitionId: '${cosmosAccount.id}/sqlRoleDefinitions/${roles.cosmosDataContributor}'
    principalId: deployerPrincipalId
    scope: '${cosmosAccount.id}/dbs/${cosmosDatabaseName}/colls/registry'
  }
}

// Who deploys, trigger door only: stores the system key.
resource deployerOnVault 'Microsoft.Authorization/roleAssignments@2022-04-01' = if (hasDeployer && door == 'trigger') {
  name: guid(vault.id, deployerPrincipalId, roles.keyVaultSecretsOfficer)
  scope: vault
  properties: {
    roleDefinitionId: subscriptionResourceId(definition, roles.keyVaultSecretsOfficer)
    principalId: deployerPrincipalId
    principalType: deployerPrincipalType
  }
}
