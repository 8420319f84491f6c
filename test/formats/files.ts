/** The smaller files: the broker's sessions and users, the simulators' manifest. */
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Version } from './version.ts'

/** Made with `millrace-broker add-user`; the password is `swordfish`. */
const users = `# who may connect
bed1:scrypt:16:1:1:c2FsdHNhbHRzYWx0:a2V5a2V5a2V5a2V5a2V5a2V5:node:ward/bed1
processor:scrypt:16384:8:1:c2FsdHNhbHRzYWx0:a2V5a2V5a2V5a2V5a2V5a2V5:host:millrace,plain/#
`

export function writeFiles({ sessions, manifests }: Version, dir: string): void {
  writeFileSync(join(dir, 'users'), users)
  const file = sessions.openFile(join(dir, 'sessions'))
  const buffer = Buffer.from('firstsecond')
  file.apply({
    buffer,
    changes: [
      { k: 'session', session: 1, client: 'millrace-1', user: 'processor' },
      { k: 'session', session: 2, client: 'other', user: 'processor' },
      { k: 'subscribe', session: 1, filter: 'spBv1.0/+/+/+/+', qos: 1 },
      { k: 'subscribe', session: 1, filter: 'plain/#', qos: 1 },
      { k: 'owe', id: 7, session: 1, topic: 'plain/a', qos: 1, from: 0, to: 5 },
      { k: 'owe', id: 9, session: 1, topic: 'plain/b', qos: 1, from: 5, to: 11 },
    ],
  })
  file.apply({
    buffer: Buffer.alloc(0),
    changes: [
      { k: 'free', id: 7 },
      { k: 'forget', session: 2 },
    ],
  })
  file.close()
  const channels = [
    { name: 'spo2', kind: 'number', datatype: 'Int16', unit: '%' },
    { name: 'pleth', kind: 'waveform', datatype: 'Int16Array', unit: '1', intervalMs: 10 },
  ] as const
  const manifest = manifests.createManifest(join(dir, 'manifest'), {
    scenario: 'sample',
    seed: 3,
    startedMs: 1000,
    devices: [{ device: 'bed-1', kind: 'contec-cms50', config: { framing: 'new' }, channels: [...channels] }],
  })
  manifest.produced(
    'bed-1',
    { bytes: Buffer.alloc(4), frames: 1, bad: 0, readings: [['spo2', 97]], samples: [['pleth', 5]] },
    1010,
  )
  manifest.produced(
    'bed-1',
    { bytes: Buffer.alloc(4), frames: 1, bad: 1, readings: [['spo2', 98]], samples: [['pleth', 6]] },
    1020,
  )
  manifest.fault({ device: 'bed-1', kind: 'unplug', fromMs: 1030, toMs: 1040, frames: 2 })
  manifest.end()
}

export async function fileAnswers({ sessions, users, manifests }: Version, dir: string) {
  const file = sessions.openFile(join(dir, 'sessions'))
  const owed = file.page({ session: 1, after: 0, rows: 10, bytes: 1e6 })
  const { loaded } = file
  file.close()
  const manifest = await manifests.readManifest(join(dir, 'manifest'))
  const known = users.parseUsers(readFileSync(join(dir, 'users'), 'utf8'), 'users')
  return JSON.parse(
    JSON.stringify({
      // A later version loads retained messages and wills too.
      loaded: 'sessions' in loaded ? loaded.sessions : loaded,
      owed: owed.map(({ payload, ...rest }) => ({ ...rest, payload: Buffer.from(payload).toString() })),
      users: [...known.values()].map(({ name, role, args, hash }) => ({ name, role, args, cost: [hash.N, hash.r, hash.p] })),
      manifest: {
        ...manifest,
        scalars: [...manifest.scalars].map(([device, columns]) => [device, [...columns]]),
        waves: [...manifest.waves].map(([device, waves]) => [device, [...waves]]),
      },
    }),
  )
}
