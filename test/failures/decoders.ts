/**
 * Bytes that are not what they should be: `node test/failures/decoders.ts [--bytes 10000000] [--seed 1]`
 *
 * Random and mutated bytes over all decoders, in pieces of any size: none throws, hangs, names a channel that it does not have or
 * reports more than it was given; and of a decoder with a checksum, no frame of which one byte was changed gives a reading.
 */
import { join } from 'node:path'
import { Worker } from 'node:worker_threads'
import { readArguments } from '@millrace/platform'
import { program } from '../support/program.ts'
import type { FuzzOrder, FuzzResult } from './decoders/fuzz.ts'
import { missingKinds, subjects } from './decoders/subjects.ts'

const { values } = readArguments(
  { call: 'npm run break -- decoders' },
  { bytes: { type: 'string', default: '10000000' }, seed: { type: 'string', default: '1' } },
)
/** Of one decoder, whose share is well under a second. */
const hangMs = 120_000

await program('decoders', async ({ check, say }) => {
  check(missingKinds().length === 0, `every kind of decoder is here ${missingKinds().join(' ')}`)
  const bytes = Math.ceil(Number(values.bytes) / subjects.length)
  let total = 0
  for (const [index, { name }] of subjects.entries()) {
    const result = await run({ index, bytes, seed: Number(values.seed) })
    if (typeof result === 'string') {
      check(false, `${name}: ${result}`)
      continue
    }
    total += result.bytes
    say(`${name.padEnd(32)} ${Math.round(result.framesPerSecond).toLocaleString('en').padStart(11)} frames a second`)
    for (const fault of result.faults) check(false, `${name}: ${fault}`)
    if (result.accepted !== undefined)
      check(result.accepted === 0, `${name}: ${result.accepted} readings of 5,000 frames with a changed byte`)
  }
  check(
    total >= Number(values.bytes),
    `${total.toLocaleString('en')} random and mutated bytes without a throw or a hang (seed ${values.seed})`,
  )
})

/** Its result, or how it failed. */
function run(order: FuzzOrder): Promise<FuzzResult | string> {
  const worker = new Worker(join(import.meta.dirname, 'decoders/fuzz.ts'), { workerData: order })
  return new Promise((resolve) => {
    const timer = setTimeout(() => resolve(`hangs: no result in ${hangMs / 1000} s`), hangMs)
    worker.once('message', resolve)
    worker.once('error', (error: Error) => resolve(`throws: ${error.stack}`))
    worker.once('exit', () => clearTimeout(timer))
  }).finally(() => worker.terminate()) as Promise<FuzzResult | string>
}
