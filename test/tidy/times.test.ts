/** `Date.parse` takes much that is not a time, by the zone of the machine. */
import { expect, test } from 'vitest'
import { folders, isTest, sourcesBelow } from './sources.ts'

/** They read what a program of a known form has written, with its zone. */
const exempt = ['cloud-processor/src/stores/influxdb/dialects/influxdb/flux.ts']

test('no text from outside is read by Date.parse or new Date', () => {
  const product = folders.flatMap(sourcesBelow).filter(({ path }) => !isTest(path) && !exempt.includes(path))
  const found = product.filter(({ text }) => /\bDate\.parse\(|\bnew Date\(['"`]/.test(text)).map(({ path }) => path)
  expect(found, 'Use parseIsoTime of prepare/plain/times, or move it down to platform').toEqual([])
})
