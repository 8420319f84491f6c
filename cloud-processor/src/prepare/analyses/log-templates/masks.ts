/**
 * What varies from line to line by its form, in the order in which it is looked for: a time is not to be found as numbers, nor an address
 * as a path. No pattern can be read in two ways, and a line has a bound, so that no text makes them slow.
 */
const masks: [RegExp, string][] = [
  [/\b\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?/g, '<TIME>'],
  [/\b(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec) {1,2}\d{1,2} \d\d:\d\d:\d\d\b/g, '<TIME>'],
  [/\b\d{1,2}:\d\d:\d\d(?:[.,]\d{1,9})?\b/g, '<TIME>'],
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<UUID>'],
  [/\b[0-9a-f]{2}(?:[:-][0-9a-f]{2}){5}\b/gi, '<MAC>'],
  [/\b\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?:\/\d{1,2})?(?::\d{1,5})?(?![\d.])/g, '<IP>'],
  [/(?<![\w<])\/[\w.@+-]+(?:\/[\w.@+:-]*)*/g, '<PATH>'],
  [/\b0x[0-9a-f]+\b/gi, '<HEX>'],
  [/\b(?=[a-f]*\d)(?=\d*[a-f])[0-9a-f]{8,}\b/gi, '<HEX>'],
  [/(?<![\w.<])[+-]?\d+(?:\.\d+)?(?=[a-zA-Z%°µ]{0,3}(?![\w]))/g, '<NUM>'],
]

export function masked(line: string): string {
  let text = line
  for (const [pattern, mask] of masks) text = text.replace(pattern, mask)
  return text
}
