// What calls a person; docs/operations.md has a card for each name.

param suffix string
param location string
param email string
param workspaceId string
param webPubSubId string
param monthlyBudget int
param budgetStart string

// Our own log lines: one JSON object each (shared/adapters/json_logs.py); `event` is the message's name.
var lines = 'AppTraces | where Message startswith "{" | extend line = parse_json(Message) | extend event = tostring(line.message), turn = tostring(line.turn_id)'

// Counted in the workspace: an alert fires when its query gives more rows than `above` within `minutes`.
var queries = [
  {
    name: 'callers-refused'
    description: 'Many requests or events whose caller could not be proved (401, 403).'
    severity: 2
    minutes: 15
    above: 100
    query: 'union (AppRequests | where ResultCode in ("401", "403")), (${lines} | where event == "edge.refused" and tostring(line.code) in ("unauthenticated", "forbidden"))'
  }
  {
    name: 'turns-failed'
    description: 'Turns that ended as failed, three attempts and all.'
    severity: 2
    minutes: 15
    above: 5
    query: '${lines} | where event == "turn.end" and tostring(line.end) == "failed"'
  }
  {
    name: 'poison-turns'
    description: 'Turns that were begun a dozen times and never got through a round: they kill what runs them.'
    severity: 2
    minutes: 15
    above: 0
    query: '${lines} | where event == "round.given_up"'
  }
  {
    // Two minutes: upkeep starts what stalled within one and a half. Waiting turns are not late, they queue.
    name: 'oldest-accepted'
    description: 'A question that was accepted more than 2 min ago, holds its slot, and that nobody has begun to answer.'
    severity: 1
    minutes: 30
    above: 0
    query: '${lines} | where event == "query.accepted" and tostring(line.status) == "running" and TimeGenerated < ago(2m) | join kind=leftanti (${lines} | where event in ("round.begun", "turn.end")) on turn'
  }
  {
    // A turn works 5 min at most and may wait 10 min for approval.
    name: 'turns-unended'
    description: 'A turn that was begun more than 16 min ago and has not ended.'
    severity: 1
    minutes: 60
    above: 0
    query: '${lines} | where event == "round.begun" and TimeGenerated < ago(16m) | join kind=leftanti (${lines} | where event == "turn.end") on turn'
  }
  {
    name: 'upkeep-restarts'
    description: 'Turns that upkeep had to start again.'
    severity: 2
    minutes: 15
    above: 3
    query: '${lines} | where event == "turn.restarted"'
  }
  {
    name: 'tool-changed'
    description: 'A tool is off because its server describes it otherwise than it was pinned: a release, or an attack.'
    severity: 2
    minutes: 15
    above: 0
    query: '${lines} | where event == "tool.withheld"'
  }
  {
    // Cosmos DB's own log: every request of the app, whatever library it went through.
    name: 'store-conflicts'
    description: 'More than 1 in 20 requests to Cosmos DB lost their condition (412): one conversation is written from too many sides.'
    severity: 3
    minutes: 15
    above: 0
    query: 'CDBDataPlaneRequests | summarize lost = countif(StatusCode == 412), asked = count() | where lost > 50 and lost * 20 > asked'
  }
  {
    name: 'store-throttled'
    description: 'Cosmos DB refuses for want of throughput (429).'
    severity: 2
    minutes: 15
    above: 50
    query: 'CDBDataPlaneRequests | where StatusCode == 429'
  }
  {
    // Each of these lines is written by one activity of the scheduler.
    name: 'scheduler-actions'
    description: 'Far more activities than turns explain: a loop, or a wave worth looking at.'
    severity: 3
    minutes: 60
    above: 20000
    query: '${lines} | where event in ("round.begun", "tool.finished", "turn.end", "turn.released")'
  }
  {
    name: 'app-faults'
    description: 'Faults that nothing expected.'
    severity: 2
    minutes: 15
    above: 5
    query: '${lines} | where event in ("edge.fault", "turn.start_failed", "turn.restart_failed")'
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

resource queryAlerts 'Microsoft.Insights/scheduledQueryRules@2026-03-01' = [
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

resource connectionQuota 'Microsoft.Insights/metricAlerts@2026-01-01' = {
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

resource roleChanged 'Microsoft.Insights/activityLogAlerts@2026-01-01' = {
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
          anyOf: [
            {
              field: 'operationName'
              equals: 'Microsoft.Authorization/roleAssignments/write'
            }
            {
              field: 'operationName'
              equals: 'Microsoft.Authorization/roleAssignments/delete'
            }
            {
              field: 'operationName'
              equals: 'Microsoft.DocumentDB/databaseAccounts/sqlRoleAssignments/write'
            }
          ]
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

resource budget 'Microsoft.Consumption/budgets@2026-06-01' = {
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
