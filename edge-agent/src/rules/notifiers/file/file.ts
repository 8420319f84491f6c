/**
 * Writes to a path: a serial port with a display, the value file of an output (`/sys/class/gpio/gpio17/value`), a file that something
 * reads, a named pipe.
 *
 *     format   written
 *     line     for each change a line: `<time> <raised or cleared> <priority> <alarm id> <text>`, appended
 *     value    for each change `1` while an alarm is active, `0` when none is; a regular file holds only that
 */
import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { MillraceError } from '@millrace/platform'
import { z } from 'zod'
import type { LocalNotifierPlugin, Message } from '../notifier.ts'

const schema = z.strictObject({
  kind: z.literal('file'),
  name: z.string().min(1).max(100).default('file').describe('Unique among the receivers.'),
  path: z
    .string()
    .min(1)
    .describe('A file, serial port, value file of an output, or pipe. A port has the settings that it has already.'),
  format: z
    .enum(['line', 'value'])
    .default('line')
    .describe('`line`: a line for each change. `value`: `1` while an alarm is active, `0` when none is.'),
})
type FileConfig = z.infer<typeof schema>

const { O_WRONLY, O_CREAT, O_APPEND, O_TRUNC, O_NONBLOCK, O_NOCTTY } = constants
/** A pipe without a reader, and a port that is held up, must not hold up the agent. */
const common = O_WRONLY | O_CREAT | O_NONBLOCK | O_NOCTTY

export const file: LocalNotifierPlugin<FileConfig> = {
  kind: 'file',
  schema,
  create: (config) => ({
    async send(message, activeCount, signal) {
      signal.throwIfAborted()
      try {
        if (config.format === 'line') await write(config.path, O_APPEND, `${lineOf(message)}\n`)
        else await write(config.path, O_TRUNC, activeCount > 0 ? '1' : '0')
      } catch (cause) {
        const { code, message: why } = cause as NodeJS.ErrnoException
        throw new MillraceError('NOTIFY_UNREACHABLE', { target: config.name, detail: `${config.path}: ${code ?? why}` }, cause)
      }
    },
  }),
}

/** What is on one line stays on one line. */
function lineOf({ alarm: { atMs, change, priority, id, text } }: Message): string {
  return `${new Date(atMs).toISOString()} ${change} ${priority} ${id} ${text}`.replace(/[\x00-\x1f\x7f]/g, ' ')
}

async function write(path: string, how: number, text: string): Promise<void> {
  let handle: FileHandle | undefined
  try {
    handle = await open(path, common | how, 0o644)
    const bytes = Buffer.from(text)
    for (let at = 0; at < bytes.length; ) at += (await handle.write(bytes, at)).bytesWritten
  } finally {
    await handle?.close()
  }
}
