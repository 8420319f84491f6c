/**
 * A serial port, by path or by what is plugged in (`usb: VID:PID:serial`), wherever it comes back after an unplug.
 *
 * On open what the kernel held is discarded (tcflush). Modem lines are left alone: pseudo-terminals have none.
 */
import { existsSync } from 'node:fs'
import { MillraceError } from '@millrace/platform'
import { SerialPort } from 'serialport'
import { z } from 'zod'
import { type BusPlugin, PortUnavailable } from '../bus.ts'
import { keepOpen, type Line, type OpenLine } from '../keep-open.ts'

const schema = z
  .strictObject({
    path: z.string().optional().describe('Such as /dev/serial/by-id/usb-..., which stays the same whatever the plug'),
    usb: z
      .string()
      .regex(/^[0-9a-fA-F]{4}:[0-9a-fA-F]{4}(:.+)?$/, 'is VID:PID or VID:PID:serial number, in hex')
      .optional()
      .describe('Instead of path: VID:PID:serial of the adapter'),
    baudRate: z.number().int().positive().default(115_200).describe("Link settings: the decoder's, unless set"),
    dataBits: z
      .union([z.literal(7), z.literal(8)])
      .default(8)
      .describe("The decoder's, unless set"),
    parity: z.enum(['none', 'even', 'odd']).default('none').describe("The decoder's, unless set"),
    stopBits: z
      .union([z.literal(1), z.literal(2)])
      .default(1)
      .describe("The decoder's, unless set"),
    silentMs: z.number().int().nonnegative().default(10_000).describe('A port silent for so long is opened again; 0: never'),
  })
  .refine(({ path, usb }) => (path === undefined) !== (usb === undefined), { message: 'set path or usb', path: ['path'] })
type Config = z.infer<typeof schema>

/** Buffer of a read, kept by each open port; ample for instruments. serialport's own is 64 KiB. */
const readBytes = 4096
/** Bytes waiting to be written; what comes on top is dropped, as by a port that is not open. */
const writeBytesMax = 65_536

export const serial: BusPlugin<Config> = {
  kind: 'serial',
  schema,
  hasLink: true,
  isLive: true,
  at: (address) => (/^[^/]+:\d+$/.test(address) ? undefined : { path: address }),
  create: (config, context) => keepOpen(opener(config), config, context),
}

function opener(config: Config): OpenLine {
  return async (on) => {
    const path = config.path ?? (await findUsb(config.usb!))
    const { baudRate, dataBits, parity, stopBits } = config
    const port = new SerialPort({ path, baudRate, dataBits, parity, stopBits, autoOpen: false, highWaterMark: readBytes })
    port.on('error', (error) => on.gone(error.message))
    port.on('close', (error?: Error) => on.gone(error?.message ?? 'closed'))
    await done((call) => port.open(call)).catch((cause) => {
      throw existsSync(path) ? new PortUnavailable(path, cause) : cannotOpen(path, cause.message, cause)
    })
    await done((call) => port.flush(call)).catch(() => {})
    port.on('data', on.bytes)
    return lineOf(port)
  }
}

function lineOf(port: SerialPort): Line {
  return {
    write(bytes) {
      if (port.isOpen && port.writableLength < writeBytesMax) port.write(bytes, () => {})
    },
    // A line that hangs up while it is read gives an endless end of file, which serialport reads over and over and does not tell:
    // asking for its settings is an error then.
    check: async () => {
      if (port.isOpen) await port.port?.getBaudRate()
    },
    discard: () => done((call) => port.flush(call)).then(() => true),
    close: () => (port.isOpen ? done((call) => port.close(call)) : Promise.resolve()),
  }
}

/** Path of the first port with that vendor, product and serial number. @throws MillraceError EDGE_SERIAL_OPEN */
async function findUsb(usb: string): Promise<string> {
  const [vendor, product, ...rest] = usb.toLowerCase().split(':')
  const serialNumber = rest.length > 0 ? rest.join(':') : undefined
  // On Linux the list comes from udevadm, which small systems lack.
  const ports = await SerialPort.list().catch((cause) => {
    throw cannotOpen(`usb ${usb}`, `ports cannot be listed: ${cause.message}`, cause)
  })
  const found = ports.find(
    (port) =>
      port.vendorId?.toLowerCase() === vendor &&
      port.productId?.toLowerCase() === product &&
      (serialNumber === undefined || port.serialNumber?.toLowerCase() === serialNumber),
  )
  if (!found) throw cannotOpen(`usb ${usb}`, 'not plugged in')
  return found.path
}

function cannotOpen(path: string, detail: string, cause?: unknown): MillraceError {
  return new MillraceError('EDGE_SERIAL_OPEN', { path, detail }, cause)
}

function done(start: (call: (error: Error | null | undefined) => void) => void): Promise<void> {
  return new Promise((resolve, reject) => start((error) => (error ? reject(error) : resolve())))
}
