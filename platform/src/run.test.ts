import { spawn } from 'node:child_process'
import { describe, expect, it } from 'vitest'

/** A real process: its code is the `commands` object. */
function start(commands: string, argument: string, env = {}) {
  const program = `
    import { createLog, MillraceError, runService } from '${new URL('index.ts', import.meta.url)}'
    await runService(createLog('test'), '${argument}', ${commands})
  `
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { env: { ...process.env, ...env } })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (output += text))
  const ended = new Promise<{ code: number | null; output: string }>((resolve) => {
    child.on('close', (code) => resolve({ code, output }))
  })
  const saying = async (text: string) => {
    while (!output.includes(text)) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  return { child, ended, saying }
}

const running = `{ check: () => {}, run: async () => {
  console.log('ready')
  const timer = setInterval(() => {}, 1000)
  return { stop: async () => { console.log('stopped cleanly') } }
} }`

describe('a process', () => {
  it('stops cleanly when it is asked to', async () => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) {
      const { child, ended, saying } = start(running, 'run')
      await saying('ready')
      child.kill(signal)
      const { code, output } = await ended
      expect(code).toBe(0)
      expect(output).toContain('stopped cleanly')
    }
  })

  it('stops when its parent goes, where that is asked for', async () => {
    const { child, ended, saying } = start(running, 'run', { STOP_WITH_PARENT: '1' })
    await saying('ready')
    child.stdin.end()
    expect((await ended).code).toBe(0)
  })

  it('ends within its bound when it is told to stop and its start never ends', async () => {
    const starting = `{ check: () => {}, run: () => { console.log('starting'); setInterval(() => {}, 1000); return new Promise(() => {}) } }`
    const { child, ended, saying } = start(starting, 'run')
    await saying('starting')
    const startedMs = performance.now()
    child.kill('SIGTERM')
    const { code, output } = await ended
    expect([code, output]).toEqual([0, expect.stringContaining('stopped before it had started')])
    expect(performance.now() - startedMs).toBeLessThan(5000)
  })

  it('stops cleanly when it is told to while it starts', async () => {
    const slow = running.replace(
      `console.log('ready')`,
      `console.log('starting'); await new Promise((go) => setTimeout(go, 500))`,
    )
    const { child, ended, saying } = start(slow, 'run')
    await saying('starting')
    child.kill('SIGTERM')
    const { code, output } = await ended
    expect([code, output]).toEqual([0, expect.stringContaining('stopped cleanly')])
  })

  it('is cut off before ten seconds when its stop never ends, and says so', async () => {
    const stuck = running.replace(`console.log('stopped cleanly')`, `await new Promise(() => {})`)
    const { child, ended, saying } = start(stuck, 'run')
    await saying('ready')
    const startedMs = performance.now()
    child.kill('SIGTERM')
    const { code, output } = await ended
    expect([code, output]).toEqual([1, expect.stringContaining('cut off')])
    expect(performance.now() - startedMs).toBeLessThan(10_000)
  }, 20_000)

  it('fails with a line that has the code of the error', async () => {
    const failing = `{ check: () => {}, run: async () => { throw new MillraceError('PROCESS_PORT_IN_USE', { port: 5 }) } }`
    const { code, output } = await start(failing, 'run').ended
    expect(code).toBe(1)
    expect(JSON.parse(output)).toMatchObject({ level: 'error', code: 'PROCESS_PORT_IN_USE' })
  })

  it('ends with 1 when the service cannot go on, and when its stop fails', async () => {
    const gone = `{ check: () => {}, run: async () => ({ stop: async () => {}, failed: Promise.reject(new Error('disk gone')) }) }`
    const { code, output } = await start(gone, 'run').ended
    expect([code, output]).toEqual([1, expect.stringContaining('disk gone')])
    const stuck = running.replace(`console.log('stopped cleanly')`, `throw new Error('cannot close')`)
    const { child, ended, saying } = start(stuck, 'run')
    await saying('ready')
    child.kill('SIGTERM')
    expect((await ended).code).toBe(1)
  })

  it('checks its configuration without starting', async () => {
    const checking = `{ check: () => {}, run: () => { throw new Error('started') } }`
    const checked = await start(checking, 'check').ended
    expect([checked.code, checked.output]).toEqual([0, 'configuration is valid\n'])
  })
})
