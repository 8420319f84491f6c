/** Kafka, VictoriaMetrics and OpenSearch for a test, and the configuration with which processors use them. */
import { join } from 'node:path'
import { isMissing, obtain } from '../engines/index.ts'
import { CannotRun, type Program } from './program.ts'

export interface ClusterOptions {
  partitions: number
  /** Absent: without. */
  documents?: boolean
}

/** @throws CannotRun that names what is missing. */
export async function startEngines({ dir, atEnd, say }: Program, { partitions, documents = false }: ClusterOptions) {
  const start = async <N extends 'kafka' | 'victoria-metrics' | 'opensearch'>(name: N) => {
    const startedMs = performance.now()
    const engine = await obtain(name, { dir: join(dir, name) }, say)
    if (isMissing(engine)) throw new CannotRun(engine.missing)
    atEnd(() => engine.stop())
    say(`${name} runs at ${engine.address} after ${Math.round(performance.now() - startedMs)} ms`)
    return engine
  }
  const [kafka, store, search] = await Promise.all([
    start('kafka'),
    start('victoria-metrics'),
    documents ? start('opensearch') : undefined,
  ])
  return {
    kafka,
    store,
    search,
    /** Parts of a processor's configuration. */
    config: {
      log: { kind: 'kafka', brokers: [kafka.address], partitions, replicas: 1 },
      store: { kind: 'influxdb', dialect: 'victoriametrics', url: store.address, flushBeforeReading: true },
      ...(search ? { documents: { kind: 'opensearch', nodes: [search.address], numberOfReplicas: 0 } } : {}),
    },
  }
}
