import { expect, it } from 'vitest'
import { Writer } from './writer.ts'

it('a message that fills the buffer to its last byte is moved up whole when its length needs more bytes', () => {
  const writer = new Writer()
  for (const length of [127, 128, 16_383, 16_384, 200_000]) {
    writer.start().reserve(1)
    const start = writer.open()
    writer.reserve(Math.max(length, writer.bytes.length - 1))
    const content = Buffer.alloc(length, 'abc')
    writer.bytes.set(content, writer.pos)
    writer.pos += length
    writer.close(start)
    const bytes = Buffer.from(writer.finish())
    expect(bytes.subarray(bytes.length - length).equals(content)).toBe(true)
    expect(bytes.length - length).toBe(length < 128 ? 1 : length < 16_384 ? 2 : 3)
  }
})
