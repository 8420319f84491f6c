/**
 * `npm start` as a user meets it: the first value within seconds, a page, Ctrl-C that leaves nothing behind, a second start that
 * goes on from where the first was; and every process started again when it is killed, with a ledger that closes.
 *
 *     node test/e2e/start.ts
 */
import { readdirSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { readArguments } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { type Api, closingLine, openApi, printVerdict, verify, verifyDefaults } from 'millrace'
import { contention } from '../support/contention.ts'
import { npmStart, type Started } from '../support/npm-start.ts'
import { findProcesses, isAlive } from '../support/process-facts.ts'
import { type Program, program } from '../support/program.ts'
import { until } from '../support/until.ts'

readArguments({ call: 'npm run break -- start-twice' }, {})

const limits = { firstValueMs: 5000, stopMs: 20_000, closesMs: 30_000 }
const killed = ['agent', 'broker', 'processor'] as const

await program('start', async (context) => {
  const data = join(context.dir, 'data')
  const port = await freePort()
  const first = await npmStart(context, data, port)
  await firstValue(context, first)
  await page(context, first.url)
  const api = openApi(first.url)
  const before = await closes(context, api, { moreThan: 0, when: 'the first run' })
  await ctrlC(context, data, port, first)

  // Longer than `verify` looks behind the end of a run.
  await new Promise((resolve) => setTimeout(resolve, 3000))
  const second = await npmStart(context, data, port)
  await firstValue(context, second)
  const after = await closes(context, api, { moreThan: before, when: 'the second run' })
  context.check(after > before, `it goes on from where it was: ${before} read, then ${after}`)
  await whole(context, api, data, 'after the second start')
  for (const name of killed) await killAndClose(context, api, data, name)
  await whole(context, api, data, 'after every process was killed once')
  await ctrlC(context, data, port, second)
})

/** The first event with values of the page's own stream. */
async function firstValue({ check }: Program, { url, atMs }: Started): Promise<void> {
  const answer = await fetch(new URL('/api/live', url))
  let text = ''
  for await (const chunk of answer.body!.pipeThrough(new TextDecoderStream())) {
    text += chunk
    if (/^event: values$/m.test(text)) break
  }
  const tookMs = Date.now() - atMs
  const stretch = await contention()
  check(
    tookMs <= limits.firstValueMs * stretch,
    `the first value on a chart ${tookMs} ms after the processes' start, on a machine ${stretch.toFixed(1)} times as slow as alone`,
  )
}

async function page({ check }: Program, url: string): Promise<void> {
  const html = await (await fetch(url)).text()
  const assets = [...html.matchAll(/(?:src|href)="([^"#:]+)"/g)].map(([, path]) => path!)
  const answers = await Promise.all(assets.map(async (path) => (await fetch(new URL(path, url))).status))
  check(/<!doctype html/i.test(html) && assets.length > 0, `the page is served, with ${assets.join(', ')}`)
  check(
    answers.every((status) => status === 200),
    `its files answer ${answers.join(', ')}`,
  )
}

/** Waits for a balanced ledger over more than `moreThan` readings and samples; resolves with how many were read. */
async function closes(
  { check }: Program,
  api: Api,
  { moreThan, when, sinceMs = performance.now() }: { moreThan: number; when: string; sinceMs?: number },
): Promise<number> {
  const read = await until(
    `${when}: the ledger closes`,
    async () => {
      const view = await api.ledger().catch(() => undefined)
      const read = view ? view.total.read[0] + view.total.read[1] : 0
      return view?.balanced && read > moreThan && view.inFlight.outboxRows < 100 && read
    },
    { withinMs: limits.closesMs },
  )
  check(true, `${when}: the ledger closes over ${read} readings and samples, ${Math.round(performance.now() - sinceMs)} ms later`)
  return read
}

async function whole({ check, say }: Program, api: Api, data: string, when: string): Promise<void> {
  const manifests = readdirSync(join(data, 'manifests')).map((name) => join(data, 'manifests', name))
  const verdict = await verify(api, manifests, verifyDefaults)
  check(verdict.isWhole, `${when}, ${manifests.length} manifests: ${closingLine(verdict)}`)
  say(printVerdict(verdict))
}

async function killAndClose(context: Program, api: Api, data: string, name: (typeof killed)[number]): Promise<void> {
  const find = () => findProcesses(join(data, `${name}.yaml`))
  const [pid, ...others] = find()
  if (pid === undefined || others.length > 0) throw new Error(`${name}: ${others.length + 1} processes`)
  const { read } = (await api.ledger()).total
  process.kill(pid, 'SIGKILL')
  const sinceMs = performance.now()
  const again = await until(`${name} is started again`, () => find().find((found) => found !== pid))
  context.say(`${name} ${pid} killed, ${again} started ${Math.round(performance.now() - sinceMs)} ms later`)
  // About three seconds of the ward, so that a cut is meant that lies after the kill.
  await closes(context, api, { moreThan: read[0] + read[1] + 3000, when: `after a kill of the ${name}`, sinceMs })
}

async function ctrlC({ check }: Program, data: string, port: number, { pid, ended }: Started): Promise<void> {
  const all = findProcesses(data)
  const brokerPort = Number(/port: (\d+)/.exec(readFileSync(join(data, 'broker.yaml'), 'utf8'))?.[1])
  const terminals = readdirSync(join(data, 'ports')).length
  const sinceMs = performance.now()
  process.kill(-pid, 'SIGINT')
  const code = await Promise.race([ended, new Promise((resolve) => setTimeout(resolve, limits.stopMs, 'no end').unref())])
  const tookMs = Math.round(performance.now() - sinceMs)
  check(code !== 'no end', `Ctrl-C ended it after ${tookMs} ms with code ${code}`)
  const left = [...all.filter(isAlive), ...findProcesses(data)]
  check(all.length >= 5 && left.length === 0, `${all.length} processes before it, ${left.length} after it`)
  const open = await Promise.all([port, brokerPort].map(isOpen))
  check(!open.includes(true), `ports ${port} and ${brokerPort} are free`)
  const after = readdirSync(join(data, 'ports')).length
  check(terminals > 0 && after === 0, `${terminals} pseudo-terminals before it, ${after} after it`)
}

function isOpen(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}
