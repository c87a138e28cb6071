/** Writes docs/builtin-modules.md from the built-in modules' declarations in `thymesh.modules`. */

import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { promisify } from 'node:util'
import { z } from 'zod'

const repository = resolve(import.meta.dirname, '../..')
export const builtinModulesPage = join(repository, 'docs/builtin-modules.md')

const textSchema = z.record(z.string(), z.string())
const choiceSchema = z.object({ value: z.union([z.string(), z.number()]) })
const declarationSchema = z.object({
  type: z.string(),
  displayName: textSchema,
  description: textSchema,
  order: z.number().default(0),
  required: z.boolean(),
  default: z.unknown().optional(),
  visible: z.record(z.string(), z.array(z.unknown())),
  choices: z.array(choiceSchema).optional(),
  min: z.number().optional(),
  max: z.number().optional(),
  patternHint: textSchema.optional(),
  key: z.string().optional(),
  get of() {
    return declarationSchema.optional()
  },
  get settings(): z.ZodOptional<z.ZodRecord<z.ZodString, typeof declarationSchema>> {
    return z.record(z.string(), declarationSchema).optional()
  },
})
type Declaration = z.infer<typeof declarationSchema>
const modulesSchema = z.record(
  z.string(),
  z.object({
    displayName: textSchema,
    description: textSchema,
    targets: z.array(z.string()),
    settings: z.record(z.string(), declarationSchema),
  }),
)

/** The page's text. */
export async function builtinModules(): Promise<string> {
  const fleet = `(import ${repository}/nix/lib).mkFleet { project = ${repository}/nix/lib/empty; inputs = { }; }`
  const { stdout } = await promisify(execFile)(
    'nix',
    [
      ...['--extra-experimental-features', 'nix-command', 'eval', '--impure', '--json'],
      ...['--expr', `(${fleet}).thymesh.modules`],
    ],
    { maxBuffer: 2 ** 24 },
  )
  const modules = modulesSchema.parse(JSON.parse(stdout))
  const parts = Object.entries(modules).map(([name, module]) => {
    const targets = module.targets.map(target => `\`${target}\``).join(' and ')
    const lines = rows(module.settings).map(cells => `| ${cells.join(' | ')} |`)
    return [
      `## ${name}`,
      '',
      `${module.displayName.en}: ${lowerFirst(module.description.en ?? '')}. For ${targets}.`,
      '',
      '| setting | type | default | what |',
      '| --- | --- | --- | --- |',
      ...lines,
      '',
    ].join('\n')
  })
  return `${introduction}\n${parts.join('\n')}`
}

const introduction = `# Built-in modules

Thymesh has these modules for every project. A project's own module replaces a built-in one of the same name. How settings of the
device, its config and its tags go together: [modules](modules.md). Made by \`node scripts/src/builtin-modules.ts\` from the
modules themselves, in \`nix/modules/\`.

A setting without default must be set, unless it says "optional". Their effect on a device without NixOS:
[the portable target](portable-target.md#built-in-modules).
`

function rows(settings: Record<string, Declaration>, path = ''): string[][] {
  const ordered = Object.entries(settings).sort(([, a], [, b]) => a.order - b.order)
  return ordered.flatMap(([key, declaration]) => {
    const name = `${path}${key}`
    const nested = declaration.type === 'list' ? declaration.of : declaration
    const own = [`\`${name}\``, typeText(declaration), defaultText(declaration), whatText(declaration)]
    const mark = declaration.type === 'list' ? '[].' : '.'
    return [own, ...(nested?.settings === undefined ? [] : rows(nested.settings, `${name}${mark}`))]
  })
}

function typeText(declaration: Declaration): string {
  const { type, of, choices, min, max, key } = declaration
  if (type === 'list' && of !== undefined) {
    return `list of ${of.type === 'group' ? 'groups' : typeText(of)}${key === undefined ? '' : ` by \`${key}\``}`
  }
  if (choices !== undefined) return choices.map(({ value }) => `\`${value}\``).join(', ')
  if (min !== undefined && max !== undefined) return `${type} ${min} to ${max}`
  return min === undefined ? type : `${type} from ${min}`
}

function defaultText(declaration: Declaration): string {
  if (declaration.default !== undefined) return `\`${JSON.stringify(declaration.default)}\``
  if (declaration.required) return ''
  return declaration.type === 'list' ? '`[]`' : 'optional'
}

function whatText({ displayName, description, visible, patternHint }: Declaration): string {
  const conditions = Object.entries(visible).map(
    ([key, values]) => `if \`${key}\` is ${values.map(value => `\`${value}\``).join(' or ')}`,
  )
  const name = displayName.en ?? ''
  const parts = [description.en, patternHint?.en, ...conditions].filter(part => part !== undefined && part !== '')
  return [name, ...parts].join('; ').replaceAll('|', '\\|')
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1)
}

if (import.meta.main) await writeFile(builtinModulesPage, await builtinModules())
