/** Names from outside on the page: whatever they are, each is shown under its own, and the healthy device beside them as ever. */
import type { Column, TimelineRecord } from '@millrace/contract'
import { hostileNames } from '@millrace/platform/testing/hostile-names'
import fc from 'fast-check'
import { afterEach, expect, it } from 'vitest'
import { readings, startMs, startWeb, watch } from './testing/web.ts'
import type { DeviceView, HelloEvent, ValuesEvent } from './wire.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const name = fc.oneof(fc.constantFrom(...hostileNames), fc.string({ minLength: 1, maxLength: 20, unit: 'binary' }))

/** A member called `__proto__` of its own, as JSON.parse makes it. */
const named = (names: string[], column: Column): Record<string, Column> =>
  JSON.parse(`{${names.map((one) => `${JSON.stringify(one)}:${JSON.stringify(column)}`).join()}}`)

it('shows every channel of every device under its name, and the healthy one beside them', async () => {
  const { web, url } = await startWeb()
  closing.push(() => web.close())
  const viewer = await watch(`${url}/api/live`)
  closing.push(viewer.close)
  await viewer.next<HelloEvent>('hello')
  let t = startMs
  await fc.assert(
    fc.asyncProperty(name, fc.uniqueArray(name, { minLength: 1, maxLength: 5 }), async (device, channels) => {
      t += 1000
      const column = { t: [t], v: [1] }
      const hostile = readings(t, 1, { device: `${device}!`, subject: device, channels: named(channels, column) })
      web.onTimeline([hostile, readings(t, 97)] as TimelineRecord[])
      const shown = new Map<string, ValuesEvent>()
      while (shown.size < 2) {
        const values = await viewer.next<ValuesEvent>('values')
        shown.set(values.device, values)
      }
      expect(shown.get('oximeter-1')!.channels.spo2).toEqual({ t: [t], v: [97] })
      const other = shown.get(JSON.parse(JSON.stringify(`${device}!`)))!
      expect(Object.keys(other.channels).sort()).toEqual([...channels].sort())
    }),
    { numRuns: 60, examples: hostileNames.map((each): [string, string[]] => [each, [each]]) },
  )
  const fleet = (await (await fetch(`${url}/api/fleet`)).json()) as DeviceView[]
  expect(fleet.find(({ device }) => device === 'constructor!')?.last).toBeDefined()
}, 60_000)

it('goes on with the records beside one that cannot be shown, and counts it', async () => {
  const { web, url, metrics } = await startWeb()
  closing.push(() => web.close())
  const viewer = await watch(`${url}/api/live`)
  closing.push(viewer.close)
  await viewer.next('hello')
  const broken = { ...readings(startMs, 1), device: 'broken', channels: { spo2: null } } as unknown as TimelineRecord
  web.onTimeline([broken, readings(startMs, 97)])
  let values = await viewer.next<ValuesEvent>('values')
  while (values.device !== 'oximeter-1') values = await viewer.next<ValuesEvent>('values')
  expect(values.channels.spo2!.v).toEqual([97])
  expect(metrics.values().millrace_web_unshown_total).toBeGreaterThan(0)
})
