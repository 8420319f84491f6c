import { describe, expect, it } from 'vitest'
import { MillraceError } from './errors.ts'
import { createLog, silentLog } from './log.ts'

describe('the log', () => {
  it('writes one line of JSON an event', () => {
    const lines: string[] = []
    const log = createLog('agent', (line) => lines.push(line))
    log.info('started', { port: 5 })
    log.warn('odd\nthing')
    log.error('lost', { error: new Error('why') })
    expect(lines.every((line) => line.endsWith('\n') && line.indexOf('\n') === line.length - 1)).toBe(true)
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 'info', component: 'agent', message: 'started', port: 5 },
      { level: 'warn', message: 'odd\nthing' },
      { level: 'error', message: 'lost', error: 'why' },
    ])
    expect(new Date(JSON.parse(lines[0]!).time).getTime()).toBeGreaterThan(0)
  })

  it('keeps the code, the causes and the stacks of an error', () => {
    const lines: string[] = []
    const full = Object.assign(new Error('no space'), { code: 'ENOSPC' })
    const error = new MillraceError('LOG_WRITE', { path: '/log', detail: 'full' }, new Error('the disk refused', { cause: full }))
    createLog('processor', (line) => lines.push(line)).error('stopped', { error })
    expect(JSON.parse(lines[0]!)).toMatchObject({
      message: 'stopped',
      error: error.message,
      code: 'LOG_WRITE',
      cause: 'the disk refused <- no space',
      stack: expect.stringMatching(
        /LOG_WRITE[\s\S]*log\.test\.ts[\s\S]*caused by: Error: the disk refused[\s\S]*caused by: Error: no space/,
      ),
    })
  })

  it('ends where errors cause each other in a circle, and accepts a cause that is not an Error', () => {
    const lines: string[] = []
    const log = createLog('processor', (line) => lines.push(line))
    const circle = new Error('a')
    circle.cause = new Error('b', { cause: circle })
    log.warn('odd', { error: circle })
    log.warn('odd', { error: new Error('c', { cause: 'text' }) })
    expect(lines.map((line) => JSON.parse(line).cause)).toEqual(['b <- a <- b <- a <- b', 'text'])
  })

  it('may be silent', () => {
    expect(() => silentLog.error('nothing')).not.toThrow()
  })
})
