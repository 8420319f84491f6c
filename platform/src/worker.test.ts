import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { afterAll, expect, test } from 'vitest'
import { MillraceError } from './errors.ts'
import { startWorker } from './worker.ts'

const folder = mkdtempSync(join(tmpdir(), 'millrace-worker-'))
afterAll(() => rmSync(folder, { recursive: true }))

/** Answers with what it is told to. */
const program = (start: string) => `
  import { Moved, Refusal, serveCalls } from ${JSON.stringify(new URL('./worker-side.ts', import.meta.url).href)}
  const answers = {
    twice: ({ n }) => 2 * n,
    later: ({ n }) => new Promise((resolve) => setTimeout(() => resolve(n), 20)),
    refuse() { throw new Refusal('LOG_WRITE', { path: 'p', detail: 'no room' }) },
    fail() { throw new Error('broken') },
    move() { const bytes = Buffer.alloc(8, 7); return new Moved(bytes, [bytes.buffer]) },
    die() { process.exit() },
  }
  serveCalls(() => { ${start}; return { opened: 'ready', answer: (ask) => answers[ask.k](ask) } }, (cause) => ({ code: 'LOG_READ', values: { path: 'p', detail: cause.message } }))`

interface Ask {
  k: 'twice' | 'later' | 'refuse' | 'fail' | 'move' | 'die'
  n?: number
}

function start(text = '') {
  const file = join(folder, `${Math.random()}.mjs`)
  writeFileSync(file, program(text))
  const ended: MillraceError[] = []
  const calls = startWorker<Ask>(pathToFileURL(file), {
    failure: (detail) => new MillraceError('LOG_WRITE', { path: 'p', detail }),
    onFailed: (error) => ended.push(error),
  })
  return { calls, ended }
}

test('each call has its own answer or failure, and the worker goes on after one', async () => {
  const { calls, ended } = start()
  expect(await calls.opened()).toBe('ready')
  const asked = [
    calls.ask({ k: 'later', n: 5 }),
    calls.ask({ k: 'refuse' }),
    calls.ask({ k: 'fail' }),
    calls.ask({ k: 'twice', n: 4 }),
  ]
  const settled = await Promise.allSettled(asked)
  expect(settled).toMatchObject([
    { value: 5 },
    { reason: { name: 'MillraceError', code: 'LOG_WRITE', message: expect.stringContaining('no room') } },
    { reason: { name: 'MillraceError', code: 'LOG_READ', message: expect.stringContaining('broken') } },
    { value: 8 },
  ])
  expect([...(await calls.ask<Uint8Array>({ k: 'move' }))]).toEqual(Array(8).fill(7))
  await calls.close()
  expect(ended).toEqual([])
})

test('a worker that cannot start says why', async () => {
  const { calls, ended } = start("throw new Refusal('LOG_LOCKED', { path: 'p' })")
  await expect(calls.opened()).rejects.toMatchObject({ code: 'LOG_LOCKED' })
  expect(ended).toEqual([])
})

test('a worker that ends by itself refuses what it was asked and what it is asked later, and its owner is told', async () => {
  const { calls, ended } = start()
  const asked = [calls.ask({ k: 'die' }), calls.ask({ k: 'twice', n: 1 })]
  expect(await Promise.allSettled(asked)).toMatchObject([{ reason: { code: 'LOG_WRITE' } }, { reason: { code: 'LOG_WRITE' } }])
  await expect(calls.ask({ k: 'twice', n: 1 })).rejects.toThrow('its thread ended')
  expect(ended).toHaveLength(1)
  await calls.close()
})
