import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, expect, it } from 'vitest'
import { readManifest } from './manifest/index.ts'
import { openReader, until } from './ports/test-reader.ts'

const dir = mkdtempSync(join(tmpdir(), 'millrace-sim-'))
afterAll(() => rmSync(dir, { recursive: true, force: true }))

function run(...args: string[]) {
  const child: ChildProcess = spawn(process.execPath, [join(import.meta.dirname, 'main.ts'), ...args])
  const lines: { k: string; [key: string]: unknown }[] = []
  let errors = ''
  createInterface({ input: child.stdout! }).on('line', (line) => lines.push(JSON.parse(line)))
  child.stderr!.on('data', (chunk) => {
    errors += chunk
  })
  const exit = new Promise<number | null>((done) => child.on('close', done))
  const tell = (command: object) => child.stdin!.write(`${JSON.stringify(command)}\n`)
  return { child, lines, errors: () => errors, exit, tell, line: (k: string) => lines.find((line) => line.k === k) }
}

it('says when the ports are there, obeys commands, and ends on SIGTERM with the last line written', async () => {
  const [ports, manifest] = [join(dir, 'ports'), join(dir, 'm.jsonl')]
  const { child, lines, line, tell, exit } = run('run', 'ward', '--ports', ports, '--manifest', manifest, '--control')
  await until(() => line('ready') !== undefined, 10_000)
  expect((line('ready')!.devices as object[])[0]).toMatchObject({ device: 'bed-1', address: { path: join(ports, 'bed-1') } })
  const reader = openReader({ kind: 'serial', path: join(ports, 'bed-1') })
  await until(() => reader.bytes().length > 9)
  tell({ cmd: 'garbage', device: 'bed-1', bytes: 20 })
  tell({ cmd: 'unplug', device: 'nobody' })
  await until(() => lines.length >= 3)
  expect(line('ok')).toMatchObject({ cmd: 'garbage' })
  expect(line('error')!.text).toMatch(/unknown device nobody/)
  const length = reader.bytes().length
  await until(() => reader.bytes().length > length + 100)
  child.kill('SIGTERM')
  expect(await exit).toBe(0)
  reader.close()
  expect(existsSync(join(ports, 'bed-1'))).toBe(false)
  expect((await readManifest(manifest)).totals!['bed-1']).toMatchObject({ bad: 1 })
})

it('stops by command, and when its input ends', async () => {
  const [one, other] = ['a', 'b'].map((name) => run('run', 'load', '--ports', join(dir, name), '--control'))
  await until(() => one!.line('ready') !== undefined && other!.line('ready') !== undefined, 10_000)
  one!.tell({ cmd: 'stop' })
  other!.child.stdin!.end()
  expect([await one!.exit, await other!.exit]).toEqual([0, 0])
  expect(one!.line('end')).toBeDefined()
})

it('says what is wrong with its arguments or its scenario', async () => {
  const [bare, missing] = [run('run'), run('run', join(dir, 'none.yaml'), '--ports', dir)]
  expect([await bare.exit, await missing.exit]).toEqual([2, 1])
  expect(bare.errors()).toMatch(/millrace-sim run <scenario>/)
  expect(missing.errors()).toMatch(/CONFIG_NOT_FOUND/)
})
