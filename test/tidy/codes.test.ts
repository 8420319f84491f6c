/** The catalogues of codes hold what the code says, and nothing that it does not. */
import { expect, test } from 'vitest'
import { absences } from '../../contract/src/codes/absences.ts'
import { events } from '../../contract/src/codes/events.ts'
import { rejections } from '../../contract/src/codes/rejections.ts'
import { sourcesBelow } from './sources.ts'

const text = ['alarms', 'cloud-processor', 'contract', 'edge-agent']
  .flatMap(sourcesBelow)
  .filter(({ path }) => !/\.test\.ts$|testing|conformance|sample-|^contract\/src\/codes\//.test(path))
  .map((source) => source.text)
  .join('\n')

/** For decoders to come: it is in the published schema. */
const published = new Set(['link-down'])

for (const [name, catalogue] of Object.entries({ absences, events, rejections })) {
  test(`${name}: each with what it says and a remedy, and each in use`, () => {
    const codes = Object.keys(catalogue)
    if (name !== 'absences') expect(codes).toEqual(codes.toSorted())
    for (const [code, { says, remedy }] of Object.entries(catalogue))
      expect([code, says, remedy].join(), code).toMatch(/^.+,.{5,},.+\.$/)
    expect(
      codes.filter((code) => !published.has(code) && !text.includes(`'${code}'`)),
      'Remove it, or use it.',
    ).toEqual([])
  })
}

test('what looks like a code of a rejection is in a catalogue', () => {
  const used = new Set([...text.matchAll(/\breason: '([A-Z]+_[A-Z_]+)'/g)].map((match) => match[1]!))
  expect(used.size).toBeGreaterThan(5)
  expect(
    [...used].filter((code) => !(code in { ...rejections, ...events })),
    'Add it to contract/src/codes/rejections.ts.',
  ).toEqual([])
})
