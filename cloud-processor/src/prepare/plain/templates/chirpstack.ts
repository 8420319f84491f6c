/**
 * ChirpStack 4, JSON: `application/<id>/device/<DevEUI>/event/<event>`. Of an uplink (`up`) what the codec of the device profile made of
 * it, in `object`, and how it was received; of `status` battery and margin. The device is its DevEUI.
 *
 * Source: chirpstack.io/docs, "Integrations: Event types".
 */
import { baseIn, ignored, isObject, type Template } from './template.ts'

const event = (name: string) => `+/device/+/event/${name}`

export const chirpstack: Template = {
  name: 'chirpstack',
  description: 'ChirpStack 4: decoded uplinks of LoRaWAN devices, with signal and counter, and their battery',
  base: 'application',
  routes: () => [
    {
      topic: event('up'),
      device: '{-3}',
      time: 'time',
      root: 'object',
      channels: [
        { name: 'fCnt', path: 'fCnt', unit: '1', kind: 'number' },
        { name: 'fPort', path: 'fPort', unit: '1', kind: 'number' },
        { name: 'dr', path: 'dr', unit: '1', kind: 'number' },
        { name: 'rssi', path: 'rxInfo.0.rssi', unit: 'dB[mW]', kind: 'number' },
        { name: 'snr', path: 'rxInfo.0.snr', unit: 'dB', kind: 'number' },
      ],
    },
    {
      topic: event('status'),
      device: '{-3}',
      time: 'time',
      channels: [
        { name: 'margin', path: 'margin', unit: 'dB', kind: 'number' },
        { name: 'batteryLevel', path: 'batteryLevel', unit: '%', kind: 'number' },
        { name: 'externalPowerSource', path: 'externalPowerSource', unit: '1', kind: 'boolean' },
      ],
    },
    ignored(event('join|ack|txack|log|location|integration')),
    ignored('+/device/+/command/+'),
  ],
  baseOf: (topic, value) =>
    isObject(value) && isObject(value.deviceInfo)
      ? baseIn(/^(?<base>(?:.+\/)?application)\/[^/]+\/device\/[0-9a-f]{16}\/event\/[a-z]+$/i, topic)
      : undefined,
}
