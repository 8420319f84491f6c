import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { hashOf } from './document.ts'
import { gateway, TestGateway, tcp, uplink } from './testing/gateway.ts'

test('a configuration that the cloud confirms is in force, also after a restart', async () => {
  const one = await gateway({ commitEveryMs: 50 })
  expect(one.newest).toMatchObject({
    running: { version: 0, hash: hashOf(one.local) },
    drift: false,
    takes: { configuration: true },
  })
  expect(await one.apply(7, { commitEveryMs: 200, devices: [tcp] })).toMatchObject({ newest: { version: 7, state: 'applying' } })
  expect(one.commitEveryMs).toBe(200)
  expect((await one.confirm()).newest).toMatchObject({ version: 7, state: 'confirmed' })
  await one.start()
  expect([one.commitEveryMs, one.started.at(-1)!.devices.length, one.newest.running.version]).toEqual([200, 1, 7])
})

test('it counts as a whole: what it leaves out has its default, what is not changed remotely is that of the file', async () => {
  const one = await gateway({
    commitEveryMs: 50,
    devices: [tcp],
    uplink: { ...uplink, windowBatches: 9 },
    outbox: { bytesMax: 2048 },
  })
  await one.apply(1, { uplink: { resendMs: 3000 } })
  const { commitEveryMs, devices, uplink: link, outbox, group, node } = one.started.at(-1)!
  expect({ commitEveryMs, devices, group, node }).toEqual({ commitEveryMs: 100, devices: [], group: 'ward', node: 'gateway' })
  expect([link.windowBatches, link.resendMs, link.password, outbox.bytesMax]).toEqual([256, 3000, 'a-password', 2048])
})

test('devices of a configuration for many gateways are named by the gateway', async () => {
  const one = await gateway()
  await one.apply(1, { devices: [{ ...tcp, id: '{node}-boiler' }] })
  expect(one.started.at(-1)!.devices.map(({ id }) => id)).toEqual(['gateway-boiler'])
})

test('one that is not confirmed in time goes back to the one before, and says why', async () => {
  const one = await gateway()
  await one.apply(1, { commitEveryMs: 200 })
  await one.confirm()
  await one.apply(2, { commitEveryMs: 300 })
  await one.pass(59_000)
  expect(one.commitEveryMs).toBe(300)
  await one.pass(2000)
  expect(one.commitEveryMs).toBe(200)
  expect(one.newest).toMatchObject({
    running: { version: 1 },
    newest: { version: 2, state: 'rolled-back', detail: 'the cloud did not confirm it within 60 s' },
  })
  expect((await one.confirm()).newest).toMatchObject({ version: 2, state: 'rolled-back' })
})

test('one with which the agent does not start goes back, and says why', async () => {
  const one = await gateway()
  one.fails = ({ commitEveryMs }) => commitEveryMs === 200
  await one.apply(1, { commitEveryMs: 200 })
  expect(one.newest).toMatchObject({
    running: { version: 0 },
    newest: { version: 1, state: 'rolled-back', detail: 'it does not start: out of order' },
  })
  expect([one.commitEveryMs, one.failed]).toEqual([100, undefined])
})

test('an agent that dies during a trial comes back with the one before', async () => {
  const one = await gateway()
  await one.apply(1, { commitEveryMs: 200 })
  await one.start()
  expect(one.commitEveryMs).toBe(100)
  expect(one.newest.newest).toMatchObject({ version: 1, state: 'rolled-back', detail: 'the agent ended before it was confirmed' })
  await one.apply(1, { commitEveryMs: 200 })
  expect(one.commitEveryMs).toBe(100)
})

