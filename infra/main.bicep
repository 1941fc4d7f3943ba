// SalesCoach in one resource group. This file only wires; each noun is a module.
import { CosmosMode, Door, Limits, ModelDeployment, SignIn, ToolServer } from './types.bicep'

targetScope = 'resourceGroup'

@minLength(2)
@maxLength(12)
@description('Names the environment, such as dev or prod; part of every resource\'s name.')
param environmentName string

@description('Region of everything but the static web app.')
param location string = resourceGroup().location

@description('Region of the static web app, which few regions offer.')
param webLocation string = 'westeurope'

@description('Plan and door together; docs/decisions/0011-plan-and-door.md.')
param door Door = 'http'

param cosmosMode CosmosMode = 'serverless'

@description('Highest RU/s of each container in autoscale mode.')
param cosmosMaxThroughput int = 4000

@minValue(1)
@description('Units of Web PubSub; docs/operations.md has the sizing table.')
param webPubSubUnits int = 1

@description('Sku of the Durable Task Scheduler: Consumption or Dedicated.')
param schedulerSku string = 'Consumption'

@description('The deployment that answers.')
param primaryModel ModelDeployment = {
  name: 'gpt-5.4-mini'
  model: 'gpt-5.4-mini'
  version: '2026-03-17'
  retires: '2027-09-21'
  thousandTokensPerMinute: 100
}

@description('The deployment that steps in when the first fails or is busy.')
param secondaryModel ModelDeployment = {
  name: 'gpt-5.4-mini-2'
  model: 'gpt-5.4-mini'
  version: '2026-03-17'
  retires: '2027-09-21'
  thousandTokensPerMinute: 100
}

@description('The deployment for titles, charts and summaries.')
param utilityModel ModelDeployment = {
  name: 'gpt-5.4-nano'
  model: 'gpt-5.4-nano'
  version: '2026-03-17'
  retires: '2027-09-21'
  thousandTokensPerMinute: 50
}

@description('Instances that are always ready, for http and durable each; 0 lets the app sleep.')
param alwaysReady int = 0

@minValue(1)
@maxValue(1000)
param maximumInstances int = 40

@description('Private endpoints for everything that has one; clients still reach Web PubSub and the API.')
param privateNetworking bool = false

@description('Create the registrations in Entra here; false when the deployer has no directory rights (infra/entra.sh).')
param createSignIn bool = true

@description('What infra/entra.sh printed; read only when createSignIn is false.')
param signIn SignIn = {
  apiClientId: ''
  apiAudience: ''
  webClientId: ''
  upstreamClientId: ''
  upstreamAudience: ''
}

@description('Tool servers that the app calls on behalf of people; consent is given here for the whole tenant.')
param toolServers ToolServer[] = []

@description('Tenants whose people may sign in; the deployment\'s own by default.')
param tenants string[] = [
  tenant().tenantId
]

@description('Object id of who deploys, for prompts and registry; empty: nobody.')
param deployerPrincipalId string = ''

@description('Kind of who deploys: User by hand, ServicePrincipal in the workflow.')
param deployerPrincipalType string = 'User'

@description('Where alerts are sent.')
param alertEmail string

@minValue(1)
@description('Monthly budget of the resource group in the subscription\'s currency.')
param monthlyBudget int = 500

@description('First day of the budget; the first of a month.')
param budgetStart string = utcNow('yyyy-MM-01')

param limits Limits = {
  historyRetentionDays: 0
  fiscalYearStartMonth: 1
  turnTimeoutS: 300
  modelRoundsPerTurn: 8
  toolCallsPerTurn: 16
  modelCallTimeoutS: 60
  modelSilenceS: 20
  toolTimeoutS: 60
  approvalTimeoutS: 600
  groupApprovalTimeoutS: 120
  coachNames: ['coach']
  messagesPerMinute: 20
  runningTurnsPerUser: 2
  connectionsPerUser: 5
  tokensPerDay: 500000
  queuePolicy: 'enqueue'
  waitingTurnsPerConversation: 3
}

@description('Shown by /api/health.')
param appVersion string = '0.1.0'

@description('Shown by /api/health.')
param appCommit string = 'unknown'

@description('Whether the hub sends its events to the app; the hook turns it on once the app answers the handshake.')
param attachHub bool = false

