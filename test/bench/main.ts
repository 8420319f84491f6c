/**
 * `npm run bench [-- --seconds 8 --only mqtt --subjects bare,kafka] [--against <checkout> --turns 3]`
 *
 * CPU-seconds per million readings of the process under test, at 1, 10 and 100 readings a message, beside a bare MQTT-to-file
 * script in the same run; waiting time from publish to receipt at 10,000 readings a second; memory. Ratios are firm; rates
 * depend on the machine. Our broker stands in front. Where Kafka and VictoriaMetrics are there (`npm run engines`), the same on them.
 *
 * `--only plain`: plain MQTT devices with QoS 1 through Mosquitto (plain.ts).
 * `--only alarms`: what the rule engine costs a sample (alarms.ts).
 * `--only export [--subjects embedded,questdb]`: what exports and roll-ups of millions of readings cost, on every store (exports.ts).
 *
 * With `--against`, each subject of this checkout is measured in turn with the same one of another checkout (with its packages
 * installed), and the ratio of the two is printed: what a change costs.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { addUser } from '@millrace/broker/broker'
import { readArguments } from '@millrace/platform'
import { stringify } from 'yaml'
import { alarmsBench } from './alarms.ts'
import { startEngines } from './engines.ts'
import { exportBench } from './exports.ts'
import { openOutboxBench } from './outbox.ts'
import { plainBench } from './plain.ts'
import { usage } from './processes.ts'
import { publishLoad } from './publisher.ts'
import { storageBench } from './storage.ts'

const { values } = readArguments(
  { call: 'npm run bench --' },
  {
    seconds: { type: 'string', default: '8' },
    only: { type: 'string' },
    subjects: { type: 'string' },
    against: { type: 'string' },
    turns: { type: 'string', default: '3' },
  },
)
const seconds = Number(values.seconds)
const here = fileURLToPath(new URL('../..', import.meta.url))
/** Readings in a message, and how many readings a second are offered. */
const loads = [
  [100, 120_000],
  [10, 50_000],
  [1, 8000],
] as const
const dir = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
/** Messages that come before both are sent once and never receipted: the publisher would wait for them in vain. */
const isReady = /connected to the broker[\s\S]*processor ready|processor ready[\s\S]*connected to the broker/
const children: { kill(signal: 'SIGKILL'): unknown }[] = []
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

console.log(
  `${cpus().length} cores, ${cpus()[0]?.model.trim()}, load ${loadavg()[0]!.toFixed(2)} at the start, Node ${process.version}\n`,
)
if (values.only === 'plain') await plain()
else if (values.only === 'alarms') table(alarmsBench(values.against && resolve(values.against), Number(values.turns)))
else if (values.against) await compareBench(resolve(values.against))
else if (!values.only || values.only === 'mqtt') await mqttBench()
if (!values.against && (!values.only || values.only === 'outbox')) await openOutboxBench(join(dir, 'outbox'))
if (!values.against && (!values.only || values.only === 'storage')) await storageBench(join(dir, 'storage'))
if (values.only === 'export') await exportBench(join(dir, 'export'), values.subjects?.split(','))
process.exit()

async function plain(): Promise<void> {
  const engines = await startEngines(dir, children)
  table(await plainBench(dir, engines?.kafka, [here, ...(values.against ? [resolve(values.against)] : [])]))
}

interface Setting {
  broker: Awaited<ReturnType<typeof startBroker>>
  engines: Awaited<ReturnType<typeof startEngines>>
}

async function prepare(): Promise<Setting & { subjects: string[] }> {
  const broker = await startBroker()
  const engines = await startEngines(dir, children)
  const wanted = values.subjects?.split(',')
  const all = ['bare', 'log', 'processor', ...(engines ? ['kafka', 'kafka and store'] : [])]
  return { broker, engines, subjects: all.filter((subject) => !wanted || wanted.includes(subject)) }
}

