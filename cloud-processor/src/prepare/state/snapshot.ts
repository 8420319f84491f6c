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
  const { f, state } = JSON.parse(Buffer.from(bytes).toString('utf8'), (_key, value) => {
    if (value?.$map) return new Map(value.$map)
    if (value?.$set) return new Set(value.$set)
    return value
  })
  if (f > format)
    throw new Error(
      `prepare's snapshot has format ${f}; this version reads up to ${format}. Run the version that wrote it, or a newer one.`,
    )
  return withClocks(f < 2 ? upgraded(state) : state)
}

/** Snapshots from before time/ have one time for everything. */
function withClocks(state: PrepareState): PrepareState {
  state.time ??= { ...initialTime(), expireMs: state.tickMs }
  state.wrong ??= initialWrong()
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
