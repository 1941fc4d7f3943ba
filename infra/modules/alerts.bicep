// What calls a person; docs/operations.md has a card for each name.

param suffix string
param location string
param email string
param workspaceId string
param webPubSubId string
param monthlyBudget int
param budgetStart string

// Counted in the workspace: an alert fires when its query gives more rows than `above` within `minutes`.
var queries = [
  {
    name: 'callers-refused'
    description: 'Many requests or events whose caller could not be proved (401, 403).'
    severity: 2
    minutes: 15
    above: 100
    query: 'AppRequests | where ResultCode in ("401", "403")'
  }
  {
    name: 'turns-failed'
    description: 'Turns that ended as failed, three attempts and all.'
    severity: 2
    minutes: 15
    above: 5
    query: 'AppTraces | where Message == "turn.end" and tostring(Properties.end) == "failed"'
  }
  {
    // A turn works 5 min at most and may wait 10 min for approval; upkeep-restarts tells of stalled ones at once.
    name: 'oldest-accepted'
    description: 'A question that was accepted more than 16 min ago and has not ended.'
    severity: 1
    minutes: 60
    above: 0
    query: '''
      AppTraces
      | where Message == "query.accepted" and TimeGenerated < ago(16m)
      | extend turn = tostring(Properties.turn_id)
      | join kind=leftanti (
          AppTraces
          | where Message == "turn.end"
          | extend turn = tostring(Properties.turn_id)
        ) on turn
    '''
  }
  {
    name: 'upkeep-restarts'
    description: 'Turns that upkeep had to start again.'
    severity: 2
    minutes: 15
    above: 3
    query: 'AppTraces | where Message == "turn.restarted"'
  }
  {
    name: 'store-conflicts'
    description: 'Conditional writes that lost (412): one conversation is written from too many sides.'
    severity: 3
    minutes: 15
    above: 200
    query: 'AppDependencies | where Target has "documents.azure.com" and ResultCode == "412"'
  }
  {
    name: 'store-throttled'
    description: 'Cosmos DB refuses for want of throughput (429).'
    severity: 2
    minutes: 15
    above: 50
    query: 'AppDependencies | where Target has "documents.azure.com" and ResultCode == "429"'
  }
  {
    name: 'scheduler-actions'
    description: 'Far more activities than turns explain: a loop, or a wave worth looking at.'
    severity: 3
    minutes: 60
    above: 20000
    query: 'AppRequests | where Name in ("process_round", "run_tool", "respond", "persist", "release")'
  }
  {
    name: 'app-faults'
    description: 'Faults that nothing expected.'
    severity: 2
    minutes: 15
    above: 5
    query: 'AppTraces | where Message in ("edge.fault", "turn.start_failed", "turn.restart_failed")'
  }
]

resource people 'Microsoft.Insights/actionGroups@2023-01-01' = {
  name: 'ag-salescoach-${suffix}'
  location: 'global'
  properties: {
    enabled: true
    groupShortName: 'salescoach'
    emailReceivers: [
      {
        name: 'operations'
        emailAddress: email
        useCommonAlertSchema: true
      }
    ]
  }
}

resource queryAlerts 'Microsoft.Insights/scheduledQueryRules@2023-12-01' = [
  for alert in queries: {
    name: '${alert.name}-${suffix}'
    location: location
    kind: 'LogAlert'
    properties: {
      displayName: alert.name
      description: alert.description
      severity: alert.severity
      enabled: true
      evaluationFrequency: 'PT5M'
      windowSize: 'PT${alert.minutes}M'
      scopes: [
        workspaceId
      ]
      criteria: {
        allOf: [
          {
            query: alert.query
            timeAggregation: 'Count'
            operator: 'GreaterThan'
            threshold: alert.above
            failingPeriods: {
              numberOfEvaluationPeriods: 1
              minFailingPeriodsToAlert: 1
            }
          }
        ]
      }
      autoMitigate: true
      // The tables appear with the first telemetry.
      skipQueryValidation: true
      actions: {
        actionGroups: [
          people.id
        ]
      }
    }
  }
]

resource connectionQuota 'Microsoft.Insights/metricAlerts@2018-03-01' = {
  name: 'connection-quota-${suffix}'
  location: 'global'
  properties: {
    description: 'More than 80 % of the connections that the units of Web PubSub allow.'
    severity: 2
    enabled: true
    evaluationFrequency: 'PT5M'
    windowSize: 'PT15M'
    scopes: [
      webPubSubId
    ]
    criteria: {
      'odata.type': 'Microsoft.Azure.Monitor.SingleResourceMultipleMetricCriteria'
      allOf: [
        {
          name: 'utilization'
          criterionType: 'StaticThresholdCriterion'
          metricName: 'ConnectionQuotaUtilization'
          timeAggregation: 'Maximum'
          operator: 'GreaterThan'
          threshold: 80
        }
      ]
    }
    actions: [
      {
        actionGroupId: people.id
      }
    ]
  }
}

resource roleChanged 'Microsoft.Insights/activityLogAlerts@2020-10-01' = {
  name: 'role-changed-${suffix}'
  location: 'global'
  properties: {
    description: 'A role assignment in this resource group was made or changed.'
    enabled: true
    scopes: [
      resourceGroup().id
    ]
    condition: {
      allOf: [
        {
          field: 'category'
          equals: 'Administrative'
        }
        {
          field: 'operationName'
          equals: 'Microsoft.Authorization/roleAssignments/write'
        }
      ]
    }
    actions: {
      actionGroups: [
        {
          actionGroupId: people.id
        }
      ]
    }
  }
}

resource budget 'Microsoft.Consumption/budgets@2024-08-01' = {
  name: 'budget-${suffix}'
  properties: {
    category: 'Cost'
    amount: monthlyBudget
    timeGrain: 'Monthly'
    timePeriod: {
      startDate: budgetStart
    }
    notifications: {
      eightyPercent: {
        enabled: true
        operator: 'GreaterThan'
        threshold: 80
        thresholdType: 'Actual'
        contactEmails: [
          email
        ]
        contactGroups: [
          people.id
        ]
      }
    }
  }
}
