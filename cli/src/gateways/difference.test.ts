import fc from 'fast-check'
import { expect, test } from 'vitest'
import { difference } from './difference.ts'

test('shows what differs, with what is around it', () => {
  const text = ['a', 'b', 'c', 'd', 'e', 'f', 'g'].join('\n')
  expect(difference(text, text)).toEqual([])
  expect(difference(text, text.replace('d', 'D'))).toEqual(['  b', '  c', '- d', '+ D', '  e', '  f'])
  expect(difference(text, `${text}\nh\n`)).toEqual(['  f', '  g', '+ h'])
})

test('what is only in one and what is in both make that one again', () => {
  const lines = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 12 })
  fc.assert(
    fc.property(lines, lines, (one, other) => {
      const all = difference(one.join('\n'), other.join('\n'))
      const count = (mark: string) => all.filter((line) => line[0] === mark).length
      expect(one.length - count('-')).toBe(other.length - count('+'))
    }),
  )
})
