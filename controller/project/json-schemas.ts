/** JSON Schemas of the project's files, for editors: made of the schemas that check them, so that both say the same. */

import { z } from 'zod'
import { alertsFileSchema } from '../../protocol/alerts/rules.ts'
import { rolloutPolicySchema } from '../../protocol/release/rollout-policy.ts'
import { configSchema, deviceSchema, projectSchema, secretSchema, tagSchema, uplinksSchema } from './schemas.ts'

const schemas = {
  thymesh: { schema: projectSchema, title: 'thymesh.json: a fleet' },
  config: { schema: configSchema, title: 'configs/NAME.json: what devices can be' },
  tag: { schema: tagSchema, title: 'tags/NAME.json: modules and settings that configs share' },
  device: { schema: deviceSchema, title: 'devices/NAME.json: which device is what' },
  secret: { schema: secretSchema, title: 'secrets/NAME.json: what the secret in NAME.age is' },
  uplinks: { schema: uplinksSchema, title: "uplinks.json: how much may come over a site's uplink" },
  alerts: { schema: alertsFileSchema, title: 'alerts.json: who is told of what' },
  rollout: { schema: rolloutPolicySchema, title: 'rollout.json: in which waves releases reach devices' },
} as const
export type SchemaName = keyof typeof schemas
export const schemaNames = Object.keys(schemas) as SchemaName[]

/** One schema (draft 2020-12), as the file of its name in docs/schemas/ has it. */
export function jsonSchema(name: SchemaName): Record<string, unknown> {
  const { schema, title } = schemas[name]
  const { $schema, ...rest } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' })
  return { $schema, title, ...rest }
}

export function schemaText(name: SchemaName): string {
  return `${JSON.stringify(jsonSchema(name), null, 2)}\n`
}