async function mqttBench(): Promise<void> {
  const { subjects, ...setting } = await prepare()
  const rows: Record<string, string>[] = []
  const bare = new Map<number, number>()
  for (const subject of subjects)
    for (const [batch, readingsPerS] of loads) {
      const { cpu, idleCpuS, load, residentMB } = await measure(setting, { subject, root: here, batch, readingsPerS })
      if (subject === 'bare') bare.set(batch, cpu)
      rows.push({
        subject,
        batch: `${batch}`,
        'idle CPU %': (100 * idleCpuS).toFixed(1),
        'readings/s': `${Math.round(load.readings / load.seconds)}`,
        'CPU s per million': cpu.toFixed(2),
        'ratio to bare': bare.has(batch) ? (cpu / bare.get(batch)!).toFixed(2) : '-',
        'receipt p50 / p99 ms': subject === 'bare' ? '-' : `${load.p50Ms.toFixed(1)} / ${load.p99Ms.toFixed(1)}`,
        unreceipted: `${load.unreceipted}`,
        'memory MB': `${residentMB}`,
      })
    }
  const waits: string[] = []
  for (const subject of subjects.filter((one) => one === 'log' || one === 'kafka')) {
    const child = await startSubject(setting, subject, here)
    const load = { ...setting.broker, batch: 10, readingsPerS: 10_000, receipts: true }
    await publishLoad({ ...load, seconds: 3, name: `pacedwarm${subject}` })
    const paced = await publishLoad({ ...load, seconds, name: `paced${subject}` })
    await stopChild(child)
    waits.push(`${subject} p50 ${paced.p50Ms.toFixed(1)} ms, p99 ${paced.p99Ms.toFixed(1)} ms`)
  }
  table(rows)
  console.log(`at 10,000 readings a second in batches of 10, publish to receipt: ${waits.join('; ')}`)
  console.log('targets: log 1.0 / 3 / 18 and store 2.5 CPU-seconds per million at 100 / 10 / 1 readings a message\n')
}

/** Each subject of both checkouts in turn. */
async function compareBench(other: string): Promise<void> {
  const { subjects, ...setting } = await prepare()
  const rows: Record<string, string>[] = []
  for (const subject of subjects)
    for (const [batch, readingsPerS] of loads) {
      const turns: { now: number; before: number }[] = []
      for (let turn = 0; turn < Number(values.turns); turn++) {
        const { cpu: before } = await measure(setting, { subject, root: other, batch, readingsPerS })
        const { cpu: now } = await measure(setting, { subject, root: here, batch, readingsPerS })
        turns.push({ now, before })
      }
      const ratios = turns.map(({ now, before }) => now / before).sort((a, b) => a - b)
      rows.push({
        subject,
        batch: `${batch}`,
        'CPU s per million before': median(turns.map(({ before }) => before)).toFixed(2),
        now: median(turns.map(({ now }) => now)).toFixed(2),
        'ratio, median': median(ratios).toFixed(3),
        'least and most': `${ratios[0]!.toFixed(3)} ${ratios.at(-1)!.toFixed(3)}`,
      })
    }
  table(rows)
}

function median(numbers: number[]): number {
  const sorted = numbers.toSorted((a, b) => a - b)
  return (sorted[Math.floor((sorted.length - 1) / 2)]! + sorted[Math.ceil((sorted.length - 1) / 2)]!) / 2
}

interface Subject {
  subject: string
  /** Checkout that it is of. */
  root: string
  batch: number
  readingsPerS: number
}

async function measure(setting: Setting, { subject, root, batch, readingsPerS }: Subject) {
  const child = await startSubject(setting, subject, root)
  const common = { ...setting.broker, batch, readingsPerS, receipts: subject !== 'bare' }
  // Warm up, so that compilation is not counted.
  await publishLoad({ ...common, seconds: 4, name: `warm${subject}${batch}` })
  await settle(child.pid!)
  const idleCpuS = await idle(child.pid!)
  const before = usage(child.pid!)
  const load = await publishLoad({ ...common, seconds, name: `${subject}${batch}` })
  await settle(child.pid!)
  const after = usage(child.pid!)
  await stopChild(child)
  const cpu = ((after.cpuS - before.cpuS) * 1e6) / load.readings
  return { cpu, idleCpuS, load, residentMB: after.residentMB }
}

