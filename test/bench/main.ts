/**
 * `npm run bench [-- --seconds 8 --only mqtt --subjects bare,kafka]`
 *
 * CPU-seconds per million readings of the process under test, at 1, 10 and 100 readings a message, beside a bare MQTT-to-file
 * script in the same run; waiting time from publish to receipt at 10,000 readings a second; memory. Ratios are firm; rates
 * depend on the machine. Our broker stands in front. Where Kafka and VictoriaMetrics are there (`npm run engines`), the same on them.
 */
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { addUser } from '@millrace/broker/broker'
import { stringify } from 'yaml'
import { startEngines } from './engines.ts'
import { openOutboxBench } from './outbox.ts'
import { publishLoad } from './publisher.ts'
import { storageBench } from './storage.ts'

const { values } = parseArgs({
  options: { seconds: { type: 'string', default: '8' }, only: { type: 'string' }, subjects: { type: 'string' } },
})
const seconds = Number(values.seconds)
const dir = mkdtempSync(join(tmpdir(), 'millrace-bench-'))
const children: { kill(signal: 'SIGKILL'): unknown }[] = []
process.on('exit', () => {
  for (const child of children) child.kill('SIGKILL')
  rmSync(dir, { recursive: true, force: true })
})

console.log(
  `${cpus().length} cores, ${cpus()[0]?.model.trim()}, load ${loadavg()[0]!.toFixed(2)} at the start, Node ${process.version}\n`,
)
if (!values.only || values.only === 'mqtt') await mqttBench()
if (!values.only || values.only === 'outbox') await openOutboxBench(join(dir, 'outbox'))
if (!values.only || values.only === 'storage') await storageBench(join(dir, 'storage'))
process.exit(0)

async function mqttBench(): Promise<void> {
  const broker = await startBroker()
  const engines = await startEngines(dir, children)
  const rows: Record<string, string>[] = []
  const cpuOf: Record<string, Record<number, number>> = {}
  const wanted = values.subjects?.split(',')
  const isWanted = (subject: string) => !wanted || wanted.includes(subject)
  for (const subject of ['bare', 'log', 'processor', ...(engines ? ['kafka', 'kafka and store'] : [])].filter(isWanted)) {
    cpuOf[subject] = {}
    for (const [batch, readingsPerS] of [
      [100, 120_000],
      [10, 50_000],
      [1, 8000],
    ] as const) {
      const child = await startSubject(subject, broker, engines)
      // Warm up, so that compilation is not counted.
      await publishLoad({
        ...broker,
        batch,
        readingsPerS,
        seconds: 4,
        receipts: subject !== 'bare',
        name: `warm${subject}${batch}`,
      })
      await settle(child.pid!)
      const idleCpuS = await idle(child.pid!)
      const before = usage(child.pid!)
      const load = await publishLoad({
        ...broker,
        batch,
        readingsPerS,
        seconds,
        receipts: subject !== 'bare',
        name: `${subject}${batch}`,
      })
      await settle(child.pid!)
      const after = usage(child.pid!)
      const cpu = ((after.cpuS - before.cpuS) * 1e6) / load.readings
      cpuOf[subject]![batch] = cpu
      rows.push({
        subject,
        batch: `${batch}`,
        'idle CPU %': (100 * idleCpuS).toFixed(1),
        'readings/s': `${Math.round(load.readings / load.seconds)}`,
        'CPU s per million': cpu.toFixed(2),
        'ratio to bare': cpuOf.bare ? (cpu / cpuOf.bare[batch]!).toFixed(2) : '-',
        'receipt p50 / p99 ms': subject === 'bare' ? '-' : `${load.p50Ms.toFixed(1)} / ${load.p99Ms.toFixed(1)}`,
        unreceipted: `${load.unreceipted}`,
        'memory MB': `${after.residentMB}`,
      })
      await stopChild(child)
    }
  }
  const waits: string[] = []
  for (const subject of ['log', ...(engines ? ['kafka'] : [])].filter(isWanted)) {
    const child = await startSubject(subject, broker, engines)
    const load = { ...broker, batch: 10, readingsPerS: 10_000, receipts: true }
    await publishLoad({ ...load, seconds: 3, name: `pacedwarm${subject}` })
    const paced = await publishLoad({ ...load, seconds, name: `paced${subject}` })
    await stopChild(child)
    waits.push(`${subject} p50 ${paced.p50Ms.toFixed(1)} ms, p99 ${paced.p99Ms.toFixed(1)} ms`)
  }
  table(rows)
  console.log(`at 10,000 readings a second in batches of 10, publish to receipt: ${waits.join('; ')}`)
  console.log('targets: log 1.0 / 3 / 18 and store 2.5 CPU-seconds per million at 100 / 10 / 1 readings a message\n')
}

async function startBroker() {
  const users = join(dir, 'users')
  await addUser(users, { name: 'bench', password: 'bench', role: 'admin', args: [] })
  const config = join(dir, 'broker.yaml')
  writeFileSync(config, stringify({ listen: { port: 0 }, users }))
  const { port } = await startProcess('@millrace/broker/main', ['run', '--config', config], /"listening".*"port":(\d+)/)
  return { url: `mqtt://127.0.0.1:${port}`, username: 'bench', password: 'bench' }
}

async function startSubject(
  subject: string,
  broker: Awaited<ReturnType<typeof startBroker>>,
  engines: Awaited<ReturnType<typeof startEngines>>,
) {
  const own = join(dir, `${subject}-${performance.now()}`)
  mkdirSync(own, { recursive: true })
  // Topics of its own for each run.
  const log = { kind: 'kafka', brokers: [engines?.kafka], partitions: 1, replicas: 1, topicPrefix: `bench${Date.now()}.` }
  if (!['processor', 'kafka and store'].includes(subject)) {
    const script = fileURLToPath(new URL('./subjects.ts', import.meta.url))
    return (await startProcess(script, [subject, JSON.stringify({ ...broker, dir: own, log })], /ready/)).child
  }
  const config = join(own, 'processor.yaml')
  const store = { kind: 'influxdb', dialect: 'victoriametrics', url: engines?.store }
  const shared = subject === 'processor' ? {} : { log, store }
  writeFileSync(config, stringify({ dataDir: own, web: { port: 0 }, bridge: broker, ...shared }))
  return (await startProcess('@millrace/cloud-processor/main', ['run', '--config', config], /connected to the broker/)).child
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

/** CPU of all threads, from the kernel's counters of 10 ms; resident memory. */
function usage(pid: number): { cpuS: number; residentMB: number } {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
  const resident = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))
  return { cpuS: (Number(fields[11]) + Number(fields[12])) / 100, residentMB: Math.round(Number(resident?.[1] ?? 0) / 1024) }
}

function table(rows: Record<string, string>[]): void {
  const names = Object.keys(rows[0]!)
  const width = (name: string) => Math.max(name.length, ...rows.map((row) => row[name]!.length))
  const line = (cells: string[]) => cells.map((cell, i) => cell.padEnd(width(names[i]!))).join('  ')
  console.log(line(names))
  for (const row of rows) console.log(line(names.map((name) => row[name]!)))
  console.log()
}
