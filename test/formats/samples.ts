/**
 * Samples of every file that Millrace writes, as a version wrote them, and what that version answers of them:
 *
 *     <commit>/<file>.gz          log, store, notifier (SQLite), outbox, sessions (SQLite), users, manifest
 *     <commit>/answers.json.gz    what the same version said of a copy of them; `goesOn`: of what it then made of the rest of the log
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gunzipSync, gzipSync } from 'node:zlib'
import { fileAnswers, writeFiles } from './files.ts'
import { openSampleOutbox, outboxAnswers, writeOutbox } from './outbox.ts'
import { parts, SampleProcessor } from './processor.ts'
import type { Version } from './version.ts'

const names = ['log', 'store', 'notifier', 'outbox', 'sessions', 'users', 'manifest']
const here = new URL('.', import.meta.url).pathname

/** Folders of samples that were made. */
export const madeBy = readdirSync(here, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)

export async function writeSamples(version: Version, dir: string): Promise<void> {
  await writeOutbox(version, dir)
  writeFiles(version, dir)
  const processor = await SampleProcessor.open(version, dir)
  await processor.append(parts[0])
  await processor.work()
  await processor.store.merge()
  await processor.append(parts[1])
  await processor.work()
  await processor.append(parts[2])
  await processor.close()
}

/** Changes the files: the stages go on, and the outbox is opened. */
export async function answersOf(version: Version, dir: string) {
  const processor = await SampleProcessor.open(version, dir)
  const found = await processor.answers()
  await processor.work()
  const goesOn = since(found, await processor.answers())
  await processor.close()
  const outbox = await openSampleOutbox(version, dir)
  const waiting = await outboxAnswers(outbox)
  await outbox.close()
  return JSON.parse(JSON.stringify({ found, goesOn, outbox: waiting, files: await fileAnswers(version, dir) }))
}

type Answers = Awaited<ReturnType<SampleProcessor['answers']>>
type Told = Answers['timeline'][number] | Answers['alarms'][number]

/** A later version may tell of clocks: then what follows has other places. */
const laterRules = /^(CLOCK_|GATEWAY_CLOCK_|READINGS_)|^(clock-jump|gateway-clock|readings-out-of-time)$/

/** What the stages made since then, without its places in the log, and what it left in the store. */
function since(found: Answers, { timeline, rejected, alarms, content, gaps, ledger, totals, prepared }: Answers) {
  const told = (records: Told[], known: Told[]) =>
    records
      .slice(known.length)
      .map(({ key, record }) => ({ key, record }))
      .filter(({ record }) => !laterRules.test(nameIn(record)))
  return {
    timeline: told(timeline, found.timeline),
    // Its detail is text for people.
    rejected: rejected.slice(found.rejected.length).map(({ key, record: { detail: _, ...record } }) => ({ key, record })),
    alarms: told(alarms, found.alarms),
    ...{ content, gaps, ledger, totals, prepared },
  }
}

function nameIn(record: Told['record']): string {
  if (record.k === 'event') return record.code
  if (record.k === 'notification') return record.alarm.rule
  return record.k === 'alarm' ? record.rule : ''
}

export function pack(dir: string, answers: unknown, commit: string): void {
  mkdirSync(join(here, commit), { recursive: true })
  for (const name of names) writeFileSync(join(here, commit, `${name}.gz`), gzipSync(readFileSync(join(dir, name)), { level: 9 }))
  writeFileSync(join(here, commit, 'answers.json.gz'), gzipSync(JSON.stringify(answers), { level: 9 }))
}

/** @returns the answers. */
export function unpack(commit: string, dir: string): Awaited<ReturnType<typeof answersOf>> {
  const read = (name: string) => gunzipSync(readFileSync(join(here, commit, name)))
  for (const name of names) writeFileSync(join(dir, name), read(`${name}.gz`))
  return JSON.parse(read('answers.json.gz').toString())
}
