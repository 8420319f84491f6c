import { expect, it } from 'vitest'
import { batch, columns, createAgentFeed, dataTopic } from '../testing/agent.ts'
import { now } from '../testing/feed.ts'

/** Of batches of these streams, in order, those at which something was told. */
function toldAt(streams: string[], historical = false): number[] {
  const feed = createAgentFeed()
  feed.born()
  return streams.flatMap((stream, k) => {
    const name = { stream, number: k + 1 }
    const { timeline } = feed.message(dataTopic, batch(name, columns([now + k], [97]), { historical }))
    return timeline.some((record) => record.k === 'event' && record.code === 'NODE_TWICE') ? [k] : []
  })
}
const [one, two, three] = ['streamone', 'streamtwo', 'streamthree']

it.each([
  ['two agents in turn', [one, two, one, two, one, two, one, two, one], [4]],
  ['three agents in turn', [one, two, three, one, two, three, one, two], [5]],
  ['an agent that starts again and again', [one, two, three], []],
  ['a last message that arrives after the first of the next start', [one, two, one, two, two, three, two, three], []],
])('tells of %s', (_, streams, told) => {
  expect(toldAt(streams)).toEqual(told)
})

it('tells nothing of a backlog of former streams', () => {
  expect(toldAt([one, two, one, two, one, two], true)).toEqual([])
})
