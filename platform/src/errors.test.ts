import { describe, expect, it } from 'vitest'
import { catalogue, type ErrorCode, MillraceError } from './errors.ts'

describe('the catalogue of errors', () => {
  const codes = Object.keys(catalogue) as ErrorCode[]

  it('is sorted, and its codes are capitals', () => {
    expect(codes).toEqual([...codes].sort())
    for (const code of codes) expect(code).toMatch(/^[A-Z]+(?:_[A-Z0-9]+)+$/)
  })

  it('says what is wrong and what to do, in sentences', () => {
    for (const code of codes) {
      const { says, remedy } = catalogue[code]
      expect([code, says]).toEqual([code, expect.stringMatching(/\S{2,}/)])
      expect([code, remedy]).toEqual([code, expect.stringMatching(/^[A-Z`].*\.$/s)])
    }
  })
})

describe('an error', () => {
  it('has its code, its text with the values filled in, its remedy and its cause', () => {
    const cause = new Error('EACCES')
    const error = new MillraceError('EDGE_SERIAL_OPEN', { path: '/dev/ttyUSB0', detail: 'EACCES' }, cause)
    expect(error).toMatchObject({ code: 'EDGE_SERIAL_OPEN', retry: true, name: 'MillraceError', cause })
    expect(error.message).toBe(
      'EDGE_SERIAL_OPEN: Cannot open /dev/ttyUSB0 (EACCES). Add this user to the group "dialout", or set bus.path.',
    )
  })

  it('shows a value that was not given by its name', () => {
    expect(new MillraceError('PROCESS_PORT_IN_USE').message).toContain('Port {port} is in use.')
  })

  it('is not confused by a value that looks like a pattern', () => {
    expect(new MillraceError('CONFIG_NOT_FOUND', { path: '$& {path}' }).message).toContain('$& {path}')
  })
})
