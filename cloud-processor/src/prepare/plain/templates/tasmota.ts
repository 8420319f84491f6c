/**
 * Tasmota, with the full topic `%prefix%/%topic%/`:
 *
 *   tele/<device>/SENSOR, STATE   JSON, every some minutes; `Time` is local and has no offset
 *   tele/<device>/LWT             Online, Offline
 *   stat/<device>/RESULT          JSON, at a change; `stat/<device>/POWER` says the same again
 *
 * `Time` counts where the entry says its `zone`; else the time of arrival does. Source: tasmota.github.io/docs, "MQTT".
 */
import { baseIn, ignored, isObject, onlineOffline, onOff, type Template, type TemplateRoute } from './template.ts'

export const tasmota: Template = {
  name: 'tasmota',
  description: 'Tasmota: sensors, states and whether a device is online',
  base: '',
  routes({ zone }) {
    const json = (topic: string, time: object): TemplateRoute => {
      return { topic, device: '{rest}', words: onOff, omit: ['Time', 'TempUnit', 'PressureUnit', 'SpeedUnit'], ...time }
    }
    const timed = zone === undefined ? {} : { time: 'Time', zone }
    return [
      json('tele/#/SENSOR|STATE', timed),
      { topic: 'tele/#/LWT', isOneValue: true, device: '{rest}', channel: 'online', words: onlineOffline },
      json('stat/#/RESULT', {}),
      ignored('tele/#'),
      ignored('stat/#'),
      ignored('cmnd/#'),
    ]
  },
  baseOf: (topic, value) =>
    isObject(value)
      ? baseIn(/^(?<base>(?:.+\/)?)(?:tele|stat)\/.+\/(?:SENSOR|STATE|RESULT|STATUS\d*|INFO\d)$/, topic)
      : baseIn(/^(?<base>(?:.+\/)?)(?:tele\/.+\/LWT|stat\/.+\/POWER\d*)$/, topic),
}