test.each<[string, object, string]>([
  ['a key that is wrong', { commitEveryMs: 1 }, 'commitEveryMs = 1: '],
  ['a key that is not there', { comitEveryMs: 100 }, 'comitEveryMs: not changed remotely'],
  ['the broker', { uplink: { url: 'mqtt://elsewhere' } }, 'uplink.url: not changed remotely'],
  ['a credential', { uplink: { passwordFile: '/etc/shadow' } }, 'uplink.passwordFile: not changed remotely'],
  ['the data folder', { dataDir: '/tmp' }, 'dataDir: not changed remotely'],
  ['remote care itself', { remote: { confirmMs: 3_600_000 } }, 'remote: not changed remotely'],
  ['the outbox', { outbox: { bytesMax: 1024 } }, 'outbox: not changed remotely'],
  [
    'a bus that reads files',
    { devices: [{ ...tcp, bus: { kind: 'file', path: '/etc/shadow' } }] },
    'devices.boiler.bus.kind = file: ',
  ],
  ['a device twice', { devices: [tcp, tcp] }, 'two devices are called boiler'],
  ['a wrong key of a bus', { devices: [{ ...tcp, bus: { kind: 'tcp', prot: 9 } }] }, 'prot'],
  ['a variable of the environment', { health: { device: '$'.concat('{MILLRACE_PASSWORD}') } }, 'MILLRACE_PASSWORD'],
])('refused whole, naming the key: %s', async (_, document, says) => {
  const one = await gateway({ commitEveryMs: 50 })
  const { newest, running } = await one.apply(1, document)
  expect(newest).toMatchObject({ version: 1, state: 'refused' })
  expect(newest!.detail).toContain(says)
  expect([running.version, one.started.length]).toEqual([0, 1])
})

test('repeats, older ones, damaged ones and those of another host change nothing', async () => {
  const one = await gateway()
  await one.apply(5, { commitEveryMs: 200 })
  await one.apply(5, { commitEveryMs: 200 })
  await one.apply(6, { commitEveryMs: 300 })
  await one.apply(4, { commitEveryMs: 300 })
  await one.take({ k: 'confirm', version: 5, trial: 'another' })
  expect([one.started.length, one.newest.newest]).toMatchObject([2, { version: 5, state: 'applying' }])
  await one.confirm()
  await one.apply(5, { commitEveryMs: 300 })
  await one.apply(4, { commitEveryMs: 300 })
  await one.take({ k: 'configuration', host: 'another', version: 9, text: '', hash: hashOf(''), over: hashOf(one.local) })
  await one.take({ k: 'configuration', version: 8, text: 'commitEveryMs: 300', hash: hashOf(''), over: hashOf(one.local) })
  expect([one.commitEveryMs, one.started.length, one.newest.newest!.state]).toEqual([200, 2, 'refused'])
  await one.take({ k: 'nonsense' })
  expect(one.commitEveryMs).toBe(200)
})

test('one that is the same as what runs restarts nothing', async () => {
  const one = await gateway()
  await one.apply(1, { commitEveryMs: 200 })
  await one.confirm()
  expect((await one.apply(2, { commitEveryMs: 200 })).newest).toMatchObject({ version: 2, state: 'confirmed' })
  expect(one.started.length).toBe(2)
})

test('a file that was edited on the gateway is a drift: it is told and not replaced unless that is ordered', async () => {
  const one = await gateway()
  await one.apply(1, { commitEveryMs: 200 })
  await one.confirm()
  const seen = hashOf(one.local)
  const edited = one.edit({ commitEveryMs: 70 })
  expect((await one.apply(2, { commitEveryMs: 300 }, seen)).newest).toMatchObject({
    state: 'refused',
    detail: expect.stringContaining('drift'),
  })
  expect([one.newest.drift, one.commitEveryMs]).toEqual([true, 200])
  await one.start()
  expect([one.commitEveryMs, one.newest.running.version, one.newest.drift]).toEqual([70, 0, true])
  const texts = await one.take({ k: 'report' })
  expect(texts.text).toBe('commitEveryMs: 70\n')
  await one.apply(3, { commitEveryMs: 300 }, edited)
  expect((await one.confirm()).drift).toBe(false)
  await one.start()
  expect(one.commitEveryMs).toBe(300)
})

test('what it tells of its configuration has no credential and no variable of its environment', async () => {
  const one = await gateway({ devices: [tcp], uplink: { ...uplink, resendMs: 500 }, rules: undefined, metrics: { port: 0 } })
  const { text } = await one.take({ k: 'report' })
  expect(text).toContain('resendMs: 500')
  expect(text).not.toMatch(/password|username|dataDir|metrics/)
})

