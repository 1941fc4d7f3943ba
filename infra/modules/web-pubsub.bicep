// The service that holds the clients' WebSockets. Its own identity signs events to the app, and nothing else.

param suffix string
param location string
param units int
param privateNetworking bool
param workspaceId string

resource service 'Microsoft.SignalRService/webPubSub@2024-03-01' = {
  name: 'wps-salescoach-${suffix}'
  location: location
  kind: 'WebPubSub'
  sku: {
    name: 'Standard_S1'
    tier: 'Standard'
    capacity: units
  }
  identity: {
    type: 'SystemAssigned'
  }
  properties: {
    disableLocalAuth: true
    disableAadAuth: false
    publicNetworkAccess: 'Enabled'
    tls: {
      clientCertEnabled: false
    }
    networkACLs: {
      defaultAction: 'Deny'
      publicNetwork: {
        // Clients come from anywhere; the REST API stays inside in private mode.
        allow: privateNetworking ? [
              'ClientConnection'
            ] : [
              'ClientConnection'
              'RESTAPI'
            ]
      }
    }
    liveTraceConfiguration: {
      enabled: 'false'
      categories: []
    }
    // Messaging logs would name the receivers of every frame.
    resourceLogConfiguration: {
      categories: [
        {
          name: 'ConnectivityLogs'
          enabled: 'true'
        }
        {
          name: 'MessagingLogs'
          enabled: 'false'
        }
        {
          name: 'HttpRequestLogs'
          enabled: 'true'
        }
      ]
    }
  }
}

resource diagnostics 'Microsoft.Insights/diagnosticSettings@2021-05-01-preview' = {
  name: 'to-workspace'
  scope: service
  properties: {
    workspaceId: workspaceId
    logs: [
      {
        category: 'ConnectivityLogs'
        enabled: true
      }
      {
        category: 'HttpRequestLogs'
        enabled: true
      }
    ]
  }
}

output serviceId string = service.id
output serviceName string = service.name
output endpoint string = 'https://${service.properties.hostName}'
output principalId string = service.identity.principalId
