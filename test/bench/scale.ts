/**
 * `npm run break -- scale [--seconds 10 --rate 40000]`: 1, 2 and 4 processors on one Kafka and one VictoriaMetrics, all on this
 * machine, given the same load from eight edge nodes. CPU-seconds per million readings of each part say what more machines
 * would carry; the rate that was taken says only what this one does.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addUser } from '@millrace/broker/broker'
import { readArguments } from '@millrace/platform'
import { stringify } from 'yaml'
import { cpuSeconds } from '../support/process-facts.ts'
import { startEngines } from './engines.ts'
import { publishLoad } from './publisher.ts'

const { values } = readArguments(
  { call: 'npm run break -- scale' },
  { seconds: { type: 'string', default: '10' }, rate: { type: 'string', default: '40000' } },
)
const nodes = 8
const partitions = 8
const dir = mkdtempSync(join(tmpdir(), 'millrace-scale-'))
const running: { kill(signal: 'SIGKILL'): unknown }[] = []
process.on('exit', () => {
  for (const one of running) one.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

const engines = await startEngines(dir, running)
if (!engines) process.exit(77)
const users = join(dir, 'users')
await addUser(users, { name: 'bench', password: 'bench', role: 'admin', args: [] })
const brokerConfig = write('broker', { listen: { port: 0 }, users })
const broker = await start('@millrace/broker/main', ['run', '--config', brokerConfig], /"listening".*"port":(\d+)/)
const bridge = { url: `mqtt://127.0.0.1:${broker.found}`, username: 'bench', password: 'bench' }

console.log(
  `${cpus().length} cores, load ${loadavg()[0]!.toFixed(2)}; ${nodes} nodes, ${partitions} partitions, ${values.rate} readings/s asked`,
)
console.log('processors  readings/s  CPU s per million: processors  Kafka  VictoriaMetrics  broker   receipt p50 / p99 ms')
for (const count of [1, 2, 4]) await measure(count)
process.exit(0)

async function measure(count: number): Promise<void> {
  const log = { kind: 'kafka', brokers: [engines!.kafka], partitions, replicas: 1, topicPrefix: `scale${count}.` }
  const store = { kind: 'influxdb', dialect: 'victoriametrics', url: engines!.store }
  const processors = await Promise.all(
    Array.from({ length: count }, (_, k) => {
      const name = `p${count}-${k}`
      const config = write(name, { name, dataDir: join(dir, name), web: { port: 0 }, bridge, log, store })
      return start('@millrace/cloud-processor/main', ['run', '--config', config], /connected to the broker/)
    }),
  )
  await load(`warm${count}`, 4)
  const parts = {
    processors: processors.map(({ pid }) => pid),
    kafka: [engines!.pids.kafka!],
    store: [engines!.pids.store!],
    broker: [broker.pid],
  }
  const use = () =>
    Object.fromEntries(Object.entries(parts).map(([part, pids]) => [part, pids.reduce((sum, pid) => sum + cpuSeconds(pid), 0)]))
  const before = use()
  const results = await load(`run${count}`, Number(values.seconds))
  await new Promise((resolve) => setTimeout(resolve, 3000))
  const after = use()
  const readings = results.reduce((sum, one) => sum + one.readings, 0)
  const perMillion = (part: string) => (((after[part]! - before[part]!) * 1e6) / readings).toFixed(2).padStart(8)
  const seconds = Math.max(...results.map((one) => one.seconds))
  const [p50, p99] = [Math.max(...results.map((one) => one.p50Ms)), Math.max(...results.map((one) => one.p99Ms))]
  const unreceipted = results.reduce((sum, one) => sum + one.unreceipted, 0)
  console.log(
    `${`${count}`.padStart(10)}${`${Math.round(readings / seconds)}`.padStart(12)}${perMillion('processors').padStart(30)}${perMillion('kafka')}${perMillion('store').padStart(14)}${perMillion('broker').padStart(10)}${`${p50.toFixed(0)} / ${p99.toFixed(0)}`.padStart(20)}${unreceipted > 0 ? `   ${unreceipted} without a receipt` : ''}`,
  )
  for (const { stop } of processors) await stop()
}

function load(name: string, seconds: number) {
  return Promise.all(
    Array.from({ length: nodes }, (_, n) =>
      publishLoad({
        ...bridge,
        batch: 100,
        readingsPerS: Number(values.rate) / nodes,
        seconds,
        receipts: true,
        name: `${name}n${n}`,
      }),
    ),
  )
}

function write(name: string, config: object): string {
  mkdirSync(join(dir, name), { recursive: true })
  const path = join(dir, `${name}.yaml`)
  writeFileSync(path, stringify(config), { mode: 0o600 })
  return path
}

function start(script: string, args: string[], ready: RegExp): Promise<{ pid: number; found: string; stop(): Promise<void> }> {
  const path = fileURLToPath(import.meta.resolve(script))
  const child = spawn(process.execPath, ['--max-semi-space-size=2', path, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  running.push(child)
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()))
  return new Promise((resolve, reject) => {
    let text = ''
    const see = (chunk: Buffer) => {
      text = `${text}${chunk}`.slice(-20_000)
      const match = ready.exec(text)
      const stop = async () => {
        child.kill('SIGTERM')
        await ended
      }
      if (match) resolve({ pid: child.pid!, found: match[1] ?? '', stop })
    }
    child.stdout.on('data', see)
    child.stderr.on('data', see)
    child.once('exit', (code) => reject(new Error(`${script} ended with ${code}: ${text.slice(-2000)}`)))
  })
}