test.each<[string, object, string]>([
  ['without an account', { uplink: {} }, 'neither username and password nor a certificate'],
  ['in clear text', { uplink: { ...uplink, url: 'mqtt://broker.example', insecure: true } }, 'has no TLS'],
  ['without receipts', { uplink: { ...uplink, receipts: false } }, 'uplink.receipts is false'],
  ['switched off', { remote: false }, 'remote is false'],
  ['switched off for configurations', { remote: { configuration: false } }, 'remote.configuration is false'],
])('a link %s changes nothing', async (_, file, why) => {
  const one = await gateway(file)
  expect(one.newest.takes.configuration).toBe(false)
  expect((await one.apply(1, { commitEveryMs: 200 })).newest).toMatchObject({
    state: 'refused',
    detail: expect.stringContaining(why),
  })
  expect(one.started.length).toBe(1)
})

test('a check changes nothing and says what is wrong', async () => {
  const one = await gateway()
  const check = (text: string) => one.take({ k: 'check', id: hashOf(text), expiresMs: 0, text })
  expect((await check('commitEveryMs: 200')).answer).toMatchObject({ state: 'done' })
  expect((await check('commitEveryMs: 1')).answer).toMatchObject({
    state: 'refused',
    detail: expect.stringContaining('commitEveryMs = 1'),
  })
  expect([one.started.length, one.newest.newest]).toEqual([1, undefined])
})

test('what is kept and cannot be read is set aside, and the file counts', async () => {
  const one = await gateway()
  await one.apply(1, { commitEveryMs: 200 })
  await one.confirm()
  writeFileSync(join(one.dir, 'remote.json'), '{"f":1,"do')
  await one.start()
  expect(one.commitEveryMs).toBe(100)
})

test('whatever comes in whatever order, and whenever it dies: what runs was confirmed, is the file, or is the one trial of now', async () => {
  const act = fc.oneof(
    fc.record({
      k: fc.constant('apply' as const),
      version: fc.integer({ min: 1, max: 12 }),
      ms: fc.integer({ min: 100, max: 105 }),
    }),
    fc.constantFrom(
      { k: 'confirm' as const },
      { k: 'die' as const },
      { k: 'wait' as const },
      { k: 'edit' as const },
      { k: 'restart' as const },
    ),
  )
  await fc.assert(
    fc.asyncProperty(fc.array(act, { maxLength: 30 }), async (acts) => {
      const one = new TestGateway({ commitEveryMs: 50 })
      try {
        await one.start()
        one.fails = ({ commitEveryMs }) => commitEveryMs === 105
        const confirmed = new Set<number>()
        let localMs = 50
        let newest = 0
        for (const each of acts) {
          if (each.k === 'apply') await one.apply(each.version, { commitEveryMs: each.ms })
          if (each.k === 'confirm') {
            const isTrial = one.newest.newest?.state === 'applying'
            await one.confirm()
            if (isTrial && one.newest.newest?.state === 'confirmed') confirmed.add(one.commitEveryMs)
          }
          if (each.k === 'wait') await one.pass(61_000)
          if (each.k === 'edit') one.edit({ commitEveryMs: ++localMs })
          if (each.k === 'restart')
            await one.take({ k: 'command', id: `${Math.random()}`.slice(2), command: 'restart', expiresMs: one.clock.nowMs + 1 })
          if (each.k === 'die') await one.start()
          const { version = 0, state } = one.newest.newest ?? {}
          expect(version).toBeGreaterThanOrEqual(newest)
          newest = version
          const isKnown = confirmed.has(one.commitEveryMs) || (one.commitEveryMs >= 50 && one.commitEveryMs <= localMs)
          expect(isKnown || state === 'applying').toBe(true)
          if (each.k === 'die' || each.k === 'wait') expect(isKnown).toBe(true)
        }
        expect(one.failed).toBeUndefined()
      } finally {
        one.end()
      }
    }),
    { numRuns: 100 },
  )
})
