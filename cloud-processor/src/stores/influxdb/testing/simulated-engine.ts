/**
 * An engine in memory, to stop and to kill at any operation: it reads the lines as they are sent, loses what it acknowledged
 * within the last seconds when killed, and can refuse lines. One that cannot replace points shows some of its writes only a
 * moment after it acknowledged them, whichever client asks it to settle.
 */

import type { Dialect, Row, Traits } from '../dialects/index.ts'
import { decodeLabel } from '../line.ts'
import { measurements, revisionTag } from '../schema.ts'
import type { RefusedLine, Sender } from '../send.ts'

/** What an acknowledged write may be lost by; durableAfterMs leaves room. */
const lostMs = 6000
/** What an acknowledged write may be hidden for; visibleAfterMs leaves room. */
const hiddenMs = 900

export class Killed extends Error {}

interface Written {
  atMs: number
  shownMs: number
  measurement: string
  us: number
  values: Row['values']
}

export function createSimulatedEngine(replaces: boolean, now: () => number) {
  let journal: Written[] = []
  let starts = 1
  let operations = 0
  let killAt = Number.POSITIVE_INFINITY
  let refuses = (_: string) => false
  const traits: Traits = replaces
    ? { precision: 'us', resolutionMs: 0.001, text: 'field', replaces, futureMsMax: 1e15, durableAfterMs: 0, visibleAfterMs: 0 }
    : {
        precision: 'ms',
        resolutionMs: 1,
        text: 'label',
        replaces,
        futureMsMax: 1e15,
        durableAfterMs: 15_000,
        visibleAfterMs: 1500,
      }

  /** One step that a kill may come before or after, as its number is even or odd. */
  async function operation<T>(work: () => T): Promise<T> {
    operations++
    if (operations === killAt && killAt % 2 === 0) throw new Killed()
    const result = work()
    if (operations === killAt) throw new Killed()
    return result
  }

  function rows(measurement: { name: string; tags: readonly string[] }, where: Record<string, string>): Row[] {
    const found = new Map<string, Row>()
    for (const { measurement: name, us, values, shownMs } of journal) {
      if (shownMs > now()) continue
      if (name !== measurement.name || Object.entries(where).some(([tag, value]) => values[tag] !== value)) continue
      const labels = [...measurement.tags, revisionTag].map((tag) => values[tag])
      const key = JSON.stringify([us, labels])
      const known = found.get(key)
      if (known) Object.assign(known.values, values)
      else found.set(key, { us, values: { ...values } })
    }
    return [...found.values()].sort((a, b) => a.us - b.us)
  }

  const dialect: Dialect = {
    traits,
    writePath: '',
    isRefusal: () => true,
    prepare: async () => {},
    run: async () => `${starts}`,
    settle: () => operation(() => {}),
    rows: ({ measurement, where, fromUs, toUs, limit }) =>
      operation(() =>
        rows(measurement, where)
          .filter(({ us }) => us >= fromUs && us <= toUs)
          .slice(0, limit),
      ),
    steps: async () => undefined,
    newest: (measurement, where = {}) =>
      operation(() => {
        const newest = new Map<string, Row>()
        for (const row of rows(measurement, where))
          newest.set(JSON.stringify(measurement.tags.map((tag) => row.values[tag])), row)
        return [...newest.values()]
      }),
    setUp: async () => [],
  }

  const shownMs = () => (!replaces && operations % 3 === 0 ? now() + hiddenMs : now())

  const sender: Sender = {
    async send(lines) {
      const refused: RefusedLine[] = []
      // In small requests, between which a kill may come.
      for (let from = 0; from < lines.count; from += 7)
        await operation(() => {
          for (let line = from; line < Math.min(from + 7, lines.count); line++)
            if (refuses(lines.text(line))) refused.push({ line, detail: 'refused' })
            else journal.push({ atMs: now(), shownMs: shownMs(), ...parseLine(lines.text(line), traits) })
        })
      return refused
    },
  }

  return {
    dialect,
    sender,
    operation,
    /** The writer dies at this operation from now on. */
    killAfter(count: number): void {
      killAt = operations + count
    },
    spare(): void {
      killAt = Number.POSITIVE_INFINITY
    },
    /** The engine itself: what it acknowledged last is lost, unless it is one that puts it to disk first. */
    kill(): void {
      starts++
      if (traits.durableAfterMs > 0) journal = journal.filter(({ atMs }) => atMs < now() - lostMs)
    },
    refuse(test: (line: string) => boolean): void {
      refuses = test
    },
  }
}

const fieldKinds = new Map(
  Object.values(measurements).map(({ name, fields }) => [name as string, fields as Record<string, string>]),
)

/** The lines that this store writes, and no others. */
export function parseLine(
  line: string,
  { precision, text }: Pick<Traits, 'precision' | 'text'>,
): Omit<Written, 'atMs' | 'shownMs'> {
  const match = /^((?:\\.|[^ \\])+) (.*) (-?\d+)$/s.exec(line)
  if (!match) throw new Error(`not a line: ${line}`)
  const [measurement, ...tags] = match[1]!.split(/(?<!\\),/)
  const values: Row['values'] = {}
  const fields = fieldKinds.get(measurement!)
  if (!fields) throw new Error(`unknown measurement: ${line}`)
  for (const tag of tags) {
    const at = tag.search(/(?<!\\)=/)
    const value = tag.slice(at + 1).replace(/\\([ ,=])/g, '$1')
    values[tag.slice(0, at)] = text === 'label' && fields[tag.slice(0, at)] === 'text' ? decodeLabel(value) : value
  }
  for (const [, name, value] of match[2]!.matchAll(/(\w+)=("(?:\\.|[^"\\])*"|[^,]*),?/gs)) {
    if (fields[name!] === undefined) throw new Error(`unknown field ${name}: ${line}`)
    if (value!.startsWith('"')) values[name!] = value!.slice(1, -1).replace(/\\(["\\])/g, '$1')
    else if (value === 'true' || value === 'false') values[name!] = value === 'true'
    else values[name!] = Number(value!.replace(/i$/, ''))
  }
  return { measurement: measurement!, us: Number(match[3]) * (precision === 'us' ? 1 : 1000), values }
}