var token = uniqueString(resourceGroup().id, environmentName)
var suffix = '${environmentName}-${token}'

module monitoring 'modules/monitoring.bicep' = {
  name: 'monitoring'
  params: {
    suffix: suffix
    location: location
  }
}

module identity 'modules/identity.bicep' = {
  name: 'identity'
  params: {
    suffix: suffix
    location: location
  }
}

module storage 'modules/storage.bicep' = {
  name: 'storage'
  params: {
    token: token
    location: location
    privateNetworking: privateNetworking
    workspaceId: monitoring.outputs.workspaceId
  }
}

module cosmos 'modules/cosmos.bicep' = {
  name: 'cosmos'
  params: {
    suffix: suffix
    location: location
    mode: cosmosMode
    maxThroughput: cosmosMaxThroughput
    privateNetworking: privateNetworking
    workspaceId: monitoring.outputs.workspaceId
  }
}

module openAi 'modules/open-ai.bicep' = {
  name: 'open-ai'
  params: {
    suffix: suffix
    location: location
    deployments: [
      primaryModel
      secondaryModel
      utilityModel
    ]
    privateNetworking: privateNetworking
    workspaceId: monitoring.outputs.workspaceId
  }
}

module scheduler 'modules/scheduler.bicep' = {
  name: 'scheduler'
  params: {
    suffix: suffix
    location: location
    sku: schedulerSku
    privateNetworking: privateNetworking
    subnetPrefix: privateNetworking ? network.outputs.appSubnetPrefix : ''
  }
}

module keyVault 'modules/key-vault.bicep' = {
  name: 'key-vault'
  params: {
    token: token
    location: location
    privateNetworking: privateNetworking
    workspaceId: monitoring.outputs.workspaceId
  }
}

module webPubSub 'modules/web-pubsub.bicep' = {
  name: 'web-pubsub'
  params: {
    suffix: suffix
    location: location
    units: webPubSubUnits
    privateNetworking: privateNetworking
    workspaceId: monitoring.outputs.workspaceId
  }
}

module web 'modules/static-web-app.bicep' = {
  name: 'web'
  params: {
    suffix: suffix
    location: webLocation
  }
}

module network 'modules/network.bicep' = if (privateNetworking) {
  name: 'network'
  params: {
    suffix: suffix
    location: location
    door: door
  }
}

module privateEndpoints 'modules/private-endpoints.bicep' = if (privateNetworking) {
  name: 'private-endpoints'
  params: {
    suffix: suffix
    location: location
    networkId: network.outputs.networkId
    subnetId: network.outputs.endpointSubnetId
    hostStorageId: storage.outputs.hostId
    promptsStorageId: storage.outputs.promptsId
    cosmosId: cosmos.outputs.accountId
    openAiId: openAi.outputs.accountId
    keyVaultId: keyVault.outputs.vaultId
    webPubSubId: webPubSub.outputs.serviceId
    schedulerId: scheduler.outputs.schedulerId
  }
}

module entra 'entra.bicep' = if (createSignIn) {
  name: 'entra'
  params: {
    environmentName: environmentName
    webOrigin: web.outputs.origin
    appPrincipalId: identity.outputs.principalId
    webPubSubPrincipalId: webPubSub.outputs.principalId
    toolServers: toolServers
  }
}

module access 'modules/access.bicep' = {
  name: 'access'
  params: {
    door: door
    appPrincipalId: identity.outputs.principalId
    webPubSubPrincipalId: webPubSub.outputs.principalId
    deployerPrincipalId: deployerPrincipalId
    deployerPrincipalType: deployerPrincipalType
    hostStorageName: storage.outputs.hostName
    packageContainerName: storage.outputs.packageContainerName
    promptsStorageName: storage.outputs.promptsName
    promptsContainerName: storage.outputs.promptsContainerName
    cosmosAccountName: cosmos.outputs.accountName
    cosmosDatabaseName: cosmos.outputs.databaseName
    openAiName: openAi.outputs.accountName
    schedulerName: scheduler.outputs.schedulerName
    taskHubName: scheduler.outputs.taskHubName
    webPubSubName: webPubSub.outputs.serviceName
    keyVaultName: keyVault.outputs.vaultName
    sealingKeyName: keyVault.outputs.sealingKeyName
    insightsName: monitoring.outputs.insightsName
  }
}

