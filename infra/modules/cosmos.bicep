// The truth: one database, four containers; bodies are not indexed, keys are off.
import { CosmosMode } from '../types.bicep'

param suffix string
param location string
param mode CosmosMode
param maxThroughput int
param privateNetworking bool
param workspaceId string

var serverless = mode == 'serverless'

// Paths of what is queried by value; all other fields are bodies. -1: items live until they carry a ttl of their own.
var containers = [
  {
    name: 'conversations'
    key: '/conversation_id'
    ttl: -1
    indexed: [
      '/kind/?'
      '/seq/?'
      '/turn_id/?'
      '/message_id/?'
      '/author/?'
      // Sparse: only turns that run, and questions that were not learnt from, have these.
      '/lease_until/?'
      '/unseen/?'
      '/status/?'
      // Feedback only: what a person who leaves takes along.
      '/user_id/?'
    ]
  }
  {
    name: 'users'
    key: '/user_id'
    ttl: -1
    indexed: [
      '/kind/?'
      '/place/?'
      '/conversation_kind/?'
      '/sought/?'
    ]
  }
  {
    name: 'registry'
    key: '/kind'
    ttl: -1
    indexed: [
      '/kind/?'
    ]
  }
  {
    name: 'security_events'
    key: '/day'
    // 90 days, in seconds.
    ttl: 7776000
    indexed: [
      '/kind/?'
      '/place/?'
    ]
  }
]

resource account 'Microsoft.DocumentDB/databaseAccounts@2026-03-15' = {
  name: 'cosmos-salescoach-${suffix}'
  location: location
  kind: 'GlobalDocumentDB'
  properties: {
    databaseAccountOfferType: 'Standard'
    capabilities: serverless ? [
          {
            name: 'EnableServerless'
          }
        ] : []
    consistencyPolicy: {
      defaultConsistencyLevel: 'Session'
    }
    locations: [
      {
        locationName: location
        failoverPriority: 0
        isZoneRedundant: !serverless
      }
    ]
    backupPolicy: {
      type: 'Continuous'
      continuousModeProperties: {
        tier: serverless ? 'Continuous7Days' : 'Continuous30Days'
      }
    }
    disableLocalAuth: true
    disableKeyBasedMetadataWriteAccess: true
    minimalTlsVersion: 'Tls12'
    publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'
  }
}

resource database 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases@2026-03-15' = {
  parent: account
  name: 'salescoach'
  properties: {
    resource: {
      id: 'salescoach'
    }
  }
}

@batchSize(1)
resource items 'Microsoft.DocumentDB/databaseAccounts/sqlDatabases/containers@2026-03-15' = [
  for container in containers: {
    parent: database
    name: container.name
    properties: {
      resource: {
        id: container.name
        partitionKey: {
          kind: 'Hash'
          version: 2
          paths: [
            container.key
          ]
        }
        defaultTtl: container.ttl
        indexingPolicy: {
          indexingMode: 'consistent'
          automatic: true
          includedPaths: map(container.indexed, path => {
            path: path
          })
          excludedPaths: [
            {
              path: '/*'
            }
          ]
        }
      }
      options: serverless ? {} : {
            autoscaleSettings: {
              maxThroughput: maxThroughput
            }
          }
    }
  }
]

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: account
  properties: {
    workspaceId: workspaceId
    logAnalyticsDestinationType: 'Dedicated'
    logs: [
      {
        category: 'DataPlaneRequests'
        enabled: true
      }
      {
        category: 'ControlPlaneRequests'
        enabled: true
      }
    ]
  }
}

output accountId string = account.id
output accountName string = account.name
output databaseName string = database.name
output endpoint string = account.properties.documentEndpoint
