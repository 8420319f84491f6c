import type { BirthRecord } from '@millrace/contract'
import { systemClock } from '@millrace/platform'
import { expect, test } from 'vitest'
import type { Log } from '../log/log.ts'
import { createFleetView } from './fleet-view.ts'
import { createStatus } from './status.ts'

const record = (k: 'birth' | 'death', device: string, reason: string): BirthRecord => ({
  ...{ f: 1, subject: device, device, node: 'g/n', atMs: 0 },
  ...{ k, reason },
})

test('the death of a device shows that device as offline, and says nothing of its node', () => {
  const status = createStatus({ log: {} as Log, clock: systemClock, logBytes: () => 0 })
  const fleet = createFleetView({ devicesMax: 10, staleAfterMs: 5000 }, () => 0)
  const see = (...records: BirthRecord[]) => {
    status.see(records)
    for (const one of records) fleet.birth(one)
    return [status.view([]).nodes[0]!.online, ...fleet.all().map(({ state }) => state)]
  }
  expect(see(record('birth', 'a', 'device birth'), record('birth', 'b', 'device birth'))).toEqual([true, 'online', 'online'])
  expect(see(record('death', 'a', 'unplugged'))).toEqual([true, 'offline', 'online'])
  expect(see(record('birth', 'a', 'device birth'))).toEqual([true, 'online', 'online'])
  expect(see(record('death', 'a', 'node death'), record('death', 'b', 'node death'))).toEqual([false, 'offline', 'offline'])
})
