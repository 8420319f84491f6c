import { expect, test } from 'vitest'
import { exampleMessage } from './notifiers/conformance.ts'
import { pageOf } from './page.ts'

const view = { node: 'ward/gateway-1', nowMs: 1_700_000_000_000, isConnected: true, active: [], newest: [] }

test('the page shows alarms and newest values, and names and texts as they are', () => {
  const { alarm } = exampleMessage({ text: '<script>alert(1)</script> "low" & more' })
  const newest = [{ device: 'bed-1', channel: "o'spo2", atMs: 1_700_000_000_000, value: 84, unit: '%' }]
  const page = pageOf({ ...view, isConnected: false, active: [alarm], newest })
  expect(page).toContain('&#60;script&#62;alert(1)&#60;/script&#62; &#34;low&#34; &#38; more')
  expect(page).toContain('o&#39;spo2')
  expect(page).toContain('84 %')
  expect(page).toContain('NOT connected')
  expect(page).not.toContain('<script')
})

test('the page says that nothing is active', () => {
  expect(pageOf(view)).toContain('None is active.')
})
