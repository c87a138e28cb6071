/**
 * Inputs in the user's flake.nix. It is the user's file: only lines of the two forms that people write are touched, and
 * anything else is left to them with the text to put in.
 */

import { HintedError } from '../../protocol/errors.ts'

export class InputError extends HintedError<'flake-form' | 'no-such-input' | 'input-exists' | 'input-failed'> {}

const nameForm = /^[a-zA-Z_][a-zA-Z0-9_-]*$/

/** Names of inputs in the text, in their order; those of both forms. */
export function inputNames(text: string): string[] {
  const dotted = [...text.matchAll(/^\s*inputs\.([a-zA-Z_][\w-]*)\b/gm)].map(([, name]) => name ?? '')
  const block = blockOf(text)
  const inBlock =
    block === undefined
      ? []
      : [...block.body.matchAll(/^ {4}([a-zA-Z_][\w-]*)(?:\.[\w.]+)? =/gm)].map(([, name]) => name ?? '')
  return [...new Set([...dotted, ...inBlock])].filter(name => name !== '')
}

/** The text with one more input. Throws an InputError with the line to put in, where the form isn't known. */
export function addInput(text: string, name: string, url: string): string {
  if (!nameForm.test(name))
    throw new InputError('flake-form', `expected a name such as my-modules, got ${JSON.stringify(name)}`, {
      hint: 'Use letters, digits, _ and -, with a letter first.',
    })
  if (/["\\$\n]/.test(url))
    throw new InputError('flake-form', `expected a flake's URL without quotes, \\ or $, got ${JSON.stringify(url)}`, {
      hint: 'Such as github:owner/name or git+https://host/path.',
    })
  if (inputNames(text).includes(name)) {
    throw new InputError('input-exists', `flake.nix already has an input ${name}`, {
      hint: 'Choose another name, or remove that one first: thymesh input remove NAME.',
    })
  }
  const line = `inputs.${name}.url = "${url}";`
  if (
    !/outputs\s*=\s*(?:\w+\s*@\s*)?\{[^}]*\.\.\.[^}]*\}(?:\s*@\s*\w+)?\s*:/.test(text) &&
    !/outputs\s*=\s*\w+\s*:/.test(text)
  ) {
    throw byHand(`outputs of flake.nix must take further inputs: { self, thymesh, ... }`, line)
  }
  const dotted = [...text.matchAll(/^ *inputs\.[\w.-]+ = [^;\n]*;[^\n]*\n/gm)].at(-1)
  if (dotted !== undefined) {
    const at = dotted.index + dotted[0].length
    return `${text.slice(0, at)}  ${line}\n${text.slice(at)}`
  }
  const block = blockOf(text)
  if (block !== undefined) return `${text.slice(0, block.end)}    ${name}.url = "${url}";\n${text.slice(block.end)}`
  throw byHand("the inputs of flake.nix are written in a form that this command can't edit", line)
}

/** The text without an input. */
export function removeInput(text: string, name: string): string {
  if (!inputNames(text).includes(name)) {
    throw new InputError('no-such-input', `flake.nix has no input ${name}`, {
      hint: `It has ${inputNames(text).join(', ') || 'none'}.`,
    })
  }
  const lines = text.split('\n')
  const mine = (line: string) => new RegExp(`^\\s*(?:inputs\\.)?${name}(?:\\.[\\w.-]+)? = `).test(line)
  const kept = lines.filter(line => !mine(line) || !/;\s*(?:#.*)?$/.test(line))
  if (kept.some(mine) || kept.length === lines.length) {
    throw byHand(`the input ${name} has several lines in flake.nix`, `(remove the lines of ${name})`)
  }
  if (new RegExp(`outputs\\s*=\\s*\\{[^}]*\\b${name}\\b[^}]*\\}`).test(text)) {
    throw byHand(
      `the outputs of flake.nix take ${name} as an argument`,
      `(remove ${name} from { … } after outputs = too)`,
    )
  }
  return kept.join('\n')
}

/** `inputs = {` to its `};`, each on a line of its own. */
function blockOf(text: string): { body: string; end: number } | undefined {
  const found = /^ {2}inputs = \{\n((?:(?! {2}\};).*\n)*) {2}\};/m.exec(text)
  if (found === null) return undefined
  const [, body = ''] = found
  return { body, end: found.index + '  inputs = {\n'.length + body.length }
}

function byHand(why: string, line: string): InputError {
  return new InputError('flake-form', `${why}; nothing was written`, {
    hint: `Edit flake.nix yourself: ${line}`,
  })
}
