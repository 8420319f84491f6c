import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { prepareSchema } from '../config.ts'
import { createPrepareStage } from '../prepare.ts'
import { decodeState, encodeState } from './snapshot.ts'

/** `records`: raw records behind the snapshot, as base64. `outputs`: what the version that wrote it made of them, without their bytes; `detail` is text for people. */
const sample = JSON.parse(readFileSync(new URL('cases/format-2.json', import.meta.url), 'utf8'))
const stage = createPrepareStage(prepareSchema.parse(sample.config))
const read = () => stage.decode(Buffer.from(JSON.stringify(sample.snapshot)))

/** Later versions ask for births more often. */
const isNoRequest = (output: unknown) => !JSON.stringify(output).includes('NODE_REBIRTH_WANTED')

/** What later versions keep as well, of which it has nothing. */
const added = { derived: { $map: [] }, derivedLanes: 0 }

test('a snapshot of format 2 is written as it was read', () => {
  const { f, state } = sample.snapshot
  expect(JSON.parse(Buffer.from(stage.encode(read())).toString())).toEqual({ f, state: { ...state, ...added } })
})

test('the stage goes on from a snapshot of format 2 as the version that wrote it did', () => {
  const state = read()
  const outputs: unknown[] = []
  for (const [offset, record] of sample.records.entries())
    stage.step(state, { offset, key: '', value: Buffer.from(record, 'base64'), timeMs: 0 }, (topic, key, value) => {
      const { bytesBase64: _, detail: __, ...rest } = JSON.parse(Buffer.from(value).toString())
      outputs.push([topic, key, rest])
    })
  const expected = sample.outputs.map(([topic, key, { detail: _, ...record }]: [string, string, Record<string, unknown>]) => [
    topic,
    key,
    record,
  ])
  expect(outputs.filter(isNoRequest)).toEqual(expected.filter(isNoRequest))
})

test('a snapshot of a newer format is refused', () => {
  const { f, state } = JSON.parse(Buffer.from(encodeState(read())).toString())
  expect(() => decodeState(Buffer.from(JSON.stringify({ f: f + 1, state })))).toThrow('reads up to 2')
})
