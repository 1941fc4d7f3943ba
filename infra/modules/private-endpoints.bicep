// One private endpoint and one DNS zone for each service that the app calls.

param suffix string
param location string
param networkId string
param subnetId string
param hostStorageId string
param promptsStorageId string
param cosmosId string
param openAiId string
param keyVaultId string
param webPubSubId string
param schedulerId string

var blobZone = 'privatelink.blob.${environment().suffixes.storage}'

var endpoints = [
  {
    name: 'host-blob'
    target: hostStorageId
    group: 'blob'
    zone: blobZone
  }
  {
    name: 'prompts-blob'
    target: promptsStorageId
    group: 'blob'
    zone: blobZone
  }
  {
    name: 'cosmos'
    target: cosmosId
    group: 'Sql'
    zone: 'privatelink.documents.azure.com'
  }
  {
    name: 'openai'
    target: openAiId
    group: 'account'
    zone: 'privatelink.openai.azure.com'
  }
  {
    name: 'vault'
    target: keyVaultId
    group: 'vault'
    zone: 'privatelink.vaultcore.azure.net'
  }
  {
    name: 'webpubsub'
    target: webPubSubId
    group: 'webpubsub'
    zone: 'privatelink.webpubsub.azure.com'
  }
  {
    name: 'scheduler'
    target: schedulerId
    group: 'scheduler'
    zone: 'privatelink.durabletask.io'
  }
]
// Both storage accounts share one zone.
var zones = union(map(endpoints, endpoint => endpoint.zone), [])

resource dnsZones 'Microsoft.Network/privateDnsZones@2024-06-01' = [
  for zone in zones: {
    name: zone
    location: 'global'
  }
]

resource links 'Microsoft.Network/privateDnsZones/virtualNetworkLinks@2024-06-01' = [
  for (zone, index) in zones: {
    parent: dnsZones[index]
    name: 'salescoach'
    location: 'global'
    properties: {
      registrationEnabled: false
      virtualNetwork: {
        id: networkId
      }
    }
  }
]

resource privateEndpoints 'Microsoft.Network/privateEndpoints@2025-09-01' = [
  for endpoint in endpoints: {
    name: 'pe-${endpoint.name}-${suffix}'
    location: location
    properties: {
      subnet: {
        id: subnetId
      }
      privateLinkServiceConnections: [
        {
          name: endpoint.name
          properties: {
            privateLinkServiceId: endpoint.target
            groupIds: [
              endpoint.group
            ]
          }
        }
      ]
    }
  }
]

resource records 'Microsoft.Network/privateEndpoints/privateDnsZoneGroups@2025-09-01' = [
  for (endpoint, index) in endpoints: {
    parent: privateEndpoints[index]
    name: 'default'
    properties: {
      privateDnsZoneConfigs: [
        {
          name: endpoint.group
          properties: {
            privateDnsZoneId: resourceId('Microsoft.Network/privateDnsZones', endpoint.zone)
          }
        }
      ]
    }
    dependsOn: [
      dnsZones
    ]
  }
]
