/**
 * The path of something pushed about: a walk whose heading and speed wander by chance, turned back towards its start when
 * it strays too far. Positions on a flat earth around the start, good to centimetres within a kilometre.
 */
import type { Random } from './random.ts'

export interface TrackOptions {
  latitude: number
  longitude: number
  altitudeM: number
  /** Usual speed, metres a second. */
  speedMs: number
  /** Turned back when further than this from the start. */
  radiusM: number
}

export interface Fix {
  latitude: number
  longitude: number
  altitudeM: number
  speedMs: number
  /** Degrees from true north, 0 ≤ x < 360. */
  courseDegrees: number
  satellites: number
  /** Horizontal dilution of precision. */
  hdop: number
}

export const hospitalCorridor: TrackOptions = { latitude: 52.3702, longitude: 4.8952, altitudeM: 12, speedMs: 0.9, radiusM: 150 }

/** Metres of one degree of latitude (mean of the WGS 84 ellipsoid). */
const metresPerDegree = 111_133

/** A function that returns the next fix, `intervalS` after the last. */
export function createTrack(random: Random, intervalS: number, options: TrackOptions): () => Fix {
  let [eastM, northM, altitudeM] = [0, 0, options.altitudeM]
  let heading = 2 * Math.PI * random.next()
  let speedMs = options.speedMs
  return () => {
    const homeward = Math.atan2(-eastM, -northM)
    if (Math.hypot(eastM, northM) > options.radiusM) heading = homeward
    heading += 0.15 * random.normal() * Math.sqrt(intervalS)
    speedMs = Math.max(0, speedMs + (0.2 * (options.speedMs - speedMs) + 0.1 * random.normal()) * intervalS)
    eastM += speedMs * Math.sin(heading) * intervalS
    northM += speedMs * Math.cos(heading) * intervalS
    altitudeM += (0.1 * (options.altitudeM - altitudeM) + 0.2 * random.normal()) * intervalS
    return {
      latitude: options.latitude + northM / metresPerDegree,
      longitude: options.longitude + eastM / (metresPerDegree * Math.cos((options.latitude * Math.PI) / 180)),
      altitudeM,
      speedMs,
      courseDegrees: ((((heading * 180) / Math.PI) % 360) + 360) % 360,
      satellites: 8 + random.below(4),
      hdop: 0.8 + 0.4 * random.next(),
    }
  }
}
