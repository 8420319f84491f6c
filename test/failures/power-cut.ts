/**
 * Power cuts of real files: `node test/failures/power-cut.ts [--rounds 30] [--only outbox,log,store,sessions] [--seed n]`
 *
 * A round: an empty ext4 image, mounted; a child process writes with the real code and says over a pipe what it was told is
 * durable; after a random time it is frozen, the file system shut down, the child killed. Then the image is mounted again
 * (its journal is replayed) and another child opens the data as it is. All that was said must be there, value for value.
 *
 * First it must go red: the same with databases that do not wait for the disk has to lose data, or the harness sees nothing.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { readArguments } from '@millrace/platform'
import { createRandom } from '../simulation/random.ts'
import { createDiskImage, type DiskImage, needDiskImages } from '../support/disk-image.ts'
import { type Program, program } from '../support/program.ts'
import { subjects } from './power-cut/index.ts'
import { type Found, nothingFound } from './power-cut/subject.ts'
import { tear, walTail } from './power-cut/wal.ts'

const { values } = readArguments(
  { call: 'npm run break -- power-cut' },
  {
    rounds: { type: 'string', default: '30' },
    only: { type: 'string', default: Object.keys(subjects).join(',') },
    seed: { type: 'string', default: `${Date.now() % 1_000_000}` },
  },
)
const rounds = Number(values.rounds)
const seed = Number(values.seed)
const names = values.only.split(',')

/** Rounds of the control, at most; it ends with the first that loses. */
const controlRounds = 10
const imageMegabytes = 256
const child = join(import.meta.dirname, 'power-cut', 'child.ts')
const unsynced = (mode: string) => ({
  NODE_OPTIONS: `--import=${join(import.meta.dirname, 'power-cut', 'sync-off.ts')}`,
  SYNCHRONOUS: mode,
})

interface Round extends Found {
  replayed: boolean
  /** The cut itself left a torn tail; else, in every second round, one is made. */
  torn: boolean
  planted: boolean
}

await program('power-cut', async (test) => {
  needDiskImages()
  test.say(`seed ${seed}`)
  const image = createDiskImage(join(test.dir, 'disk'), imageMegabytes)
  let writer: ChildProcess | undefined
  test.atEnd(() => image.unmount())
  test.atEnd(() => writer && stop(writer))
  const start = (env: object, ...args: string[]) => {
    writer = spawn(process.execPath, [child, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env: { ...process.env, ...env } })
    return writer
  }
  for (const name of names) await control(test, name, image, start)
  for (const name of names) await cuts(test, name, image, start)
})

type Start = (env: object, ...args: string[]) => ChildProcess

async function control(test: Program, name: string, image: DiskImage, start: Start): Promise<void> {
  for (const mode of ['OFF', 'NORMAL']) {
    let lost = 0
    let round = 0
    while (lost === 0 && round < controlRounds) {
      const found = await cutOnce({
        name,
        roundSeed: seed + 1000 + round++,
        image,
        start: (...args) => start(unsynced(mode), ...args),
      })
      lost = found.lost + found.problems.length
    }
    test.check(lost > 0, `${name}, control: with synchronous=${mode} the harness sees data lost (round ${round}: ${lost})`)
  }
}

async function cuts(test: Program, name: string, image: DiskImage, start: Start): Promise<void> {
  const total: Record<string, number> = {}
  const add = (key: string, more: number | boolean) => {
    total[key] = (total[key] ?? 0) + Number(more)
  }
  const problems: string[] = []
  for (let round = 0; round < rounds; round++) {
    const found = await cutOnce({
      name,
      roundSeed: seed + round,
      image,
      start: (...args) => start({}, ...args),
      tears: round % 2 === 1,
    })
    for (const key of ['acknowledged', 'beyond', 'lost', 'doubled', 'altered'] as const) add(key, found[key])
    add('journals replayed', found.replayed)
    add('torn tails', found.torn)
    add('torn tails planted', found.planted)
    for (const [key, count] of Object.entries(found.covered)) add(key, count)
    const isBad = found.lost + found.doubled + found.altered + found.problems.length > 0
    if (isBad) problems.push(`seed ${seed + round}: ${JSON.stringify(found).slice(0, 600)}`)
    if (found.acknowledged === 0) problems.push(`seed ${seed + round}: nothing was acknowledged before the cut`)
  }
  for (const problem of problems.slice(0, 5)) test.say(problem)
  const figures = Object.entries(total).map(([what, count]) => `${count} ${what}`)
  test.check(problems.length === 0, `${name}: ${rounds} cuts: ${figures.join(', ')}`)
}

interface Cut {
  name: string
  roundSeed: number
  image: DiskImage
  start(...args: string[]): ChildProcess
  tears?: boolean
}

async function cutOnce({ name, roundSeed, image, start, tears = false }: Cut): Promise<Round> {
  const random = createRandom(roundSeed, 'cut')
  image.format()
  const writer = start(name, 'write', image.folder, `${roundSeed}`)
  const said: Buffer[] = []
  writer.stdout!.on('data', (bytes: Buffer) => said.push(bytes))
  const drained = once(writer.stdout!, 'end')
  await Promise.race([once(writer.stdout!, 'data'), drained])
  await new Promise((resolve) => setTimeout(resolve, 100 + random.below(1400)))
  if (writer.exitCode !== null) throw new Error(`the writer of ${name} ended by itself with ${writer.exitCode}`)
  writer.kill('SIGSTOP')
  image.cutPower()
  await stop(writer)
  await drained
  image.unmount()
  const replayed = image.mount()
  const wal = join(image.folder, `${subjects[name]!.file}-wal`)
  const torn = walTail(wal).torn > 0
  const planted = tears && tear(wal)
  return { ...check(name, roundSeed, image, Buffer.concat(said)), replayed, torn, planted }
}

async function stop(process: ChildProcess): Promise<void> {
  if (process.exitCode !== null || process.signalCode !== null) return
  process.kill('SIGKILL')
  await once(process, 'exit')
}

function check(name: string, roundSeed: number, image: DiskImage, said: Buffer): Found {
  // A line that was cut short was not said.
  const input = said.subarray(0, said.lastIndexOf('\n') + 1)
  const { stdout, stderr, status } = spawnSync(process.execPath, [child, name, 'check', image.folder, `${roundSeed}`], {
    input,
    encoding: 'utf8',
    maxBuffer: 64 << 20,
  })
  if (status === 0) return JSON.parse(stdout) as Found
  return { ...nothingFound(), problems: [`it cannot be opened: ${stderr}`] }
}
