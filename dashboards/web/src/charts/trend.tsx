/** One scalar channel over time, with its name and what is under the cursor. */
import type { Channel } from '@millrace/contract'
import { useEffect, useRef, useState } from 'preact/hooks'
import { hueOf } from '../channels.ts'
import { channelText, unitText } from '../format.ts'
import type { Device } from '../live/model.ts'
import { LiveTrend } from './live-trend.ts'

interface TrendProps {
  device: Device
  channel: Channel
  rangeMs: number
}

export function Trend({ device, channel, rangeMs }: TrendProps) {
  const box = useRef<HTMLDivElement>(null)
  const readout = useRef<HTMLSpanElement>(null)
  const [failed, fail] = useState('')
  useEffect(() => {
    const words = readout.current!
    const read = (text: string) => {
      words.textContent = text
    }
    const trend = new LiveTrend({ box: box.current!, device, channel, rangeMs, read, fail })
    return () => trend.close()
  }, [device, channel.name, rangeMs])
  const unit = unitText(channel.unit)
  return (
    <figure class={`trend hue-${hueOf(channel)}`}>
      <figcaption>
        <b>{channelText(channel.name)}</b> {unit && <span class="soft">{unit}</span>}
        <span class="trend-readout" ref={readout} />
        {failed && <span class="wants"> {failed}</span>}
      </figcaption>
      <div ref={box} class="trend-box" />
    </figure>
  )
}
