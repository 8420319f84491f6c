import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Registry, type RegistryControl, registryVersion, subjectAt, subjectsBetween, takeChanges } from './registry.ts'

const change = fc.record(
  {
    device: fc.constantFrom('bed-1', 'bed-2'),
    property: fc.constantFrom('subject' as const, 'place' as const),
    value: fc.constantFrom('anna', 'ben', 'carl'),
    fromMs: fc.nat(40),
    length: fc.integer({ min: 1, max: 15 }),
  },
  { requiredKeys: ['device', 'property', 'fromMs'] },
)
/** Several changes have the same version, as of people who changed something at the same moment. */
const orders = fc.array(fc.tuple(fc.array(change, { minLength: 1, maxLength: 3 }), fc.nat(3)), { maxLength: 12 }).map((all) =>
  all.map(([changes, more], k): RegistryControl => {
    const seen = new Set<string>()
    return {
      ...{ type: 'registry', by: 'Ada', id: `id-${k}`, version: Math.floor(k / 2) + more, atMs: 0 },
      changes: changes
        .filter(({ device, property }) => !seen.has(`${device}/${property}`) && seen.add(`${device}/${property}`))
        .map(({ length, ...one }) => ({ ...one, ...(length === undefined ? {} : { toMs: one.fromMs + length }) })),
    }
  }),
)

function registryOf(orders: RegistryControl[]): Registry {
  const registry: Registry = new Map()
  for (const order of orders) takeChanges(registry, order)
  return registry
}

/** The one that wins of all that say something of this moment. */
function modelled(orders: RegistryControl[], device: string, t: number): string {
  let winner: { version: number; id: string; value: string | undefined } | undefined
  for (const { version, id, changes } of orders)
    for (const one of changes) {
      if (one.device !== device || one.property !== 'subject' || t < one.fromMs || t >= (one.toMs ?? Infinity)) continue
      if (winner && (version < winner.version || (version === winner.version && id < winner.id))) continue
      winner = { version, id, value: one.value }
    }
  return winner?.value ?? device
}

describe('the device registry', () => {
  it('gives each moment the subject of the newest change about it, in whatever order changes come, and however often', () => {
    fc.assert(
      fc.property(orders, fc.array(fc.nat(100), { maxLength: 20 }), fc.infiniteStream(fc.nat(11)), (orders, repeats, places) => {
        const given = registryOf(orders)
        const shuffled = [...orders, ...repeats.flatMap((k) => orders[k] ?? [])]
        for (let k = shuffled.length - 1; k > 0; k--) {
          const other = places.next().value! % (k + 1)
          ;[shuffled[k], shuffled[other]] = [shuffled[other]!, shuffled[k]!]
        }
        const other = registryOf(shuffled)
        for (const device of ['bed-1', 'bed-2']) {
          expect(other.get(device)?.subject ?? []).toEqual(given.get(device)?.subject ?? [])
          for (let t = -1; t < 60; t++) expect(subjectAt(other, device, t)).toBe(modelled(orders, device, t))
        }
      }),
      { numRuns: 500 },
    )
  })

  it('tells stretches that say of each moment what it says of that moment', () => {
    fc.assert(
      fc.property(orders, fc.nat(50), fc.integer({ min: 1, max: 30 }), (orders, fromMs, length) => {
        const registry = registryOf(orders)
        const stretches = subjectsBetween(registry, 'bed-1', fromMs, fromMs + length)
        expect(stretches[0]!.fromMs).toBe(fromMs)
        expect(stretches.at(-1)!.toMs).toBe(fromMs + length)
        stretches.forEach((stretch, k) => {
          if (k > 0) expect(stretch.fromMs).toBe(stretches[k - 1]!.toMs)
          if (k > 0) expect(stretch.subject).not.toBe(stretches[k - 1]!.subject)
          for (let t = stretch.fromMs; t < stretch.toMs; t++) expect(subjectAt(registry, 'bed-1', t)).toBe(stretch.subject)
        })
      }),
    )
  })

  it('knows the highest version', () => {
    expect(registryVersion(new Map())).toBe(0)
    const order: RegistryControl = { type: 'registry', by: 'Ada', id: 'a', version: 7, atMs: 0, changes: [] }
    expect(registryVersion(registryOf([{ ...order, changes: [{ device: 'd', property: 'name', value: 'x', fromMs: 0 }] }]))).toBe(
      7,
    )
  })
})
