import { silentLog } from '@millrace/platform'
import { MovedClock } from '@millrace/platform/testing/moved-clock'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Gateways } from './gateways.ts'
import { chosen, inGroups } from './groups.ts'
import { FakeGateway, hash, Ward } from './testing/ward.ts'

const gatewayOf = (ward: Ward, k: number) => [...ward.gateways.values()][k]!

test('a good configuration goes group after group to all', () => {
  const ward = new Ward(10)
  ward.rollOut('1,5,rest')
  ward.deliver()
  expect([ward.newest().state, ward.states()]).toEqual(['done', Array(10).fill('confirmed')])
  expect([...ward.gateways.values()].map(({ text }) => text)).toEqual(Array(10).fill('after'))
})

test('a gateway that reported before this page began is asked, once while it does not answer, and not when it is known', () => {
  const ward = new Ward(1)
  const late = new FakeGateway()
  late.isOff = true
  ward.gateways.set('ward/late', late)
  const nodes = () => ward.cloud.list().map(({ node }) => node)
  for (let k = 0; k < 3; k++) ward.cloud.meet('ward/late')
  expect(ward.deliver()).toBe(1)
  expect(nodes()).toEqual(['ward/g01'])
  late.isOff = false
  ward.pass(5000)
  ward.cloud.meet('ward/late')
  expect(ward.deliver()).toBe(1)
  expect(nodes()).toEqual(['ward/g01', 'ward/late'])
  ward.pass(120_000)
  ward.cloud.meet('ward/late')
  expect(ward.deliver()).toBe(0)
})

test('at an error in the first group nobody else gets it', () => {
  const ward = new Ward(10)
  gatewayOf(ward, 0).takes = () => 'rolls-back'
  ward.rollOut('1,5,rest')
  ward.pass(60_000)
  expect(ward.newest()).toMatchObject({ state: 'stopped', why: 'ward/g01 rolled-back' })
  expect(ward.states()).toEqual(['rolled-back', ...Array(9).fill('withdrawn')])
  expect([...ward.gateways.values()].flatMap(({ applied }) => applied)).toEqual([])
})

test('at an error in a later group those that have it get back what they ran', () => {
  const ward = new Ward(10)
  gatewayOf(ward, 3).takes = (text) => (text === 'after' ? 'rolls-back' : 'confirms')
  ward.rollOut('1,5,rest')
  ward.pass(60_000)
  expect(ward.newest().state).toBe('stopped')
  const [first, ...rest] = ward.states()
  expect([first, rest[2], ...rest.slice(5)]).toEqual(['returned', 'rolled-back', ...Array(4).fill('withdrawn')])
  expect([...ward.gateways.values()].map(({ text }) => text)).toEqual(Array(10).fill('before'))
})

test('the threshold counts errors: below it the roll-out goes on', () => {
  const ward = new Ward(10)
  for (const k of [1, 2]) gatewayOf(ward, k).takes = () => 'refuses'
  ward.rollOut('1,5,rest', { errorsMax: 3 })
  ward.pass(10_000)
  expect([ward.newest().state, ward.states().filter((state) => state === 'confirmed').length]).toEqual(['done', 8])
})

test('a gateway that is off holds nobody up and gets it when it is back; a later configuration replaces it', () => {
  const ward = new Ward(3)
  gatewayOf(ward, 0).isOff = true
  ward.rollOut('1,rest')
  ward.pass(40_000)
  expect(ward.states()).toEqual(['absent', 'confirmed', 'confirmed'])
  ward.kill()
  gatewayOf(ward, 0).isOff = false
  ward.see('ward/g01', gatewayOf(ward, 0).report())
  ward.deliver()
  expect([ward.states(), gatewayOf(ward, 0).text]).toEqual([Array(3).fill('confirmed'), 'after'])

  gatewayOf(ward, 1).isOff = true
  const second = ward.rollOut('rest', { text: 'second' })
  ward.pass(40_000)
  ward.rollOut('rest', { text: 'third' })
  gatewayOf(ward, 1).isOff = false
  ward.pass(10_000)
  expect(ward.cloud.rollouts().find(({ id }) => id === second.id)!.gateways['ward/g02']!.state).toBe('withdrawn')
  expect(gatewayOf(ward, 1).applied).toEqual(['after', 'third'])
})

test('stopped afterwards it takes back what it did, and not what a later one did', () => {
  const ward = new Ward(2)
  const first = ward.rollOut('rest')
  ward.deliver()
  const second = ward.rollOut('rest', { text: 'second' })
  ward.deliver()
  ward.cloud.stopRollout(first.id, 'a test')
  ward.pass(10_000)
  expect([...ward.gateways.values()].map(({ text }) => text)).toEqual(['second', 'second'])
  ward.cloud.stopRollout(second.id, 'a test')
  ward.pass(10_000)
  expect([...ward.gateways.values()].map(({ text }) => text)).toEqual(['after', 'after'])
  expect(ward.states()).toEqual(['returned', 'returned'])
})

