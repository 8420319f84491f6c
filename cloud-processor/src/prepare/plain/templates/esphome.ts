/**
 * ESPHome, by its own topics below the prefix of a device, which is its name unless set:
 *
 *   <device>/<component>/<object>/state   a bare value; of a light JSON
 *   <device>/<component>/<object>/<what>/state   of covers, fans and climates
 *   <device>/status                       online, offline
 *
 * `nan` says that there is no value. Source: esphome.io, "MQTT Client Component".
 */
import { baseIn, ignored, onlineOffline, onOff, type Template } from './template.ts'

const words = { ...onOff, nan: null, NaN: null, unknown: null }
const several = 'fan|cover|climate|valve|water_heater'
const single = `sensor|binary_sensor|text_sensor|switch|number|select|text|lock|button|event|date|time|datetime|alarm_control_panel|${several}`

/** The level before the component is the device. */
const stateTopic = new RegExp(`^(?<base>(?:.+/)?)[^/]+/(?:(?:${single}|light)/[^/]+|(?:${several})/[^/]+/[^/]+)/state$`)

export const esphome: Template = {
  name: 'esphome',
  description: 'ESPHome: every component that has a state, and whether a device is online',
  base: '',
  routes: () => [
    { topic: `#/${several}/+/+/state`, isOneValue: true, device: '{rest}', channel: '{-3}.{-2}', words },
    { topic: `#/${single}/+/state`, isOneValue: true, device: '{rest}', channel: '{-2}', words },
    { topic: '#/light/+/state', device: '{rest}', channel: '{-2}', words },
    { topic: '#/status', isOneValue: true, device: '{rest}', channel: 'online', words: onlineOffline },
    ignored('#/debug'),
    ignored('#/+/+/command'),
    ignored('#/+/+/+/command'),
  ],
  baseOf: (topic) => baseIn(stateTopic, topic),
}
