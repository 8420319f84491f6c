/** Lines of two texts that differ, by their longest common subsequence: `-` only in the first, `+` only in the other, with what is around. */
const around = 2

export function difference(one: string, other: string): string[] {
  const [a, b] = [one, other].map((text) => text.replace(/\n$/, '').split('\n')) as [string[], string[]]
  const lines = align(a, b)
  const isNear = lines.map((_, at) => lines.slice(Math.max(0, at - around), at + around + 1).some((line) => line[0] !== ' '))
  return lines.filter((_, at) => isNear[at])
}

function align(a: string[], b: string[]): string[] {
  const common = lengths(a, b)
  const lines: string[] = []
  let [i, j] = [0, 0]
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(`  ${a[i++]}`)
      j++
    } else if (j >= b.length || (i < a.length && common[i + 1]![j]! >= common[i]![j + 1]!)) lines.push(`- ${a[i++]}`)
    else lines.push(`+ ${b[j++]}`)
  }
  return lines
}

/** Of the longest common subsequence of what follows `i` and `j`. */
function lengths(a: string[], b: string[]): Uint16Array[] {
  const table = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1))
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      table[i]![j] = a[i] === b[j] ? table[i + 1]![j + 1]! + 1 : Math.max(table[i + 1]![j]!, table[i]![j + 1]!)
  return table
}
