/**
 * The device registry for the page: what `prepare` kept at its newest snapshot, and what was ordered since. A partition is read
 * whenever the page begins to follow its timeline, after the place is known from where on it follows: nothing between is missed.
 */
import {
  type Control,
  decodeRaw,
  type Registry,
  type RegistryControl,
  type RegistrySpan,
  takeChanges,
  topics,
} from '@millrace/contract'
import type { PrepareState } from '../prepare/index.ts'
import { restore, type Stage, type StageContext } from '../stage/index.ts'

const limit = { records: 2000, bytes: 1 << 20 }

interface LoaderContext extends Pick<StageContext, 'log' | 'logger'> {
  /** Whose state holds the registry. */
  prepare: Stage<PrepareState>
}

export class RegistryLoader {
  readonly entries: Registry = new Map()
  readonly loaded: Promise<void>
  readonly #context: LoaderContext
  readonly #append: (control: Control) => Promise<void>
  /** Partitions that were read the first time. */
  readonly #first = new Map<number, Registry>()
  #tellLoaded = () => {}

  constructor(context: LoaderContext, append: (control: Control) => Promise<void>) {
    this.#context = context
    this.#append = append
    this.loaded = new Promise((resolve) => {
      this.#tellLoaded = resolve
    })
  }

  async load(partition: number): Promise<void> {
    const { partitions } = this.#context.log
    const found = await readPartition(this.#context, partition)
    for (const control of controlsOf(found)) takeChanges(this.entries, control)
    if (this.#first.size === partitions) return
    this.#first.set(partition, found)
    if (this.#first.size < partitions) return
    await this.#orderAgain()
    this.#tellLoaded()
  }

  /** An order whose process ended between two partitions. */
  async #orderAgain(): Promise<void> {
    const missing = controlsOf(this.entries).filter(({ changes, version, id }) =>
      [...this.#first.values()].some((known) =>
        changes.some(({ device, property, fromMs, toMs }) => {
          const isIt = (span: RegistrySpan) =>
            span.version === version && span.id === id && span.fromMs === fromMs && span.toMs === toMs
          return !known.get(device)?.[property]?.some(isIt)
        }),
      ),
    )
    for (const control of missing) await this.#append(control)
  }
}

async function readPartition(context: LoaderContext, partition: number): Promise<Registry> {
  const { log, prepare } = context
  const { state, next } = await restore(prepare, context, partition)
  const { registry = new Map() } = state
  const { end } = await log.bounds(topics.raw, partition)
  for (let from = next; from < end; ) {
    const records = await log.read(topics.raw, partition, from, limit)
    if (records.length === 0) break
    from = records.at(-1)!.offset + 1
    for (const { value, damage } of records) {
      const raw = damage ? undefined : decodeRaw(value)
      if (raw?.k === 'control' && raw.control.type === 'registry') takeChanges(registry, raw.control)
    }
  }
  return registry
}

/** What makes the same registry again. */
function controlsOf(registry: Registry): RegistryControl[] {
  const controls = new Map<string, RegistryControl>()
  for (const [device, entry] of registry)
    for (const [property, spans] of Object.entries(entry))
      for (const { fromMs, toMs, value, ...order } of spans) {
        const key = `${order.version}/${order.id}`
        const control = controls.get(key) ?? { type: 'registry', ...order, changes: [] }
        controls.set(key, control)
        control.changes.push({
          ...{ device, property: property as keyof typeof entry, fromMs },
          ...(toMs === undefined ? {} : { toMs }),
          ...(value === undefined ? {} : { value }),
        })
      }
  return [...controls.values()]
}
