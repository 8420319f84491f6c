/**
 * Zigbee2MQTT. A friendly name may have slashes: it is the device as it is.
 *
 *   <base>/<name>                JSON
 *   <base>/<name>/availability   online, offline, or {"state":"online"}
 *   <base>/<name>/set, get       commands
 *   <base>/bridge/...            the bridge itself
 *
 * Source: zigbee2mqtt.io, "MQTT Topics and Messages".
 */
import { baseIn, ignored, isObject, onlineOffline, onOff, type Template } from './template.ts'

export const zigbee2mqtt: Template = {
  name: 'zigbee2mqtt',
  description: 'Zigbee2MQTT: every device by its friendly name, and whether it is available',
  base: 'zigbee2mqtt',
  routes: () => [
    ignored('bridge/#'),
    ignored('#/set|get'),
    ignored('#/set|get/+'),
    { topic: '#/availability', isOneValue: true, at: 'state', device: '{rest}', channel: 'available', words: onlineOffline },
    { topic: '#', device: '{rest}', words: onOff, omit: ['last_seen', 'elapsed', 'update', 'update_available', 'device'] },
  ],
  baseOf(topic, value) {
    const hasOwnName = /^(?<base>(?:.+\/)?zigbee2mqtt)\/.+/
    if (hasOwnName.test(topic)) return baseIn(hasOwnName, topic)
    return isObject(value) && typeof value.linkquality === 'number' ? baseIn(/^(?<base>[^/]+)\/.+/, topic) : undefined
  },
}
