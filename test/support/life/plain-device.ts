/** A device that publishes JSON: good, said twice, broken, of no filter, and some that a person sends again. */
import type { Diary } from './diary.ts'

export function createPlainDevice(diary: Diary): () => void {
  const { random } = diary
  const topic = 'plain/p1'
  const say = (text: string) => diary.message(topic, topic, Buffer.from(text))
  return () => {
    const t = diary.nowMs - 300
    const value = 60 + random.below(400) / 10
    const text = JSON.stringify({ at: t, hr: value })
    diary.measured({ device: 'p1', channel: 'hr', t, value })
    say(text)
    if (random.next() < 0.2) say(text)
    if (random.next() < 0.1) say('{"hr":')
    if (random.next() < 0.1) say(`{"at":${t},"hr":1e999}`)
    if (random.next() < 0.05) diary.message('elsewhere', 'elsewhere', Buffer.from('{}'))
    if (random.next() < 0.05)
      diary.order({
        by: 'ann',
        type: 'replay-rejected',
        topic,
        payloadBase64: Buffer.from(text).toString('base64'),
        receivedMs: t,
      })
  }
}
