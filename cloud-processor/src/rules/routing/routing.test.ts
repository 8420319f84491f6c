import { expect, test } from 'vitest'
import { notifierSchema } from '../config.ts'
import { startReceiver } from '../notifiers/testing/receiver.ts'
import { alarm, ended, logForEachTest, until } from '../testing/notifier.ts'
import { notifierTo, person } from '../testing/person.ts'

const made = logForEachTest()
const { closing, append } = made

test('the first route that matches is taken, each receiver gets its own, and ends follow their beginnings', async () => {
  const [nurse, technician, doctor] = [await person(made), await person(made), await person(made)]
  const route = {
    ...{ to: ['nurse'], waitMs: 0, intervalMs: 0 },
    routes: [
      { match: { technical: true }, to: ['technician'] },
      { match: { groups: ['icu'] }, to: ['doctor'], continue: true },
    ],
  }
  await notifierTo(made, { nurse, technician, doctor }, { route })
  await append(alarm('a'), alarm('b', { technical: true }), alarm('c', { groups: ['icu'] }))
  await append(ended('b', { technical: true }))
  await until(() => nurse.told().length + technician.told().length + doctor.told().length >= 4)
  await new Promise((resolve) => setTimeout(resolve, 500))
  expect(nurse.told()).toEqual(['firing a'])
  expect(technician.told().at(-1)).toEqual('resolved b')
  expect(doctor.told()).toEqual(['firing c'])
})

test('what nobody acknowledges is escalated, what is active is repeated, and the end is told to all who know', {
  timeout: 40_000,
}, async () => {
  const [nurse, doctor] = [await person(made), await person(made)]
  const route = { to: ['nurse'], waitMs: 0, intervalMs: 0, escalate: [{ afterMs: 2500, to: ['doctor'] }] }
  const { states } = await notifierTo(made, { nurse, doctor }, { route })
  await append(alarm('a'), alarm('b'))
  await until(() => nurse.told().length === 2)
  await append(alarm('b', { change: 'acknowledged', acknowledged: true }))
  await until(() => doctor.told().length > 0)
  await new Promise((resolve) => setTimeout(resolve, 1500))
  expect(doctor.told()).toEqual(['firing a'])
  await append(ended('a'), ended('b'))
  await until(() => doctor.told().length === 2 && nurse.told().length === 4)
  expect(doctor.told()).toEqual(['firing a', 'resolved a'])
  expect(Object.keys(states()).filter((key) => key.includes('escalated'))).toEqual(['a#escalated@0.0'])
})

test('in mute times nobody is told, and of what is over by then nobody', { timeout: 40_000 }, async () => {
  const nurse = await person(made)
  const days = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
  const muteTimes = [{ name: 'always', times: [{ days }] }]
  const muted = await notifierTo(
    made,
    { nurse },
    { muteTimes, pageAgeMaxMs: 1000, route: { to: ['nurse'], waitMs: 0, mute: ['always'] } },
  )
  await append(alarm('over'), alarm('lasting'))
  await append(ended('over'))
  await new Promise((resolve) => setTimeout(resolve, 1500))
  expect(nurse.told()).toEqual([])
  await muted.close()
  const { states } = await notifierTo(made, { nurse }, { pageAgeMaxMs: 1000, route: { to: ['nurse'], waitMs: 0 } })
  await until(() => nurse.told().length > 0)
  expect(nurse.told()).toEqual(['firing lasting'])
  await until(() => states()['over#raised'] === 'withheld' && states()['over#cleared'] === 'withheld')
})

test('what is acknowledged or silenced while it waits is not told', async () => {
  const nurse = await person(made)
  const { states } = await notifierTo(made, { nurse }, { route: { to: ['nurse'], waitMs: 1000 } })
  await append(alarm('a', { priority: 'low' }), alarm('b', { priority: 'low' }), alarm('c', { priority: 'low' }))
  await append(alarm('a', { priority: 'low', change: 'acknowledged', acknowledged: true }))
  await append(alarm('b', { priority: 'low', change: 'silenced', silenced: { untilMs: 9e15 } }))
  await until(() => nurse.told().length > 0)
  expect(nurse.told()).toEqual(['firing c'])
  await until(() => states()['b#raised'] === 'withheld')
})

test('a receiver that was down for long is told what is active then, in one message', { timeout: 40_000 }, async () => {
  let isDown = true
  const server = await startReceiver((_, response) => response.writeHead(isDown ? 503 : 200).end())
  closing.push(server.close)
  await notifierTo(
    made,
    { nurse: server },
    { pageAgeMaxMs: 2000, retryMsMax: 300, route: { to: ['nurse'], waitMs: 0, intervalMs: 0 } },
  )
  for (const id of ['a', 'b', 'c', 'd']) await append(alarm(`${id}1`), alarm(`${id}2`))
  await append(ended('a1'))
  await new Promise((resolve) => setTimeout(resolve, 4000))
  isDown = false
  const from = server.messages.length
  const told = () =>
    server.messages
      .slice(from)
      .flatMap(({ body }) => body.alerts.map((one: { annotations: { alarm: string } }) => one.annotations.alarm))
  await until(() => new Set(told()).size >= 7)
  expect(server.messages.length - from).toBeLessThanOrEqual(4)
})

test('a name that nobody has is refused, with where it is', () => {
  const parse = (route: object) => notifierSchema.safeParse({ to: [{ kind: 'log', name: 'nurse' }], route })
  const faults = (route: object) => parse(route).error?.issues.map(({ message }) => message)
  expect(faults({ to: ['nurse'] })).toBeUndefined()
  expect(faults({ to: ['nurse'], routes: [{ to: ['doctor'], mute: ['nights'] }] })).toEqual([
    'route.routes.0: no receiver is named "doctor"; there are nurse',
    'route.routes.0: no muteTimes are named "nights"; there are none',
  ])
})
