/**
 * Kafka and the store's engine of the distributed installation, as something that faults strike. Where root may mount a file
 * system, the store has a small disk of its own, which can be filled.
 */
import { spawnSync } from 'node:child_process'
import { mkdirSync, rmSync, statfsSync } from 'node:fs'
import { join } from 'node:path'
import { isMissing, obtain, type RunningEngine } from '../../engines/index.ts'
import { createDiskImage, needDiskImages } from '../../support/disk-image.ts'
import { isStopped } from '../../support/process-facts.ts'
import { CannotRun } from '../../support/program.ts'
import type { RealProcess } from '../../support/real-process.ts'
import { until } from '../../support/until.ts'

export type StoreKind = 'victoria-metrics' | 'embedded'

/** What faults need to know of anything that they strike. */
export type Victim = Pick<RealProcess, 'name' | 'pid' | 'isUp' | 'kill' | 'start' | 'pause' | 'resume'>

export interface EngineVictim extends Victim {
  address: string
  stop(): Promise<void>
}

export interface StoreVictim extends EngineVictim {
  /** Undefined: this machine mounts nothing, or says why not. */
  disk?: { fill(): Promise<boolean>; free(): void }
  whyNoDisk?: string
}

export interface SharedEngines {
  kafka: EngineVictim
  store?: StoreVictim
  partitions: number
  /** Parts of each processor's configuration. */
  config: { log: object; store?: object }
}

const partitions = 6
/** Longer than a Kafka needs to start on a busy machine: a processor that starts before waits for it. */
const deliveryMs = 90_000
const diskMegabytes = 1024
/** VictoriaMetrics refuses writes when less than 10 MB are free, and checks once a second. */
const noticeMs = 5000

/** @throws CannotRun that names what is missing. */
export async function startSharedEngines(
  dir: string,
  store: StoreKind,
  context: { atEnd(end: () => unknown): void; say(text: string): void },
): Promise<SharedEngines> {
  const kafka = toVictim('Kafka', await start('kafka', join(dir, 'kafka'), context))
  const log = { kind: 'kafka', brokers: [kafka.address], partitions, replicas: 1, deliveryMs }
  if (store === 'embedded') return { kafka, partitions, config: { log } }
  const engine = await startStore(dir, context)
  const config = { log, store: { kind: 'influxdb', dialect: 'victoriametrics', url: engine.address } }
  return { kafka, store: engine, partitions, config }
}

async function start(
  name: 'kafka' | 'victoria-metrics',
  dir: string,
  { atEnd, say }: Parameters<typeof startSharedEngines>[2],
): Promise<RunningEngine> {
  const engine = await obtain(name, { dir }, say)
  if (isMissing(engine)) throw new CannotRun(engine.missing)
  atEnd(() => engine.stop())
  if (engine.pid === undefined) throw new CannotRun(`${name} was started by another program: it cannot be killed`)
  return engine
}

async function startStore(dir: string, context: Parameters<typeof startSharedEngines>[2]): Promise<StoreVictim> {
  const disk = openDisk(join(dir, 'store-disk'), context)
  const folder = typeof disk === 'string' ? join(dir, 'store') : disk.folder
  const engine = toVictim('store', await start('victoria-metrics', folder, context))
  if (typeof disk === 'string') return { ...engine, whyNoDisk: disk }
  const isReadOnly = async () => /^vm_storage_is_read_only\S* 1$/m.test(await (await fetch(`${engine.address}/metrics`)).text())
  return {
    ...engine,
    disk: {
      async fill() {
        if (!engine.isUp()) return false
        disk.fill()
        return until('the store is read-only', isReadOnly, { withinMs: noticeMs }).catch(() => {
          disk.free()
          return false
        })
      },
      free: disk.free,
    },
  }
}

/** @returns why there is none. */
function openDisk(
  at: string,
  { atEnd }: { atEnd(end: () => unknown): void },
): { folder: string; fill(): void; free(): void } | string {
  try {
    needDiskImages()
    const image = createDiskImage(at, diskMegabytes)
    image.format()
    atEnd(() => image.unmount())
    const folder = join(image.folder, 'store')
    mkdirSync(folder)
    const ballast = join(image.folder, 'ballast')
    return {
      folder,
      fill() {
        const { bavail, bsize } = statfsSync(image.folder)
        spawnSync('fallocate', ['-l', `${Math.max(1, bavail * bsize - (1 << 20))}`, ballast])
      },
      free: () => rmSync(ballast, { force: true }),
    }
  } catch (error) {
    if (error instanceof CannotRun) return error.message
    throw error
  }
}

function toVictim(name: string, engine: RunningEngine): EngineVictim {
  let isReady = true
  let isPaused = false
  return {
    name,
    address: engine.address,
    pid: () => engine.pid,
    isUp: () => engine.pid !== undefined && isReady && !isPaused,
    async kill() {
      if (engine.pid === undefined || !isReady) return false
      isReady = false
      await engine.kill()
      return true
    },
    async start() {
      await engine.restart()
      isReady = true
      isPaused = false
    },
    async pause() {
      const { pid } = engine
      if (pid === undefined || isPaused) return false
      isPaused = true
      engine.freeze()
      return until(`${name} is stopped`, () => isStopped(pid), { withinMs: 2000, everyMs: 5 }).catch(() => false)
    },
    resume() {
      isPaused = false
      if (engine.pid !== undefined) engine.resume()
    },
    stop: () => engine.stop(),
  }
}
