/** The event log on a simulated disk: the same contract as the embedded log, group commit included. A frame is one transaction. */

import {
  type Log,
  type LogRecord,
  type NewRecord,
  partitionOf,
  type Snapshot,
  type StageCommit,
} from '@millrace/cloud-processor/log'
import { type Marks, pass } from '@millrace/cloud-processor/stage'
import type { Topic } from '@millrace/contract'
import { MillraceError } from '@millrace/platform'
import type { Disk } from './disk.ts'
import type { Process } from './world.ts'

type Write = { topic: Topic; partition: number; records: NewRecord[] } | StageCommit

export interface LogFrame {
  writes: { write: Write; timeMs: number }[]
}

/** What a log holds when these frames are on its disk. */
export interface LogImage {
  topics: Map<string, LogRecord[]>
  snapshots: Map<string, Snapshot>
  marks: Map<string, Marks>
}

export interface LogBugs {
  /** Marks are kept for the output partition alone, not for each source partition. */
  marksMerged?: boolean
  /** A failed commit of a stage is passed over, and the stage goes on. */
  sendsPastFailure?: boolean
}

export function emptyImage(): LogImage {
  return { topics: new Map(), snapshots: new Map(), marks: new Map() }
}

/** Applies a frame; returns the first offset given to each append and what grew. */
export function applyFrame(image: LogImage, frame: LogFrame, bugs: LogBugs = {}) {
  const firsts: number[] = []
  const grown = new Map<string, { topic: Topic; partition: number; end: number }>()
  const add = (topic: Topic, partition: number, records: NewRecord[], timeMs: number) => {
    const key = `${topic}/${partition}`
    const list = image.topics.get(key) ?? []
    image.topics.set(key, list)
    firsts.push(list.length)
    for (const record of records) list.push({ ...record, offset: list.length, timeMs })
    grown.set(key, { topic, partition, end: list.length })
  }
  for (const { write, timeMs } of frame.writes) {
    if ('records' in write) {
      add(write.topic, write.partition, write.records, timeMs)
      continue
    }
    for (const { topic, partition, records } of write.outputs) {
      const key = `${topic}/${partition}`
      const marks = image.marks.get(key) ?? {}
      image.marks.set(key, marks)
      const fresh = records.filter(({ source }) => pass(marks, source && bugs.marksMerged ? { ...source, partition: 0 } : source))
      add(topic, partition, fresh, timeMs)
    }
    if (write.snapshot) image.snapshots.set(`${write.stage}/${write.partition}`, write.snapshot)
    firsts.push(0)
  }
  return { firsts, grown: [...grown.values()] }
}

export interface LogOnDisk {
  disk: Disk<LogFrame>
  process: Process
  crash: () => void
  id: string
  partitions: number
  bugs?: LogBugs
}

export function logOnDisk({ disk, process, crash, id, partitions, bugs = {} }: LogOnDisk): Log {
  const handle = disk.open(process, crash)
  const image = emptyImage()
  for (const frame of disk.frames()) applyFrame(image, frame, bugs)
  const listeners = new Map<Topic, Set<(partition: number, end: number) => void>>()
  const failure = () => new MillraceError('LOG_WRITE', { path: 'simulated', detail: 'EIO' })
  let waiting: { write: Write; done: (first: number) => void; failed: (error: unknown) => void }[] = []
  let isCommitting = false

  const write = (one: Write) =>
    new Promise<number>((done, failed) => {
      waiting.push({ write: one, done, failed })
      void pump()
    })

  async function pump(): Promise<void> {
    if (isCommitting) return
    isCommitting = true
    while (waiting.length > 0) {
      const group = waiting
      waiting = []
      const frame: LogFrame = { writes: group.map(({ write }) => ({ write, timeMs: process.clock.now() })) }
      try {
        await handle.commit(frame, failure)
        const { grown } = settle(frame, group)
        for (const { topic, partition, end } of grown) for (const listener of listeners.get(topic) ?? []) listener(partition, end)
      } catch (error) {
        for (const { write, done, failed } of group) {
          if (bugs.sendsPastFailure && !('records' in write)) done(0)
          else failed(error)
        }
      }
    }
    isCommitting = false
  }

  function settle(frame: LogFrame, group: { done: (first: number) => void }[]) {
    let at = 0
    const firstOf: number[] = []
    for (const { write } of frame.writes) {
      firstOf.push(at)
      at += 'records' in write ? 1 : write.outputs.length + 1
    }
    const applied = applyFrame(image, frame, bugs)
    for (const [index, { done }] of group.entries()) done(applied.firsts[firstOf[index]!]!)
    return applied
  }

  return {
    id,
    partitions,
    partitionOf: (key) => partitionOf(key, partitions),
    append: (topic, partition, records) => write({ topic, partition, records: [...records] }),
    async read(topic, partition, from, limit) {
      const list = image.topics.get(`${topic}/${partition}`) ?? []
      return list.slice(from, from + limit.records)
    },
    bounds: async (topic, partition) => ({ start: 0, end: image.topics.get(`${topic}/${partition}`)?.length ?? 0 }),
    onAppend(topic, listener) {
      const all = listeners.get(topic) ?? new Set()
      listeners.set(topic, all.add(listener))
      return () => all.delete(listener)
    },
    commit: (step) => write(step).then(() => {}),
    loadSnapshot: async (stage, partition) => image.snapshots.get(`${stage}/${partition}`),
    registerReader: async () => {},
    unregisterReader: async () => {},
    trim: async () => {},
    close: async () => {},
  }
}
