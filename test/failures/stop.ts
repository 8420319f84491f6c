/**
 * `node test/failures/stop.ts [--quick]`
 *
 * Processors join another one on Kafka and are told to stop at each step of their life: while their code is read, while they start,
 * join, share and lead; while all answers, and while Kafka, the broker or the store is frozen or dead. Likewise agents whose broker
 * is frozen, and a broker whose subscriber is. Each must end with code 0 within the bound; where all answers, at once.
 */
import { readArguments } from '@millrace/platform'
import { program } from '../support/program.ts'
import { openInstallation } from './stop/installation.ts'
import { createScenes } from './stop/scenes.ts'
import { isClean, type Started, type Visit } from './stop/visit.ts'

const { quick } = readArguments({ call: 'npm run break -- stop' }, { quick: { type: 'boolean', default: false } }).values
const afterSpawnMs = quick ? [600] : [0, 20, 300, 600, 900, 1200]
const afterReadyMs = quick ? [64, 2000] : [0, 20, 64, 150, 300, 600, 1000, 1500, 2000, 3000, 5000]
const atOnce = 4
/** On a busy machine; tens of ms on a quiet one. */
const soonMsMax = 2000
/** Supervisors often give ten seconds. */
const msMax = 9000

const sleep = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))

await program('stop', async (context) => {
  const { check, say } = context
  const installation = await openInstallation(context)
  const { kafka, store, broker, resident } = installation
  const scenes = createScenes(installation)
  const slowest = new Map<string, Visit>()

  for (let at = 0, steps = stepsOf(); at < steps.length; at += atOnce) {
    const group = steps.slice(at, at + atOnce).map(async ({ step, reach }) => {
      const one = scenes.start()
      await reach(one)
      return one.stop(step)
    })
    judge('all answers', await Promise.all(group), soonMsMax)
  }
  judge('Kafka is frozen', await scenes.processors(kafka))
  judge('the broker is frozen', await scenes.processors(broker))
  judge('the store is frozen', await scenes.processors(store))
  judge('the broker is frozen', await scenes.agents())
  judge('a subscriber is frozen', await scenes.brokerOfFrozenSubscriber())
  await resident.stop()
  judge('the broker is frozen', await scenes.leader(broker))
  if (!quick) {
    judge('all answers', await scenes.leader(), soonMsMax)
    judge('Kafka is dead', await scenes.processors({ freeze: kafka.kill, resume() {} }))
  }
  for (const [what, { step, ms }] of slowest) say(`slowest while ${what}: ${step}, ${Math.round(ms)} ms`)

  function stepsOf() {
    const { isReady, isSharing } = scenes
    return [
      ...afterSpawnMs.map((ms) => ({ step: `${ms} ms after its start`, reach: () => sleep(ms) })),
      ...afterReadyMs.map((ms) => ({
        step: `${ms} ms after it was ready`,
        reach: (one: Started) => isReady(one).then(() => sleep(ms)),
      })),
      ...(quick ? [] : [{ step: 'connected to the broker', reach: (one: Started) => one.says(/"connected to the broker"/) }]),
      { step: 'sharing', reach: isSharing },
    ]
  }

  function judge(what: string, ended: Visit[], mostMs = msMax): void {
    for (const visit of ended) {
      if (visit.ms > (slowest.get(what)?.ms ?? 0)) slowest.set(what, visit)
      const isSo = isClean(visit) && visit.ms <= mostMs
      check(isSo, `${what}; ${visit.step}: ${visit.how} after ${Math.round(visit.ms)} ms; at most ${mostMs} ms`)
      if (!isSo) say(visit.lines.slice(-8).join('\n'))
    }
  }
})
