/**
 * A capture: what a line said, with times. `millrace-agent record` writes it, `try` and the simulators read it. JSON, an object a line:
 *
 *     {"k":"capture","version":1,"device":"co2","decoder":{"kind":"frame", ...},"startMs":1790000000000}
 *     {"ms":0,"event":"opened"}
 *     {"ms":12.5,"hex":"ff860220"}            bytes that came, ms since the start
 *     {"ms":20,"sent":"ff0186"}               a request of a decoder that asks
 *     {"ms":900,"event":"lost","reason":"unplugged"}
 *
 * A last line that was cut, as by a full disk, is left out.
 */
import { z } from 'zod'

const head = z.object({
  k: z.literal('capture'),
  version: z.literal(1),
  device: z.string(),
  decoder: z.looseObject({ kind: z.string() }),
  startMs: z.number(),
})
export type CaptureHead = z.infer<typeof head>

const hex = z.string().regex(/^(?:[0-9a-f]{2})*$/)
const ms = z.number().min(0)
const entry = z.union([
  z.object({ ms, hex }),
  z.object({ ms, sent: hex }),
  z.object({ ms, event: z.enum(['opened', 'lost']), reason: z.string().optional() }),
])
export type CaptureEntry = z.infer<typeof entry>

/** @throws Error that names the line. */
export function parseCapture(text: string): { head: CaptureHead; entries: CaptureEntry[] } {
  const lines = text.split('\n')
  // Behind the last line feed is nothing, or a line that was cut.
  const [first = '', ...rest] = lines.slice(0, -1)
  return { head: parseLine(head, first, 1), entries: rest.map((line, k) => parseLine(entry, line, k + 2)) }
}

function parseLine<T>(schema: z.ZodType<T>, line: string, number: number): T {
  try {
    return schema.parse(JSON.parse(line))
  } catch {
    throw new Error(`line ${number} is not one of a capture: ${line.slice(0, 60)}`)
  }
}
