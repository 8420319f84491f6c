/** Follows a topic of the log until interrupted. */
import type { Api } from './api.ts'

export async function tail(api: Api, topic: string, from: number | undefined, isJson: boolean): Promise<number> {
  let next = from ?? (await api.log(topic, 0, undefined)).end
  for (;;) {
    const { records } = await api.log(topic, 0, next)
    for (const line of records) {
      process.stdout.write(
        isJson
          ? `${JSON.stringify(line)}\n`
          : `${new Date(line.timeMs).toISOString()} ${line.offset} ${line.key} ${brief(line.record)}\n`,
      )
      next = line.offset + 1
    }
    if (records.length === 0) await new Promise((resolve) => setTimeout(resolve, 250))
  }
}

function brief(record: Record<string, unknown>): string {
  const text = JSON.stringify(record)
  return text.length > 200 ? `${text.slice(0, 200)}…` : text
}