async function startBroker() {
  const users = join(dir, 'users')
  await addUser(users, { name: 'bench', password: 'bench', role: 'admin', args: [] })
  const config = join(dir, 'broker.yaml')
  writeFileSync(config, stringify({ listen: { port: 0 }, users }))
  const { port } = await startProcess('@millrace/broker/main', ['run', '--config', config], /"listening".*"port":(\d+)/)
  return { url: `mqtt://127.0.0.1:${port}`, username: 'bench', password: 'bench' }
}

async function startSubject({ broker, engines }: Setting, subject: string, root: string) {
  const own = join(dir, `${subject}-${performance.now()}`)
  mkdirSync(own, { recursive: true })
  // Topics of its own for each run.
  const log = { kind: 'kafka', brokers: [engines?.kafka], partitions: 1, replicas: 1, topicPrefix: `bench${Date.now()}.` }
  if (!['processor', 'kafka and store'].includes(subject)) {
    return (
      await startProcess(join(root, 'test/bench/subjects.ts'), [subject, JSON.stringify({ ...broker, dir: own, log })], /ready/)
    ).child
  }
  const config = join(own, 'processor.yaml')
  const store = { kind: 'influxdb', dialect: 'victoriametrics', url: engines?.store }
  const shared = subject === 'processor' ? {} : { log, store }
  writeFileSync(config, stringify({ dataDir: own, web: { port: 0 }, bridge: broker, ...shared }))
  return (await startProcess(join(root, 'cloud-processor/src/main.ts'), ['run', '--config', config], isReady)).child
}

function startProcess(script: string, args: string[], ready: RegExp): Promise<{ child: ReturnType<typeof spawn>; port: string }> {
  const path = script.startsWith('@') ? fileURLToPath(import.meta.resolve(script)) : script
  // For a profile: MILLRACE_BENCH_NODE='--cpu-prof --cpu-prof-dir=/tmp/profiles'
  const flags = process.env.MILLRACE_BENCH_NODE?.split(' ') ?? []
  const child = spawn(process.execPath, ['--max-semi-space-size=2', ...flags, path, ...args], { stdio: ['pipe', 'pipe', 'pipe'] })
  children.push(child)
  return new Promise((resolve, reject) => {
    let text = ''
    const see = (chunk: Buffer) => {
      text += chunk
      const match = ready.exec(text)
      if (match) resolve({ child, port: match[1] ?? '' })
    }
    child.stdout!.on('data', see)
    child.stderr!.on('data', see)
    child.on('exit', (code) => reject(new Error(`${script} ended with ${code}: ${text.slice(-2000)}`)))
  })
}

async function stopChild(child: ReturnType<typeof spawn>): Promise<void> {
  child.kill('SIGTERM')
  await new Promise((resolve) => child.once('exit', resolve))
}

/** Waits until the process has digested what it was given; its timers go on, so not for silence. */
async function settle(pid: number): Promise<void> {
  let last = usage(pid).cpuS
  for (let tries = 0; tries < 10; tries++) {
    await new Promise((resolve) => setTimeout(resolve, 500))
    const { cpuS } = usage(pid)
    if (cpuS - last < 0.04) return
    last = cpuS
  }
}

/** CPU-seconds a second of a process that is given nothing. */
async function idle(pid: number): Promise<number> {
  const before = usage(pid).cpuS
  await new Promise((resolve) => setTimeout(resolve, 3000))
  return (usage(pid).cpuS - before) / 3
}

function table(rows: Record<string, string>[]): void {
  const names = Object.keys(rows[0]!)
  const width = (name: string) => Math.max(name.length, ...rows.map((row) => row[name]!.length))
  const line = (cells: string[]) => cells.map((cell, i) => cell.padEnd(width(names[i]!))).join('  ')
  console.log(line(names))
  for (const row of rows) console.log(line(names.map((name) => row[name]!)))
  console.log()
}
