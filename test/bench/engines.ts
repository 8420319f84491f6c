/** Kafka and VictoriaMetrics for the bench; undefined, with the reason said, where they are missing. */
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { isMissing, obtain, type RunningEngine } from '../engines/index.ts'

export interface BenchEngines {
  kafka: string
  store: string
  pids: { kafka: number | undefined; store: number | undefined }
}

export async function startEngines(
  dir: string,
  atEnd: { kill(signal: 'SIGKILL'): unknown }[],
): Promise<BenchEngines | undefined> {
  const started: RunningEngine[] = []
  for (const name of ['kafka', 'victoria-metrics'] as const) {
    mkdirSync(join(dir, name), { recursive: true })
    const engine = await obtain(name, { dir: join(dir, name) }, console.log)
    if (isMissing(engine)) {
      console.log(`not on Kafka: ${engine.missing}\n`)
      for (const one of started) await one.stop()
      return undefined
    }
    started.push(engine)
    atEnd.push({ kill: () => void engine.stop() })
  }
  const [kafka, store] = started as [RunningEngine, RunningEngine]
  return { kafka: kafka.address, store: store.address, pids: { kafka: kafka.pid, store: store.pid } }
}
