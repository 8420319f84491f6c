/** The templates. Adding one is one line here; see template.ts. */
import { chirpstack } from './chirpstack.ts'
import { esphome } from './esphome.ts'
import { shelly } from './shelly.ts'
import { tasmota } from './tasmota.ts'
import type { Template } from './template.ts'
import { zigbee2mqtt } from './zigbee2mqtt.ts'

export const templates: Template[] = [chirpstack, esphome, shelly, tasmota, zigbee2mqtt]

const byName = new Map(templates.map((template) => [template.name, template]))

/** The schema of the configuration lets pass no name that is not in the list. */
export function templateOf(name: string): Template {
  return byName.get(name)!
}
