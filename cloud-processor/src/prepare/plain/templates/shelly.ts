/**
 * Shelly, both families. `base` is what is before the device's own topics: `shellies` in the first generation, nothing later on.
 *
 *   shellies/<device>/relay/0, relay/0/power, sensor/temperature, ...   bare values (generation 1)
 *   shellies/<device>/light/0/status                                    JSON (generation 1)
 *   <device>/status/switch:0                                            JSON; "Generic status update over MQTT" is on (2 and later)
 *   <device>/events/rpc                                                 the same as notifications: ignored
 *   <device>/online                                                     true, false
 *
 * Source: shelly-api-docs.shelly.cloud.
 */
import { baseIn, ignored, isObject, onlineOffline, onOff, type Template, type TemplateRoute } from './template.ts'

/** `by_minute` are sums of past minutes. */
const omit = ['id', 'source', 'aenergy.by_minute', 'aenergy.minute_ts', 'ret_aenergy.by_minute', 'ret_aenergy.minute_ts']

const first: TemplateRoute[] = [
  ignored('shellies/announce|command'),
  ignored('shellies/+/announce|info|command|settings'),
  ignored('shellies/+/#/command|set|settings'),
  { topic: 'shellies/+/online', isOneValue: true, device: '{1}', channel: 'online', words: onlineOffline },
  { topic: 'shellies/+/light|color|white/+/status', device: '{1}', channel: '{2}.{3}' },
  { topic: 'shellies/+/input_event/+', device: '{1}', channel: '{2}.{3}' },
  { topic: 'shellies/+/+', isOneValue: true, device: '{1}', channel: '{2}', words: onOff },
  { topic: 'shellies/+/+/+', isOneValue: true, device: '{1}', channel: '{2}.{3}', words: onOff },
  { topic: 'shellies/+/+/+/+', isOneValue: true, device: '{1}', channel: '{2}.{3}.{4}', words: onOff },
]

export const shelly: Template = {
  name: 'shelly',
  description: 'Shelly of every generation: relays, meters, sensors, and whether a device is online',
  base: '',
  routes: () => [
    ...first,
    { topic: '#/online', isOneValue: true, device: '{rest}', channel: 'online', words: onlineOffline },
    { topic: '#/status/+', device: '{rest}', channel: '{last}', omit },
    ignored('#/rpc'),
    ignored('#/events/rpc'),
    ignored('#/debug/log'),
    ignored('#/command'),
    ignored('#/command/+'),
  ],
  baseOf(topic, value) {
    const isStatus = isObject(value) && typeof value.id === 'number'
    return (
      baseIn(/^(?<base>(?:.+\/)?)shellies\/.+\/.+/, topic) ??
      baseIn(/^(?<base>(?:.+\/)?)shelly[a-z0-9]+-[0-9a-f]{6,12}\/(?:online|status\/.+|events\/rpc)$/i, topic) ??
      (isStatus ? baseIn(/^(?<base>(?:.+\/)?)[^/]+\/status\/[a-z][a-z0-9]*:\d+$/, topic) : undefined)
    )
  },
}
