// Types that more than one file speaks of.

@export()
@description('http: Flex Consumption and POST /api/events. trigger: Elastic Premium and webPubSubTrigger.')
type Door = 'http' | 'trigger'

@export()
@description('serverless: up to 5,000 RU/s, for dev and small. autoscale: for prod.')
type CosmosMode = 'serverless' | 'autoscale'

@export()
@description('One model deployment. retires: the date in the vendor\'s table, YYYY-MM-DD, checked by a test.')
type ModelDeployment = {
  name: string
  model: string
  version: string
  retires: string
  thousandTokensPerMinute: int
}

@export()
@description('What the app must know of its registrations in Entra.')
type SignIn = {
  apiClientId: string
  apiAudience: string
  webClientId: string
  upstreamClientId: string
  upstreamAudience: string
}

@export()
@description('A tool server\'s registration: client id, and id and name of the scope that its people need.')
type ToolServer = {
  appId: string
  scopeId: string
  scope: string
}

@export()
@description('What becomes of a question while another of its conversation is worked on.')
type QueuePolicy = 'enqueue' | 'reject'

@export()
@description('The limits that docs/settings.md calls settable.')
type Limits = {
  historyRetentionDays: int
  fiscalYearStartMonth: int
  turnTimeoutS: int
  modelRoundsPerTurn: int
  toolCallsPerTurn: int
  modelCallTimeoutS: int
  modelSilenceS: int
  toolTimeoutS: int
  approvalTimeoutS: int
  groupApprovalTimeoutS: int
  coachNames: array
  messagesPerMinute: int
  runningTurnsPerUser: int
  connectionsPerUser: int
  tokensPerDay: int
  queuePolicy: QueuePolicy
  waitingTurnsPerConversation: int
}
