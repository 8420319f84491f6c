/**
 * Templates, the present indices, and a life cycle policy where the cluster has such. Everything may be done again.
 *
 * Retention is done by Millrace itself (retention.ts). The policy is for a cluster on which no Millrace runs any more: it counts
 * from the making of an index and so deletes a period and a day later. Neither the free Elasticsearch core nor the OpenSearch of
 * the tests has policies: installing them was never run.
 */
import { type Clock, type Log as Lines, MillraceError } from '@millrace/platform'
import type { OpenSearchConfig } from './config.ts'
import { type Answer, type Connection, connect, nameOf, reasonOf } from './connection.ts'
import { type Kind, kindNames, schemaVersion } from './schema.ts'
import { indexPattern, mappingOf, presentIndex, templateName, templateOf } from './template.ts'

/** For `millrace setup`: applies what the configuration says now to new indices, and new fields to those that are there. @throws MillraceError STORE_SETUP, STORE_WRITE */
export async function setUpOpenSearch(config: OpenSearchConfig, context: { log: Lines; clock: Clock }): Promise<void> {
  const connection = await connect(config, context.clock)
  try {
    const policies = await findPolicies(connection)
    const cluster = { connection, config, policies }
    for (const kind of kindNames) {
      await setUpKind(cluster, kind)
      await makePresentIndex(cluster, kind, context.clock.now())
    }
    context.log.info('document store is set up', { nodes: nameOf(config), prefix: config.indexPrefix, policies })
  } finally {
    await connection.close()
  }
}

/** Before a writer's first document: an index without its template would guess every field. */
export async function ensureTemplates(connection: Connection, config: OpenSearchConfig): Promise<void> {
  const found = await connection.request('GET', `/_index_template/${config.indexPrefix}*`)
  if (found.status !== 404) demand(config, found, 'look for its templates')
  const versions = new Map<string, number>(
    (found.body?.index_templates ?? []).map((one: { name: string; index_template: { version?: number } }) => [
      one.name,
      one.index_template.version ?? 0,
    ]),
  )
  const old = kindNames.filter((kind) => (versions.get(templateName(config, kind)) ?? 0) < schemaVersion)
  if (old.length === 0) return
  const policies = await findPolicies(connection)
  for (const kind of old) await setUpKind({ connection, config, policies }, kind)
}

/** Makes the index unless it is there; resolves with what kept it from that. A blocked index that is there is there. */
export async function ensureIndex(connection: Connection, index: string): Promise<string | undefined> {
  if ((await connection.request('HEAD', `/${index}`)).status === 200) return undefined
  const answer = await connection.request('PUT', `/${index}`)
  const isThere = answer.status === 200 || answer.body?.error?.type === 'resource_already_exists_exception'
  return isThere ? undefined : reasonOf(answer)
}

type Policies = 'none' | 'ilm' | 'ism'

interface Cluster {
  connection: Connection
  config: OpenSearchConfig
  policies: Policies
}

async function setUpKind(cluster: Cluster, kind: Kind): Promise<void> {
  const { connection, config } = cluster
  const policy = await putPolicy(cluster, kind)
  const template = templateOf(config, kind, policy)
  const name = templateName(config, kind)
  demand(config, await connection.request('PUT', `/_index_template/${name}`, template), `set the template ${name}`)
  const pattern = indexPattern(config, kind)
  const answer = await connection.request(
    'PUT',
    `/${pattern}/_mapping?allow_no_indices=true&ignore_unavailable=true`,
    mappingOf(kind),
  )
  if (answer.status !== 404) demand(config, answer, `add fields to ${pattern}`)
}

async function makePresentIndex({ connection, config }: Cluster, kind: Kind, nowMs: number): Promise<void> {
  const index = presentIndex(config, kind, nowMs)
  const reason = await ensureIndex(connection, index)
  if (reason !== undefined)
    throw new MillraceError('STORE_SETUP', { path: nameOf(config), detail: `cannot make ${index}: ${reason}` })
}

async function findPolicies(connection: Connection): Promise<Policies> {
  if ((await connection.request('GET', '/_ilm/status')).status === 200) return 'ilm'
  // 404 with an error of the plug-in's own where it has no policies yet.
  const ism = await connection.request('GET', '/_plugins/_ism/policies')
  return ism.status === 200 ? 'ism' : 'none'
}

/** The policy that the template has to name. */
async function putPolicy({ connection, config, policies }: Cluster, kind: Kind): Promise<string | undefined> {
  const days = config.retentionDays[kind]
  if (policies === 'none' || days === 0) return undefined
  const name = `${config.indexPrefix}${kind}`
  const after = `${days + (config.period === 'month' ? 31 : 1) + 1}d`
  if (policies === 'ilm') {
    const policy = { phases: { hot: { actions: {} }, delete: { min_age: after, actions: { delete: {} } } } }
    demand(config, await connection.request('PUT', `/_ilm/policy/${name}`, { policy }), `set the policy ${name}`)
    return name
  }
  const path = `/_plugins/_ism/policies/${name}`
  const known = await connection.request('GET', path)
  const { _seq_no, _primary_term } = known.body ?? {}
  const query = known.status === 200 ? `?if_seq_no=${_seq_no}&if_primary_term=${_primary_term}` : ''
  const policy = {
    description: `Millrace: retention of ${kind}`,
    default_state: 'kept',
    states: [
      { name: 'kept', actions: [], transitions: [{ state_name: 'expired', conditions: { min_index_age: after } }] },
      { name: 'expired', actions: [{ delete: {} }], transitions: [] },
    ],
    ism_template: [{ index_patterns: [indexPattern(config, kind)], priority: 500 }],
  }
  demand(config, await connection.request('PUT', path + query, { policy }), `set the policy ${name}`)
  return undefined
}

function demand(config: OpenSearchConfig, answer: Answer, what: string): void {
  if (answer.status >= 200 && answer.status < 300) return
  throw new MillraceError('STORE_SETUP', { path: nameOf(config), detail: `cannot ${what}: ${reasonOf(answer)}` })
}
