import { describe, expect, it } from 'vitest'
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

  it('may be silent', () => {
    expect(() => silentLog.error('nothing')).not.toThrow()
  })
})
