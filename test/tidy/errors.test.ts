import { catalogue } from '@millrace/platform'
import { expect, test } from 'vitest'
import { sourcesBelow } from './sources.ts'

const packages = ['alarms', 'broker', 'cli', 'cloud-processor', 'contract', 'dashboards', 'edge-agent', 'platform', 'simulators']
const codes = Object.keys(catalogue)

test('the error catalogue is sorted', () => {
  expect(codes).toEqual(codes.toSorted())
})

test('every code of the catalogue is raised somewhere', () => {
  const text = packages
    .flatMap(sourcesBelow)
    .filter(({ path }) => path !== 'platform/src/errors.ts' && !path.endsWith('.test.ts'))
    .map((source) => source.text)
    .join('\n')
  expect(
    codes.filter((code) => !text.includes(`'${code}'`)),
    'Remove it, or raise it.',
  ).toEqual([])
})
