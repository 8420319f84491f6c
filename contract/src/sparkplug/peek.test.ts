import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodePayload } from './payload.ts'
import { peek } from './peek.ts'
import { payloadArbitrary } from './testing/payloads.ts'

describe('peek', () => {
  it('sees what decoding would', () => {
    fc.assert(
      fc.property(payloadArbitrary, (payload) => {
        const { uuid, seq, timestamp, metrics } = payload
        const historical = metrics[0]?.isHistorical ?? false
        expect(peek(encodePayload(payload))).toEqual({ uuid, seq, timestamp, historical })
      }),
    )
  })

  it('gives undefined for garbage and never throws', () => {
    for (const bytes of ['08', '22 05 61', '22 01 ff', '12 02 28 80', '08 ff ff ff ff ff ff ff ff ff 01', '07'])
      expect(peek(Buffer.from(bytes.replaceAll(' ', ''), 'hex'))).toBeUndefined()
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        peek(bytes)
      }),
      { numRuns: 2000 },
    )
  })
})
