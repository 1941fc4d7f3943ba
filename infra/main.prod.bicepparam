using './main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'prod')
param alertEmail = readEnvironmentVariable('ALERT_EMAIL', 'salescoach-operations@example.com')
param deployerPrincipalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param deployerPrincipalType = readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'ServicePrincipal')
param appVersion = readEnvironmentVariable('APP_VERSION', '0.1.0')
param appCommit = readEnvironmentVariable('APP_COMMIT', 'unknown')
param attachHub = bool(readEnvironmentVariable('SALESCOACH_ATTACH_HUB', 'false'))
param door = 'http'
param cosmosMode = 'autoscale'
param cosmosMaxThroughput = 4000
param webPubSubUnits = 2
param schedulerSku = 'Dedicated'
param alwaysReady = 1
param maximumInstances = 100
param privateNetworking = true
param monthlyBudget = 3000
