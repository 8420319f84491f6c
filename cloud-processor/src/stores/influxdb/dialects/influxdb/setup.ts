/** Makes organisation, buckets with their retention, and the task that rolls minutes up, in InfluxDB 2. */
import { type Engine, HttpFailure } from '../../engine.ts'
import { reading } from '../../schema.ts'

const daySeconds = 86_400
/** Readings that come later than this are not in the roll-ups. */
const rolledBack = '6h'

export async function setUpBuckets(engine: Engine): Promise<string[]> {
  const { org, bucket, retentionDays, rollUpDays } = engine.config
  const done: string[] = []
  const ask = async (method: 'GET' | 'POST' | 'PATCH', path: string, body?: object) =>
    JSON.parse(await engine.request(method, path, body && JSON.stringify(body), { 'content-type': 'application/json' }))
  const named = (values: Record<string, string>) => new URLSearchParams(values)

  async function organisation(): Promise<string> {
    const { orgs = [] } = await ask('GET', `/api/v2/orgs?${named({ org })}`).catch(toNothing)
    if (orgs.length > 0) return orgs[0].id
    done.push(`organisation ${org}: made`)
    return (await ask('POST', '/api/v2/orgs', { name: org })).id
  }

  async function keep(orgID: string, name: string, days: number): Promise<void> {
    const retentionRules = days === 0 ? [] : [{ type: 'expire', everySeconds: days * daySeconds }]
    const { buckets = [] } = await ask('GET', `/api/v2/buckets?${named({ orgID, name })}`).catch(toNothing)
    if (buckets.length === 0) await ask('POST', '/api/v2/buckets', { orgID, name, retentionRules })
    else await ask('PATCH', `/api/v2/buckets/${buckets[0].id}`, { retentionRules })
    done.push(`bucket ${name}: ${buckets.length === 0 ? 'made' : 'there'}, kept ${days === 0 ? 'without limit' : `${days} days`}`)
  }

  const orgID = await organisation()
  const minutes = `${bucket}_1m`
  await keep(orgID, bucket, retentionDays)
  await keep(orgID, minutes, rollUpDays)
  const flux = rollUpTask(bucket, minutes, org)
  const { tasks } = await ask('GET', `/api/v2/tasks?${named({ orgID, name: taskName })}`)
  if (tasks.length === 0) await ask('POST', '/api/v2/tasks', { orgID, flux, status: 'active' })
  else await ask('PATCH', `/api/v2/tasks/${tasks[0].id}`, { flux })
  done.push(`task ${taskName}: mean, min, max and count of each minute into ${minutes}, back to ${rolledBack}`)
  return done
}

/** One that is not there is answered with 404. */
function toNothing(cause: unknown): Record<string, undefined> {
  if (cause instanceof HttpFailure && cause.status === 404) return {}
  throw cause
}

const taskName = 'millrace minutes'

function rollUpTask(bucket: string, minutes: string, org: string): string {
  const steps = ['mean', 'min', 'max', 'count'].map(
    (fn) => `values |> aggregateWindow(every: 1m, fn: ${fn}, createEmpty: false, timeSrc: "_start")
  |> set(key: "_field", value: "${fn}") |> to(bucket: ${JSON.stringify(minutes)}, org: ${JSON.stringify(org)})`,
  )
  return `option task = {name: "${taskName}", every: 5m, offset: 1m}
values = from(bucket: ${JSON.stringify(bucket)}) |> range(start: -${rolledBack})
  |> filter(fn: (r) => r._measurement == "${reading.name}" and r._field == "value")
${steps.join('\n')}
`
}
