/**
 * Topic names and filters, MQTT 3.1.1 section 4.7. Both are taken as well formed: that is checked where they come in.
 * A filter that starts with a wildcard says nothing about topics that start with `$` [MQTT-4.7.2-1].
 */
export type Levels = readonly string[]

export const levelsOf = (text: string): Levels => text.split('/')

/** Does the filter match the topic? */
export function matches(filter: Levels, topic: Levels): boolean {
  if (hidden(filter, topic)) return false
  for (let i = 0; i < filter.length; i++) {
    if (filter[i] === '#') return true
    if (i >= topic.length || (filter[i] !== '+' && filter[i] !== topic[i])) return false
  }
  return filter.length === topic.length || isParentOfAll(filter, topic)
}

/** Does the filter match everything that the other filter matches? */
export function covers(filter: Levels, other: Levels): boolean {
  if (hidden(filter, other)) return false
  for (let i = 0; i < filter.length; i++) {
    if (filter[i] === '#') return true
    if (i >= other.length || other[i] === '#') return false
    if (filter[i] !== '+' && filter[i] !== other[i]) return false
  }
  return filter.length === other.length
}

function hidden(filter: Levels, other: Levels): boolean {
  return (filter[0] === '#' || filter[0] === '+') && other[0]!.startsWith('$')
}

/** `sport/#` also matches `sport` (section 4.7.1.2): the loop above ends there by `#` at index `topic.length`. */
function isParentOfAll(filter: Levels, topic: Levels): boolean {
  return filter.length === topic.length + 1 && filter[topic.length] === '#'
}
