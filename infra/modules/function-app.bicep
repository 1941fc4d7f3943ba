// The app and its plan: Flex Consumption behind the HTTP door, Elastic Premium behind the trigger.
import { Door, Limits } from '../types.bicep'

param suffix string
param location string
param door Door
param alwaysReady int
param maximumInstances int
param identityId string
param identityClientId string
param subnetId string
param workspaceId string
param insightsConnectionString string
param hostStorageName string
param packageContainerUrl string
param cosmosEndpoint string
param cosmosDatabase string
param webPubSubEndpoint string
param upstreamPrincipal string
param promptsEndpoint string
param promptsContainer string
param openAiEndpoint string
param chatModel string
param chatModelSecondary string
param utilityModel string
param schedulerEndpoint string
param taskHubName string
param sealingKeyId string
param webOrigin string
param tenants string[]
param apiClientId string
param apiAudience string
param upstreamClientId string
param upstreamAudience string
param limits Limits
param appVersion string
param appCommit string

var flex = door == 'http'
var appName = 'func-salescoach-${suffix}'
var pythonVersion = '3.11'
// Azure writes it with a slash at its end, tokens without.
var authority = replace('${environment().authentication.loginEndpoint}#', '/#', '')

// Exactly the keys of docs/settings.md that apply in Azure; a test compares both ways.
var settings = {
  COSMOS__accountEndpoint: cosmosEndpoint
  COSMOS__credential: 'managedidentity'
  COSMOS__clientId: identityClientId
  COSMOS_DATABASE: cosmosDatabase
  WebPubSubConnectionString__serviceUri: webPubSubEndpoint
  WebPubSubConnectionString__credential: 'managedidentity'
  WebPubSubConnectionString__clientId: identityClientId
  UPSTREAM_PROOF: 'identity'
  // A v2 token names its audience by client id, a v1 token by the address that it was asked for by.
  UPSTREAM_AUDIENCE: '${upstreamClientId},${upstreamAudience}'
  UPSTREAM_PRINCIPAL: upstreamPrincipal
  ALLOWED_ORIGINS: webOrigin
  PROMPTS__serviceUri: promptsEndpoint
  PROMPTS_CONTAINER: promptsContainer
  PROMPTS_FRESH_S: '60'
  AUTH_AUTHORITY: authority
  AUTH_TENANTS: join(tenants, ',')
  AUTH_AUDIENCES: '${apiClientId},${apiAudience}'
  AUTH_SCOPE: 'access_as_user'
  AUTH_CLIENT_ID: apiClientId
  SEALING_KEY_ID: sealingKeyId
  MCP_SERVER_SOURCE: 'cosmos'
  MCP_SERVERS_FILE: 'mcpservers.json'
  AZURE_OPENAI_ENDPOINT: openAiEndpoint
  AZURE_OPENAI_CHAT_MODEL: chatModel
  AZURE_OPENAI_CHAT_MODEL_SECONDARY: chatModelSecondary
  AZURE_OPENAI_UTILITY_MODEL: utilityModel
  HISTORY_RETENTION_DAYS: string(limits.historyRetentionDays)
  FISCAL_YEAR_START_MONTH: string(limits.fiscalYearStartMonth)
  TURN_TIMEOUT_S: string(limits.turnTimeoutS)
  MODEL_ROUNDS_PER_TURN: string(limits.modelRoundsPerTurn)
  TOOL_CALLS_PER_TURN: string(limits.toolCallsPerTurn)
  MODEL_CALL_TIMEOUT_S: string(limits.modelCallTimeoutS)
  MODEL_SILENCE_S: string(limits.modelSilenceS)
  TOOL_TIMEOUT_S: string(limits.toolTimeoutS)
  APPROVAL_TIMEOUT_S: string(limits.approvalTimeoutS)
  GROUP_APPROVAL_TIMEOUT_S: string(limits.groupApprovalTimeoutS)
  COACH_NAMES: join(limits.coachNames, ',')
  MESSAGES_PER_MINUTE: string(limits.messagesPerMinute)
  RUNNING_TURNS_PER_USER: string(limits.runningTurnsPerUser)
  CONNECTIONS_PER_USER: string(limits.connectionsPerUser)
  TOKENS_PER_DAY: string(limits.tokensPerDay)
  QUEUE_POLICY: limits.queuePolicy
  WAITING_TURNS_PER_CONVERSATION: string(limits.waitingTurnsPerConversation)
  MANAGED_IDENTITY_CLIENT_ID: identityClientId
  APP_VERSION: appVersion
  APP_COMMIT: appCommit
  AzureWebJobsStorage__accountName: hostStorageName
  AzureWebJobsStorage__credential: 'managedidentity'
  AzureWebJobsStorage__clientId: identityClientId
  TASKHUB_NAME: taskHubName
  DURABLE_TASK_SCHEDULER_CONNECTION_STRING: 'Endpoint=${schedulerEndpoint};Authentication=ManagedIdentity;ClientID=${identityClientId}'
  APPLICATIONINSIGHTS_CONNECTION_STRING: insightsConnectionString
  APPLICATIONINSIGHTS_AUTHENTICATION_STRING: 'Authorization=AAD;ClientId=${identityClientId}'
}

