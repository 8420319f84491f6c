/** The rule of marks: a record is new when its (offset, index) is above the highest seen of its source, else a repeat. */
export function isAbove(offset: number, index: number, markOffset: number, markIndex: number): boolean {
  return offset > markOffset || (offset === markOffset && index > markIndex)
}
