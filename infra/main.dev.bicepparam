using './main.bicep'

param environmentName = readEnvironmentVariable('AZURE_ENV_NAME', 'dev')
param alertEmail = readEnvironmentVariable('ALERT_EMAIL', 'salescoach-dev@example.com')
param deployerPrincipalId = readEnvironmentVariable('AZURE_PRINCIPAL_ID', '')
param deployerPrincipalType = readEnvironmentVariable('AZURE_PRINCIPAL_TYPE', 'User')
param appVersion = readEnvironmentVariable('APP_VERSION', '0.1.0')
param appCommit = readEnvironmentVariable('APP_COMMIT', 'unknown')
param attachHub = bool(readEnvironmentVariable('SALESCOACH_ATTACH_HUB', 'false'))
param door = 'http'
param cosmosMode = 'serverless'
param webPubSubUnits = 1
param schedulerSku = 'Consumption'
param alwaysReady = 0
param maximumInstances = 10
param privateNetworking = false
param monthlyBudget = 200
