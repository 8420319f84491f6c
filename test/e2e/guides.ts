/**
 * Follows the guides of docs/ word by word, as a person with a shell and the system's own Node. Only ports are others, so that
 * nothing else on this machine is in the way, and `npm start` is told a port and a folder.
 *
 *     npm run break -- guides [--only start,gateway]
 */
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { readArguments } from '@millrace/platform'
import { freePort } from '@millrace/platform/testing/free-port'
import { isMissing, obtain } from '../engines/index.ts'
import { type Step, stepsOf } from '../support/guide.ts'
import { CannotRun, type Program, program } from '../support/program.ts'
import { Shell } from '../support/shell.ts'

const { values } = readArguments({ call: 'npm run break -- guides' }, { only: { type: 'string' } })
const repository = resolve(import.meta.dirname, '../..')
/** In this order: each goes on in the folder of the one before. What an engine is found at in the guide. */
const guides: { name: string; engines: Record<string, string> }[] = [
  { name: 'start', engines: {} },
  { name: 'device-without-code', engines: {} },
  { name: 'gateway', engines: {} },
  { name: 'rules', engines: {} },
  { name: 'kafka', engines: { kafka: '9092' } },
  { name: 'grafana-and-kibana', engines: { 'victoria-metrics': '8428', opensearch: '9200' } },
]

await program('guides', async (context) => {
  const home = join(repository, '.cache', `guides-${process.pid}`)
  mkdirSync(home, { recursive: true })
  context.atEnd(() => rmSync(home, { recursive: true, force: true }))
  for (const name of ['dashboards', 'start']) symlinkSync(join(repository, name), join(home, name))
  const ports: Record<string, string> = { 1883: `${await freePort()}`, 8080: `${await freePort()}` }
  const shell = new Shell(home, (text) => translate(text, ports, home))
  context.atEnd(() => shell.stopAll())
  const wanted = values.only?.split(',') ?? guides.map(({ name }) => name)
  for (const { name, engines } of guides.filter((guide) => wanted.includes(guide.name))) {
    const lacking = await startEngines(context, engines, ports)
    if (lacking) context.say(`${name}: not followed: ${lacking}`)
    else await follow(context, name, shell)
  }
  if (!wanted.some((name) => guides.some((guide) => guide.name === name))) throw new CannotRun(`there is no guide ${values.only}`)
})

async function follow({ check, say }: Program, name: string, shell: Shell): Promise<void> {
  const startedMs = performance.now()
  const steps = stepsOf(readFileSync(join(repository, 'docs', `${name}.md`), 'utf8'))
  for (const step of steps) await take(step, shell, say)
  if (name === 'start') await shell.stopAll()
  check(true, `${name}: ${steps.length} steps followed in ${Math.round((performance.now() - startedMs) / 1000)} s`)
}

async function take(step: Step, shell: Shell, say: (text: string) => void): Promise<void> {
  if (step.k === 'elsewhere') say(`not run here: ${step.text.trim().split('\n')[0]}`)
  else if (step.k === 'stop') await shell.stop(step.what)
  else if (step.k === 'file') writeFileSync(join(shell.folder, step.name), shell.translate(step.text))
  else if (step.goesOn) await shell.start(step.text, step.expected)
  else await shell.run(step.text, step.expected)
}

function translate(text: string, ports: Record<string, string>, home: string): string {
  const withPorts = text.replace(/\b\d{4}\b/g, (port) => ports[port] ?? port)
  return withPorts.replace(/^npm start$/m, `npm start -- --port ${ports[8080]} --data ${join(home, 'millrace-data')}`)
}

/** What is lacking, if anything. */
async function startEngines(
  { dir, atEnd, say }: Program,
  engines: Record<string, string>,
  ports: Record<string, string>,
): Promise<string | undefined> {
  for (const [name, port] of Object.entries(engines)) {
    const engine = await obtain(name as 'kafka', { dir: join(dir, name) }, say)
    if (isMissing(engine)) return engine.missing
    atEnd(() => engine.stop())
    ports[port] = /:(\d+)/.exec(engine.address.replace(/^\w+:\/\//, ''))![1]!
  }
  return undefined
}
