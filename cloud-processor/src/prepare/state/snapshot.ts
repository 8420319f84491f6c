import { setOwn } from '@millrace/platform'
import { initialTime, initialWrong } from './clocks.ts'
import type { PrepareState } from './state.ts'

/** 1: before messages waited for their order. A version that reads only that one would forget what waits. */
const format = 2

/** Snapshot: UTF-8 JSON `{f: 2, state}` in which a Map is `{"$map": [[key, value], ...]}` and a Set `{"$set": [...]}`. */
export function encodeState(state: PrepareState): Uint8Array {
  return Buffer.from(
    JSON.stringify({ f: format, state }, (_key, value) => {
      if (value instanceof Map) return { $map: [...value] }
      if (value instanceof Set) return { $set: [...value] }
      return value
    }),
  )
}

/** @throws Error when the snapshot is of a newer format. */
export function decodeState(bytes: Uint8Array): PrepareState {
  const { f, state } = revived(JSON.parse(Buffer.from(bytes).toString('utf8'))) as { f: number; state: PrepareState }
  if (f > format)
    throw new Error(
      `prepare's snapshot has format ${f}; this version reads up to ${format}. Run the version that wrote it, or a newer one.`,
    )
  return withLater(f < 2 ? upgraded(state) : state)
}

/** In place. A reviver of JSON.parse does the same at several times the cost, and a state has tens of thousands of objects. */
function revived(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) {
    for (let k = 0; k < value.length; k++) value[k] = revived(value[k])
    return value
  }
  const object = value as Record<string, unknown>
  if (object.$map) return new Map(revived(object.$map) as [unknown, unknown][])
  if (object.$set) return new Set(revived(object.$set) as unknown[])
  for (const [name, held] of Object.entries(object)) {
    const now = revived(held)
    if (now !== held) setOwn(object, name, now)
  }
  return object
}

/** Snapshots from before time/ have one time for everything, those from before derived/ derived nothing. */
function withLater(state: PrepareState): PrepareState {
  state.time ??= { ...initialTime(), expireMs: state.tickMs }
  state.wrong ??= initialWrong()
  state.derived ??= new Map()
  state.derivedLanes ??= 0
  return state
}

function upgraded(state: PrepareState): PrepareState {
  for (const node of state.nodes.values()) node.streams = 0
  for (const { node } of state.streams.values()) {
    const owner = state.nodes.get(node)
    if (owner) owner.streams++
  }
  return { ...state, waiting: new Set(), heldBytes: 0 }
}
