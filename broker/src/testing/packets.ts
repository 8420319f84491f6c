/** MQTT 3.1.1 packets byte by byte, right or wrong, for tests. */
export function packet(first: number, ...parts: (Buffer | number[])[]): Buffer {
  const body = Buffer.concat(parts.map((part) => Buffer.from(part)))
  return Buffer.concat([Buffer.from([first, ...remainingLength(body.length)]), body])
}

function remainingLength(length: number): number[] {
  return length < 128 ? [length] : [(length % 128) | 0x80, ...remainingLength(Math.floor(length / 128))]
}

/** A text or bytes with their two bytes of length. */
export function field(text: string | Buffer): Buffer {
  const bytes = Buffer.from(text as string)
  return Buffer.concat([Buffer.from([bytes.length >> 8, bytes.length & 255]), bytes])
}

export interface ConnectFields {
  user?: string
  password?: string
  clientId?: string
  clean?: boolean
  will?: { topic: string; payload?: string; qos?: 0 | 1 | 2; retain?: boolean }
}

export function connect({ user, password, clientId = '', clean = true, will }: ConnectFields = {}): Buffer {
  const willFlags = will ? 0x04 | ((will.qos ?? 0) << 3) | (will.retain ? 0x20 : 0) : 0
  const flags = (user === undefined ? 0 : 0x80) | (password === undefined ? 0 : 0x40) | willFlags | (clean ? 0x02 : 0)
  const fields = [field(clientId)]
  if (will) fields.push(field(will.topic), field(will.payload ?? 'gone'))
  if (user !== undefined) fields.push(field(user))
  if (password !== undefined) fields.push(field(password))
  return packet(0x10, field('MQTT'), [4, flags, 0, 60], ...fields)
}

export function publish(topic: string | Buffer, payload: string | Buffer = '', qos = 0, id = 1): Buffer {
  return packet(0x30 | (qos << 1), field(topic), qos > 0 ? [id >> 8, id & 255] : [], Buffer.from(payload as string))
}

export function subscribe(filters: (string | Buffer)[], qos = 0, id = 1): Buffer {
  return packet(0x82, [id >> 8, id & 255], ...filters.flatMap((filter) => [field(filter), [qos]]))
}

export function unsubscribe(filters: string[], id = 1): Buffer {
  return packet(0xa2, [id >> 8, id & 255], ...filters.map(field))
}

export const pingreq = Buffer.from([0xc0, 0])
export const disconnect = Buffer.from([0xe0, 0])
