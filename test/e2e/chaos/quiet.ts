/**
 * The ledger closes when, by `/api/ledger`, it balances, and every device of a stream has a cut at or after the number that was
 * the stream's newest when the window began (devices lie in several partitions, and a cut reaches each in its own time): all that
 * was committed until then is accounted for, exactly, and no outbox holds more than what is fresh.
 */
import { get } from 'node:http'
import { join } from 'node:path'
import type { Agent, Installation } from './installation.ts'
import type { Ledgers } from './observer.ts'

export interface Window {
  closedMs?: number
  /** Why it did not. */
  open?: string
}

/** Rows that live data alone keeps in two outboxes, told a second ago. */
const freshRows = 400

export async function awaitClosing({ api, agents }: Installation, ledgers: Ledgers, withinMs: number): Promise<Window> {
  const startedMs = performance.now()
  const wanted = new Map(ledgers.newest)
  let open: string | undefined
  while (performance.now() - startedMs < withinMs) {
    open = await api.ledger().then(
      (ledger) => whyOpen(ledger, wanted),
      (error) => `${error}`,
    )
    open ??= await backlogOf(agents)
    if (open === undefined) return { closedMs: performance.now() - startedMs }
    await new Promise((resolve) => setTimeout(resolve, 200))
  }
  return { open: open ?? 'it was never asked' }
}

function whyOpen(
  { balanced, rows, inFlight, devices }: Awaited<ReturnType<Installation['api']['ledger']>>,
  wanted: Map<string, number>,
): string | undefined {
  if (!balanced) {
    const wrong = devices.filter((device) => !device.balanced).map(({ device, difference }) => `${device} ${difference}`)
    return `the ledger does not balance: ${wrong.join(', ')}`
  }
  const through = new Map<string, number>()
  for (const row of rows)
    through.set(row.stream, Math.min(row.closed ? Infinity : row.through, through.get(row.stream) ?? Infinity))
  for (const [stream, number] of wanted)
    if ((through.get(stream) ?? 0) < number) return `stream ${stream} is cut at ${through.get(stream)}, committed to ${number}`
  return inFlight.outboxRows > freshRows ? `${inFlight.outboxRows} rows in the outboxes` : undefined
}

async function backlogOf(agents: Agent[]): Promise<string | undefined> {
  for (const agent of agents) {
    const status = await outboxOf(agent).catch(() => undefined)
    if (!status) return `${agent.name} does not answer`
    if (status.waiting.backlog > 0) return `${status.waiting.backlog} entries of backlog in ${agent.name}`
  }
  return undefined
}

export interface OutboxNow {
  entries: number
  bytes: number
  waiting: { live: number; backlog: number }
}

/** What the agent says of its outbox on its status socket. */
export function outboxOf({ dataDir }: Agent): Promise<OutboxNow> {
  return new Promise((resolve, reject) => {
    const asking = get({ socketPath: join(dataDir, 'agent.sock'), path: '/' }, (response) => {
      let body = ''
      response.setEncoding('utf8').on('data', (text) => {
        body += text
      })
      response.on('end', () => resolve(JSON.parse(body).outbox))
    })
    asking.on('error', reject).setTimeout(3000, () => asking.destroy(new Error('no answer')))
  })
}