module app 'modules/function-app.bicep' = {
  name: 'function-app'
  // The package is read with the app's identity as soon as the app exists.
  dependsOn: [
    access
  ]
  params: {
    suffix: suffix
    location: location
    door: door
    alwaysReady: alwaysReady
    maximumInstances: maximumInstances
    identityId: identity.outputs.identityId
    identityClientId: identity.outputs.clientId
    subnetId: privateNetworking ? network.outputs.appSubnetId : ''
    workspaceId: monitoring.outputs.workspaceId
    insightsConnectionString: monitoring.outputs.connectionString
    hostStorageName: storage.outputs.hostName
    packageContainerUrl: storage.outputs.packageContainerUrl
    cosmosEndpoint: cosmos.outputs.endpoint
    cosmosDatabase: cosmos.outputs.databaseName
    webPubSubEndpoint: webPubSub.outputs.endpoint
    upstreamPrincipal: webPubSub.outputs.principalId
    promptsEndpoint: storage.outputs.promptsEndpoint
    promptsContainer: storage.outputs.promptsContainerName
    openAiEndpoint: openAi.outputs.endpoint
    chatModel: primaryModel.name
    chatModelSecondary: secondaryModel.name
    utilityModel: utilityModel.name
    schedulerEndpoint: scheduler.outputs.endpoint
    taskHubName: scheduler.outputs.taskHubName
    sealingKeyId: keyVault.outputs.sealingKeyId
    webOrigin: web.outputs.origin
    tenants: tenants
    apiClientId: createSignIn ? entra.outputs.apiClientId : signIn.apiClientId
    apiAudience: createSignIn ? entra.outputs.apiAudience : signIn.apiAudience
    upstreamClientId: createSignIn ? entra.outputs.upstreamClientId : signIn.upstreamClientId
    upstreamAudience: createSignIn ? entra.outputs.upstreamAudience : signIn.upstreamAudience
    limits: limits
    appVersion: appVersion
    appCommit: appCommit
  }
}

module eventHandler 'modules/event-handler.bicep' = if (attachHub) {
  name: 'event-handler'
  params: {
    door: door
    webPubSubName: webPubSub.outputs.serviceName
    appHostName: app.outputs.hostName
    upstreamAudience: createSignIn ? entra.outputs.upstreamAudience : signIn.upstreamAudience
    keyVaultUri: keyVault.outputs.vaultUri
  }
}

module alerts 'modules/alerts.bicep' = {
  name: 'alerts'
  params: {
    suffix: suffix
    location: location
    email: alertEmail
    workspaceId: monitoring.outputs.workspaceId
    webPubSubId: webPubSub.outputs.serviceId
    monthlyBudget: monthlyBudget
    budgetStart: budgetStart
  }
}

output AZURE_FUNCTION_NAME string = app.outputs.appName
output API_URL string = 'https://${app.outputs.hostName}'
output WEB_URL string = web.outputs.origin
output WEB_CLIENT_ID string = createSignIn ? entra.outputs.webClientId : signIn.webClientId
output API_AUDIENCE string = createSignIn ? entra.outputs.apiAudience : signIn.apiAudience
output SIGN_IN_AUTHORITY string = '${environment().authentication.loginEndpoint}${tenant().tenantId}'
output WEB_PUBSUB_ENDPOINT string = webPubSub.outputs.endpoint
output WEB_PUBSUB_NAME string = webPubSub.outputs.serviceName
output WEB_PUBSUB_PRINCIPAL_ID string = webPubSub.outputs.principalId
output APP_PRINCIPAL_ID string = identity.outputs.principalId
output COSMOS_ENDPOINT string = cosmos.outputs.endpoint
output HOST_STORAGE_NAME string = storage.outputs.hostName
output PACKAGE_CONTAINER string = storage.outputs.packageContainerName
output PROMPTS_STORAGE_NAME string = storage.outputs.promptsName
output PROMPTS_CONTAINER string = storage.outputs.promptsContainerName
output UPSTREAM_AUDIENCE string = createSignIn ? entra.outputs.upstreamAudience : signIn.upstreamAudience
output KEY_VAULT_URI string = keyVault.outputs.vaultUri
output KEY_VAULT_NAME string = keyVault.outputs.vaultName
output SALESCOACH_DOOR string = door
