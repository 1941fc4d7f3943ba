// The hub and where its events go; the door decides the address, the identity is the proof in both.
import { Door } from '../types.bicep'

param door Door
param webPubSubName string
param appHostName string
param upstreamAudience string
param keyVaultUri string

// Web PubSub reads {@Microsoft.KeyVault(…)} in an address with its own identity.
var systemKey = '{@Microsoft.KeyVault(SecretUri=${keyVaultUri}secrets/webpubsub-system-key)}'
var address = door == 'http' ? 'https://${appHostName}/api/events' : 'https://${appHostName}/runtime/webhooks/webpubsub?code=${systemKey}'

resource service 'Microsoft.SignalRService/webPubSub@2024-03-01' existing = {
  name: webPubSubName
}

resource hub 'Microsoft.SignalRService/webPubSub/hubs@2024-03-01' = {
  parent: service
  name: 'salescoach'
  properties: {
    anonymousConnectPolicy: 'deny'
    eventHandlers: [
      {
        urlTemplate: address
        userEventPattern: 'auth,message'
        systemEvents: [
          'connect'
          'connected'
          'disconnected'
        ]
        auth: {
          type: 'ManagedIdentity'
          managedIdentity: {
            resource: upstreamAudience
          }
        }
      }
    ]
  }
}
