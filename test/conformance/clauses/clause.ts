/** One clause of MQTT 3.1.1 or Sparkplug 3.0, and a case that shows whether it is kept. The cases are ours; the ids are the norms'. */
export interface Clause {
  id: string
  says: string
  /** @throws Error saying what came instead. */
  holds(): Promise<void>
}

/** One that what was heard before decides: `check` gives true, or what is wrong. */
export const clause = (id: string, says: string, check: () => unknown): Clause => ({
  id,
  says,
  async holds() {
    const found = check()
    expectThat(found === true, found)
  },
})

export const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

export function expectThat(isSo: boolean, instead: unknown): void {
  if (!isSo) throw new Error(`instead: ${typeof instead === 'string' ? instead : JSON.stringify(instead)}`)
}

export async function eventually(isSo: () => boolean, what: () => unknown, withinMs = 5000): Promise<void> {
  for (const endMs = performance.now() + withinMs; !isSo(); await pause(5))
    if (performance.now() > endMs) expectThat(false, what())
}
