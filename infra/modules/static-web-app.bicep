// The web client: static files on an origin of their own.

param suffix string
param location string

resource site 'Microsoft.Web/staticSites@2025-03-01' = {
  name: 'web-salescoach-${suffix}'
  location: location
  tags: {
    'azd-service-name': 'web'
  }
  sku: {
    name: 'Standard'
    tier: 'Standard'
  }
  properties: {
    allowConfigFileUpdates: true
    stagingEnvironmentPolicy: 'Disabled'
  }
}

output origin string = 'https://${site.properties.defaultHostname}'
