/** The drawn part of a card or a device: a sweeping waveform, or the small line of a scalar channel. */
import { useEffect, useRef } from 'preact/hooks'
import type { Hue } from '../channels.ts'
import { fetchSeries, fetchWaves } from '../live/api.ts'
import { type Device, trailOf } from '../live/model.ts'
import { nowSecond, serverNow } from '../live/time.ts'
import { trailMs } from '../live/trail.ts'
import { colours } from '../theme.ts'
import { animate } from './frames.ts'
import { drawSpark } from './spark.ts'
import { openSurface } from './surface.ts'
import { Sweep } from './sweep.ts'

interface TraceProps {
  device: Device
  channel: string
  hue: Hue
  windowMs?: number
}

export function WaveTrace({ device, channel, hue, windowMs = 6000 }: TraceProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const sweep = new Sweep(canvas.current!, () => device.rings.get(channel), windowMs)
    const stop = animate(canvas.current!, sweep)
    fillRing(device, channel).catch(() => filled.delete(`${device.name} ${channel}`))
    return () => {
      stop()
      sweep.close()
    }
  }, [device, channel, windowMs])
  return <canvas ref={canvas} class={`trace hue-${hue}`} role="img" aria-label={`Live waveform ${channel}`} />
}

const fillAfterMs = 1200
const filled = new Set<string>()

/** The seconds before the page was opened, once. */
async function fillRing(device: Device, channel: string): Promise<void> {
  const key = `${device.name} ${channel}`
  if (filled.has(key)) return
  filled.add(key)
  // By then the store holds what came before the first live sample, with no hole between.
  for (let tries = 0; tries < 20; tries++) {
    await new Promise((resolve) => setTimeout(resolve, fillAfterMs))
    const ring = device.rings.get(channel)
    if (!ring) continue
    const to = Math.round(serverNow())
    const { segments, scale, offset } = await fetchWaves(device.name, channel, to - 12_000, to)
    return ring.prepend(segments, scale, offset)
  }
  filled.delete(key)
}

export function SparkTrace({ device, channel, hue }: TraceProps) {
  const canvas = useRef<HTMLCanvasElement>(null)
  useEffect(() => {
    const surface = openSurface(canvas.current!)
    const trail = trailOf(device, channel)
    if (!trail.filled) {
      trail.filled = true
      fillTrail(device.name, channel).catch(() => {
        trail.filled = false
      })
    }
    async function fillTrail(name: string, of: string) {
      const to = Math.round(serverNow())
      const series = await fetchSeries(name, { channel: of, from: to - trailMs, to, points: 150 })
      const v = series.kind === 'points' ? series.v : series.mean
      if (v.every((value) => typeof value === 'number')) trail.prepend(series.t, v)
    }
    let drawn = -1
    const paint = () => {
      const key = trail.revision.value + surface.revision + colours.value + Math.floor(nowSecond.value / 5000)
      if (key === drawn) return
      drawn = key
      drawSpark(surface, trail, serverNow())
    }
    const stop = animate(canvas.current!, { paint })
    return () => {
      stop()
      surface.close()
    }
  }, [device, channel])
  return <canvas ref={canvas} class={`trace hue-${hue}`} role="img" aria-label={`Last minutes of ${channel}`} />
}
