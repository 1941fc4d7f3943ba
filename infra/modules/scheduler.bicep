// Durable Task Scheduler and the app's task hub; finished turns are purged.

param suffix string
param location string
param sku string
param privateNetworking bool
param subnetPrefix string

resource scheduler 'Microsoft.DurableTask/schedulers@2026-02-01' = {
  name: 'dts-salescoach-${suffix}'
  location: location
  properties: {
    sku: sku == 'Dedicated' ? {
          name: sku
          capacity: 1
        } : {
          name: sku
        }
    publicNetworkAccess: privateNetworking ? 'Disabled' : 'Enabled'
    // Required. Public mode relies on Entra alone, since Flex instances have no fixed addresses.
    ipAllowlist: [
      privateNetworking ? subnetPrefix : '0.0.0.0/0'
    ]
  }
}

resource hub 'Microsoft.DurableTask/schedulers/taskHubs@2026-02-01' = {
  parent: scheduler
  name: 'salescoach'
  properties: {}
}

resource retention 'Microsoft.DurableTask/schedulers/retentionPolicies@2026-02-01' = {
  parent: scheduler
  name: 'default'
  properties: {
    retentionPolicies: [
      {
        retentionPeriodInDays: 1
      }
      {
        orchestrationState: 'Failed'
        retentionPeriodInDays: 7
      }
    ]
  }
}

output schedulerId string = scheduler.id
output schedulerName string = scheduler.name
output taskHubName string = hub.name
output endpoint string = scheduler.properties.endpoint
