/** A process to be killed by a test: writes readings in order and prints the next offset once they are published. */
import { writeSync } from 'node:fs'
import { openAtOnce, readingAt, topic } from './place.ts'

const sink = openAtOnce(process.argv[2]!)
for (let offset = 0; ; offset += 20) {
  await sink.write(
    'log-a',
    topic,
    0,
    Array.from({ length: 20 }, (_, k) => readingAt(offset + k)),
  )
  writeSync(1, `${offset + 20}\n`)
}
