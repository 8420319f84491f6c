/** Makes one file of several of a day, row group by row group: it holds one of each file at a time. */
import { addTally, type Tally } from '@millrace/contract'
import { type DayPlace, DayWriter } from './day-writer.ts'
import type { Disk } from './disk.ts'
import { rowsOf } from './file-rows.ts'
import { compare } from './held.ts'
import type { ArchivedFile } from './manifest.ts'
import type { Rows } from './schema.ts'

/** So many of one level become one of the next, so that each row is written few times. */
const filesMax = 8
const dayMs = 86_400_000
/** A day of a node that is away is merged all the same. */
const waitMs = dayMs

interface Now {
  nowMs: number
  quietMs: number
  completeToMs: number | undefined
}

/** Files of one day that are to become one. */
export function mergeDue(files: ArchivedFile[], { nowMs, quietMs, completeToMs = 0 }: Now): ArchivedFile[] | undefined {
  for (const ofDay of Map.groupBy(files, ({ day }) => day).values()) {
    if (ofDay.length < 2) continue
    for (const ofLevel of Map.groupBy(ofDay, ({ level }) => level).values())
      if (ofLevel.length >= filesMax) return ofLevel.slice(0, filesMax)
    const endMs = (Math.floor(ofDay[0]!.firstMs / dayMs) + 1) * dayMs
    const isOver = completeToMs >= endMs || nowMs >= endMs + waitMs
    const isQuiet = nowMs - newestOf(ofDay) >= quietMs
    if (isOver && isQuiet) return ofDay.sort((a, b) => a.bytes - b.bytes).slice(0, filesMax)
  }
  return undefined
}

export interface Merged {
  file: ArchivedFile
  collapsed: Tally
}

export async function mergeFiles(disk: Disk, files: ArchivedFile[], place: DayPlace): Promise<Merged> {
  const cursors = files.map(({ path }) => new Cursor(rowsOf(disk, path)))
  const writer = new DayWriter(disk, place)
  try {
    await pushAll(cursors, writer)
    const level = Math.max(...files.map((file) => file.level)) + 1
    const file = { ...writer.finish(), level, publishedMs: newestOf(files) }
    const { collapsed } = writer
    for (const before of files) addTally(file.collapsed, before.collapsed)
    return { file, collapsed }
  } finally {
    writer.close()
    for (const cursor of cursors) await cursor.close()
  }
}

async function pushAll(all: Cursor[], writer: DayWriter): Promise<void> {
  const cursors: Cursor[] = []
  for (const cursor of all) if (await cursor.start()) cursors.push(cursor)
  while (cursors.length > 0) {
    const least = cursors.reduce((a, b) => (inOrder(b, a) < 0 ? b : a))
    writer.push(least.rows, least.k)
    if (!least.step() && !(await least.start())) cursors.splice(cursors.indexOf(least), 1)
  }
}

const newestOf = (files: ArchivedFile[]): number => Math.max(...files.map(({ publishedMs }) => publishedMs))

/** A place in the rows of a file. */
class Cursor {
  readonly #groups: AsyncGenerator<Rows>
  rows!: Rows
  k = 0

  constructor(groups: AsyncGenerator<Rows>) {
    this.#groups = groups
  }

  /** At the next row group; false: there is none. */
  async start(): Promise<boolean> {
    const { value, done } = await this.#groups.next()
    if (done) return false
    this.rows = value
    this.k = 0
    return true
  }

  async close(): Promise<void> {
    await this.#groups.return(undefined)
  }

  /** False: the row group has ended. */
  step(): boolean {
    return ++this.k < this.rows.device.length
  }
}

function inOrder(a: Cursor, b: Cursor): number {
  return (
    compare(a.rows.device[a.k] as string, b.rows.device[b.k] as string) ||
    compare(a.rows.channel[a.k] as string, b.rows.channel[b.k] as string) ||
    compare(a.rows.time[a.k] as bigint, b.rows.time[b.k] as bigint) ||
    compare(placeOf(a, b), placeOf(b, a))
  )
}

/** Positions of two logs say nothing about each other: the one that came later counts. */
function placeOf({ rows, k }: Cursor, other: Cursor): bigint {
  return (rows.log[k] === other.rows.log[other.k] ? rows.position : rows.received)[k] as bigint
}
