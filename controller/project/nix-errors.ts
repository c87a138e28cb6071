/** Nix's errors in a line a person can use: what is wrong, in which of the project's files, at which line. */

import type { Position } from './problem.ts'

export interface NixError {
  /** What Nix said last, without its trace. */
  readonly message: string
  /** A file of the project, from its folder. */
  readonly file: string | undefined
  readonly at: Position | undefined
}

/** Files of a project that our own Nix code names in what it throws. */
const named =
  /^((?:configs|tags|devices|modules|secrets|artifacts)\/[A-Za-z0-9._/-]+|flake\.nix|thymesh\.json)(?::(\d+)(?::(\d+))?)?: /

/** Reads standard error of a `nix` command that failed on the project's sources in a folder, such as a store path. */
export function readNixError(lines: readonly string[], directory: string): NixError {
  const start = lines.findLastIndex(line => /^\s*error: *\S/.test(line))
  if (start < 0)
    return {
      message: lines.slice(-3).join('\n').trim() || 'Nix failed and said nothing',
      file: undefined,
      at: undefined,
    }
  const words: string[] = []
  for (const line of lines.slice(start)) {
    const text = line.replace(/^\s*error:\s*/, '').trimEnd()
    if (words.length > 0 && (text.trim() === '' || /^\s+at /.test(line) || /^\s+\d+\|/.test(line))) break
    if (/^\s*(?:…|while |\(stack trace|For full logs)/.test(line)) break
    words.push(text.trim())
  }
  const message = [
    ...(/^program '\S+' failed/.test(words[0] ?? '') ? fatalLines(lines.slice(0, start)) : []),
    ...words,
  ].join('\n')
  const found = named.exec(message)
  if (found !== null) {
    const [said, file, line, column] = found
    const at = line === undefined ? undefined : { line: Number(line), column: Number(column ?? 1) }
    return { message: message.slice(said.length), file, at }
  }
  return { message, ...placeIn(lines, start, directory) }
}

/** The error message of a program that Nix runs, such as git. */
function fatalLines(lines: readonly string[]): string[] {
  return lines.filter(line => line.startsWith('fatal: ')).map(line => line.slice('fatal: '.length))
}

/** Inputs of the flake itself that Nix had to lock anew, since flake.lock lacks them or has them from elsewhere. */
export function unlockedInputs(lines: readonly string[]): string[] {
  const names = lines.map(line => /^• (?:Added|Updated) input '([^'/]+)'/.exec(line)?.[1] ?? 'thymesh')
  return [...new Set(names)].filter(name => name !== 'thymesh')
}

/** The place after the message, else the nearest one above it, that is in the project. */
function placeIn(lines: readonly string[], start: number, directory: string): Pick<NixError, 'file' | 'at'> {
  for (const line of [...lines.slice(start), ...lines.slice(0, start).reverse()]) {
    const [, file, row, column] = placeBelow(directory, line) ?? []
    if (file === undefined) continue
    return { file, at: { line: Number(row), column: Number(column) } }
  }
  return { file: undefined, at: undefined }
}

function placeBelow(directory: string, line: string): RegExpExecArray | null {
  const start = line.indexOf(`${directory}/`)
  return start < 0 ? null : /^([^\s:]+):(\d+):(\d+)/.exec(line.slice(start + directory.length + 1))
}
