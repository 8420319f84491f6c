import { readFileSync } from 'node:fs'
import { kindNames, kinds } from '@millrace/cloud-processor/sinks/opensearch-schema'
import { describe, expect, test } from 'vitest'
import { type Flavour, type SavedObject, savedObjects, toNdjson } from './saved-objects.ts'

const flavours: Flavour[] = ['kibana', 'opensearch-dashboards']

describe.each(flavours)('the saved objects for %s', (flavour) => {
  const file = new URL(`../../kibana/${flavour}.ndjson`, import.meta.url)
  const objects = readFileSync(file, 'utf8')
    .trimEnd()
    .split('\n')
    .map((line): SavedObject => JSON.parse(line))

  test('are those that the source makes', () => {
    expect(readFileSync(file, 'utf8') === toNdjson(savedObjects(flavour, 'millrace-')), 'Run: npm run docs').toBe(true)
  })

  test('have ids of their own, and refer only to each other', () => {
    const names = objects.map(({ type, id }) => `${type} ${id}`)
    expect(new Set(names).size).toBe(names.length)
    for (const { id, references } of objects)
      for (const reference of references)
        expect([id, names]).toEqual([id, expect.arrayContaining([`${reference.type} ${reference.id}`])])
  })

  test('hold a data view for every kind, and a dashboard whose panels do not overlap', () => {
    const views = objects.filter(({ type }) => type === 'index-pattern')
    expect(views.map(({ attributes }) => attributes.title)).toEqual(kindNames.map((kind) => `millrace-${kind}-*`))
    const { attributes, references } = objects.find(({ type }) => type === 'dashboard')!
    const panels = JSON.parse(attributes.panelsJSON as string) as {
      gridData: { x: number; y: number; w: number; h: number }
      panelRefName: string
    }[]
    expect(panels.map(({ panelRefName }) => panelRefName)).toEqual(references.map(({ name }) => name))
    const taken = new Set<string>()
    for (const {
      gridData: { x, y, w, h },
    } of panels)
      for (let column = x; column < x + w; column++)
        for (let row = y; row < y + h; row++) {
          expect(column).toBeLessThan(48)
          expect(taken.has(`${column} ${row}`)).toBe(false)
          taken.add(`${column} ${row}`)
        }
  })

  test('name only fields that their kind has', () => {
    for (const { id, type, attributes, references } of objects) {
      if (type !== 'search' && type !== 'visualization') continue
      const fields = kinds[references[0]!.id.replace('millrace-', '') as (typeof kindNames)[number]].fields
      const aggregated = JSON.parse((attributes.visState as string) ?? '{"aggs":[]}').aggs.flatMap(
        (one: { params: { field?: string } }) => one.params.field ?? [],
      )
      const { query } = JSON.parse((attributes.kibanaSavedObjectMeta as { searchSourceJSON: string }).searchSourceJSON)
      const asked = [...query.query.matchAll(/([\w.@-]+):/g)].map((match) => match[1])
      const named = [...((attributes.columns as string[]) ?? []), ...aggregated, ...asked]
      expect([id, named.filter((field) => !(field in fields))]).toEqual([id, []])
    }
  })
})

test('Kibana and OpenSearch Dashboards get the same, but for the list of fields', () => {
  const [kibana, other] = flavours.map((flavour) => savedObjects(flavour, 'millrace-'))
  const bare = other!.map((object) => ({ ...object, attributes: { ...object.attributes, fields: undefined } }))
  expect(bare).toEqual(kibana!.map((object) => ({ ...object, attributes: { ...object.attributes, fields: undefined } })))
  for (const { attributes } of other!.filter(({ type }) => type === 'index-pattern'))
    expect(JSON.parse(attributes.fields as string).length).toBeGreaterThan(5)
})