test('a gateway that dies of it counts as an error', () => {
  const ward = new Ward(3)
  gatewayOf(ward, 0).takes = () => 'dies'
  ward.rollOut('1,rest')
  ward.deliver()
  ward.see('ward/g01', { ...gatewayOf(ward, 0).report() })
  ward.pass(130_000)
  expect([ward.newest().state, ward.states()]).toEqual(['stopped', ['silent', 'withdrawn', 'withdrawn']])
})

test('a drift is refused, and replaced where that is ordered', () => {
  const ward = new Ward(2)
  gatewayOf(ward, 0).drift = true
  ward.rollOut('rest')
  ward.deliver()
  expect(ward.newest().gateways['ward/g01']).toMatchObject({ state: 'refused', detail: expect.stringContaining('--over-drift') })
  ward.rollOut('rest', { isOverDrift: true })
  ward.deliver()
  expect(ward.states()).toEqual(['confirmed', 'confirmed'])
})

test('a trial that nobody ordered is not confirmed', () => {
  const ward = new Ward(1)
  const one = gatewayOf(ward, 0)
  one.take({
    f: 1,
    k: 'configuration',
    host: 'millrace',
    version: 99,
    text: 'hostile',
    hash: hash('hostile'),
    over: hash('file'),
  })
  ward.see('ward/g01', one.report())
  ward.pass(10_000)
  expect(one.text).toBe('before')
})

test('orders need a link that is authenticated', () => {
  const cloud = new Gateways({
    path: ':memory:',
    host: 'h',
    send() {},
    isAuthenticated: false,
    clock: new MovedClock(),
    log: silentLog,
  })
  const order = { by: 'Ada', reason: 'a test', text: '', groups: [], errorsMax: 1, isOverDrift: false }
  expect(() => cloud.rollOut(order)).toThrow('GATEWAYS_LINK_OPEN')
  cloud.close()
})

test('with lost messages, gateways that go off, and kills at any step: it ends, and nobody has it after it stopped', () => {
  const scene = fc.record({
    how: fc.array(fc.constantFrom('confirms' as const, 'confirms' as const, 'refuses' as const, 'rolls-back' as const), {
      minLength: 6,
      maxLength: 6,
    }),
    lost: fc.infiniteStream(fc.boolean()),
    kills: fc.array(fc.integer({ min: 0, max: 6 }), { maxLength: 8 }),
    off: fc.option(fc.integer({ min: 0, max: 5 }), { nil: undefined }),
    errorsMax: fc.integer({ min: 1, max: 3 }),
  })
  fc.assert(
    fc.property(scene, ({ how, lost, kills, off, errorsMax }) => {
      const ward = new Ward(6)
      for (const [k, each] of how.entries()) gatewayOf(ward, k).takes = (text) => (text === 'after' ? each : 'confirms')
      if (off !== undefined) gatewayOf(ward, off).isOff = true
      ward.rollOut('1,2,rest', { errorsMax })
      ward.loses = () => lost.next().value as boolean
      for (const steps of kills) {
        ward.deliver(steps)
        ward.kill()
        ward.pass(3000)
      }
      ward.loses = () => false
      ward.pass(300_000)
      if (off !== undefined) gatewayOf(ward, off).isOff = false
      for (const [node, gateway] of ward.gateways) ward.see(node, gateway.report())
      ward.pass(300_000)
      const { state, gateways } = ward.newest()
      const present = Object.values(gateways).filter((_, k) => k !== off)
      const errors = present.filter((step) => step.state === 'refused' || step.state === 'rolled-back').length
      expect(state).toBe(errors >= errorsMax ? 'stopped' : 'done')
      for (const [k, step] of Object.values(gateways).entries())
        expect([k, step.state, gatewayOf(ward, k).text]).toEqual([k, step.state, step.state === 'confirmed' ? 'after' : 'before'])
      if (state === 'stopped') expect(Object.values(gateways).map((step) => step.state)).not.toContain('confirmed')
    }),
    { numRuns: 60 },
  )
})

test('gateways are named by patterns, and groups by their sizes', () => {
  const nodes = ['ward/a-1', 'ward/a-2', 'lab/a-1', 'lab/b.x']
  expect(chosen(nodes, ['ward/*'])).toEqual(['ward/a-1', 'ward/a-2'])
  expect(chosen(nodes, ['a-1', 'ward/a-1'])).toEqual(['lab/a-1', 'ward/a-1'])
  expect(chosen(nodes, ['*'])).toEqual(nodes.toSorted())
  expect(() => chosen(nodes, ['b?x'])).toThrow('b?x')
  expect(inGroups(nodes, '1,2,rest')).toEqual([['ward/a-1'], ['ward/a-2', 'lab/a-1'], ['lab/b.x']])
  expect(inGroups(nodes, '10,rest')).toEqual([nodes])
  for (const wrong of ['1', '0,rest', 'rest,1', 'x', '']) expect(() => inGroups(nodes, wrong)).toThrow(`groups = ${wrong}`)
})