// Flex keeps runtime and package in functionAppConfig; Premium reads them from settings.
var premiumSettings = {
  FUNCTIONS_EXTENSION_VERSION: '~4'
  FUNCTIONS_WORKER_RUNTIME: 'python'
  WEBSITE_RUN_FROM_PACKAGE: '${packageContainerUrl}/salescoach.zip'
  WEBSITE_RUN_FROM_PACKAGE_BLOB_MI_RESOURCE_ID: identityId
}

resource plan 'Microsoft.Web/serverfarms@2025-03-01' = {
  name: 'plan-salescoach-${suffix}'
  location: location
  kind: flex ? 'functionapp' : 'elastic'
  sku: flex ? {
        name: 'FC1'
        tier: 'FlexConsumption'
      } : {
        name: 'EP1'
        tier: 'ElasticPremium'
      }
  properties: {
    reserved: true
    maximumElasticWorkerCount: flex ? null : maximumInstances
  }
}

var flexConfig = {
  deployment: {
    storage: {
      type: 'blobContainer'
      value: packageContainerUrl
      authentication: {
        type: 'UserAssignedIdentity'
        userAssignedIdentityResourceId: identityId
      }
    }
  }
  runtime: {
    name: 'python'
    version: pythonVersion
  }
  scaleAndConcurrency: {
    instanceMemoryMB: 2048
    maximumInstanceCount: maximumInstances
    // Python's default is 1: every open request would cost an instance.
    triggers: {
      http: {
        perInstanceConcurrency: 50
      }
    }
    alwaysReady: alwaysReady == 0 ? [] : [
          {
            name: 'http'
            instanceCount: alwaysReady
          }
          {
            name: 'durable'
            instanceCount: alwaysReady
          }
        ]
  }
}

resource app 'Microsoft.Web/sites@2025-03-01' = {
  name: appName
  location: location
  kind: 'functionapp,linux'
  tags: {
    'azd-service-name': 'api'
  }
  identity: {
    type: 'UserAssigned'
    userAssignedIdentities: {
      '${identityId}': {}
    }
  }
  properties: {
    serverFarmId: plan.id
    httpsOnly: true
    clientCertEnabled: false
    virtualNetworkSubnetId: empty(subnetId) ? null : subnetId
    functionAppConfig: flex ? flexConfig : null
    siteConfig: {
      linuxFxVersion: flex ? null : 'Python|${pythonVersion}'
      minTlsVersion: '1.2'
      scmMinTlsVersion: '1.2'
      ftpsState: 'Disabled'
      http20Enabled: true
      remoteDebuggingEnabled: false
      healthCheckPath: flex ? null : '/api/health'
      minimumElasticInstanceCount: flex ? null : max(1, alwaysReady)
      vnetRouteAllEnabled: !empty(subnetId)
      cors: {
        allowedOrigins: [
          webOrigin
        ]
        supportCredentials: false
      }
    }
  }
}

resource appSettings 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'appsettings'
  properties: flex ? settings : union(settings, premiumSettings)
}

// The caller is proved in functions/_edge.py; Easy Auth would prove it a second time and hide the token.
resource easyAuth 'Microsoft.Web/sites/config@2025-03-01' = {
  parent: app
  name: 'authsettingsV2'
  properties: {
    platform: {
      enabled: false
    }
  }
}

resource scmBasicAuth 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'scm'
  properties: {
    allow: false
  }
}

resource ftpBasicAuth 'Microsoft.Web/sites/basicPublishingCredentialsPolicies@2025-03-01' = {
  parent: app
  name: 'ftp'
  properties: {
    allow: false
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: app
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'FunctionAppLogs'
        enabled: true
      }
    ]
  }
}

output appName string = app.name
output hostName string = app.properties.defaultHostName
