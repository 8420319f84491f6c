/** Files that import each other in a circle: the strongly connected parts of the graph of imports (Tarjan, 1972). */
import { posix } from 'node:path'
import type { Source } from './sources.ts'

interface Place {
  index: number
  low: number
  isOpen: boolean
}

/** Each circle as its files, sorted. Imports of types count: a reader follows them as well. */
export function circlesOf(sources: Source[]): string[][] {
  const targets = new Map(sources.map((source) => [source.path, importsOf(source)]))
  const places = new Map<string, Place>()
  const open: string[] = []
  const circles: string[][] = []
  for (const path of targets.keys()) if (!places.has(path)) visit(path)
  return circles.sort((a, b) => (a[0]! < b[0]! ? -1 : 1))

  function visit(path: string): Place {
    const place = { index: places.size, low: places.size, isOpen: true }
    places.set(path, place)
    open.push(path)
    for (const target of targets.get(path)!) {
      if (!targets.has(target)) continue
      const known = places.get(target)
      if (!known) place.low = Math.min(place.low, visit(target).low)
      else if (known.isOpen) place.low = Math.min(place.low, known.index)
    }
    if (place.low === place.index) close(path)
    return place
  }

  function close(root: string): void {
    const circle = open.splice(open.indexOf(root))
    for (const path of circle) places.get(path)!.isOpen = false
    if (circle.length > 1) circles.push(circle.sort())
  }
}

function importsOf({ path, imports }: Source): string[] {
  return imports.filter((name) => name.startsWith('.')).map((name) => posix.join(posix.dirname(path), name))
}
