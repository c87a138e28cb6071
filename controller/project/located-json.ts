/** JSON whose values know where they stand: every error about a file names its line. */

import {
  findNodeAtLocation,
  getNodeValue,
  type Node,
  type ParseError,
  parseTree,
  printParseErrorCode,
} from 'jsonc-parser'
import { foreignMark } from './foreign-text.ts'
import type { Position, Problem } from './problem.ts'

export type JsonPath = readonly (string | number)[]

/** A file of the project: far more than people write by hand. */
export const maxFileBytes = 1024 * 1024

/** One JSON file, read. When it is no JSON, `problems` says why and the value is undefined. */
export class LocatedJson {
  readonly file: string
  readonly text: string
  readonly value: unknown
  readonly problems: readonly Problem[]
  readonly #root: Node | undefined
  #lines: number[] | undefined

  /** `file` is what problems name. */
  constructor(file: string, text: string) {
    this.file = file
    this.text = text
    const errors: ParseError[] = []
    // Nix reads the same files, strictly.
    const root = parseTree(text, errors, {
      disallowComments: true,
      allowTrailingComma: false,
      allowEmptyContent: false,
    })
    const marker = conflictMarker(text)
    const foreign = foreignMark(text)
    const problems = [
      ...(foreign === undefined ? [] : [this.problemAt(0, '', foreign)]),
      ...(marker === undefined && foreign === undefined
        ? errors.slice(0, 1).map(error => this.#syntaxProblem(error))
        : []),
      ...(marker === undefined
        ? []
        : [this.problemAt(marker, '', 'has a merge conflict marker: resolve the conflict')]),
      ...(errors.length === 0 && root !== undefined ? this.#duplicates(root) : []),
    ]
    this.problems = problems
    this.#root = problems.length === 0 ? root : undefined
    this.value = this.#root && getNodeValue(this.#root)
  }

  /** A problem with the value at a path, or the nearest one around it that is there. */
  problem(path: JsonPath, message: string): Problem {
    return this.problemAt(this.#nodeNear(path)?.offset ?? 0, path.join('.'), message)
  }

  /** A problem with a key itself, not its value. */
  keyProblem(path: JsonPath, message: string): Problem {
    const node = this.#root && findNodeAtLocation(this.#root, [...path])
    const key = node?.parent?.type === 'property' ? node.parent.children?.[0] : undefined
    return this.problemAt((key ?? this.#nodeNear(path))?.offset ?? 0, path.join('.'), message)
  }

  problemAt(offset: number, key: string, message: string): Problem {
    return { file: this.file, at: this.position(offset), key, message }
  }

  position(offset: number): Position {
    this.#lines ??= [0, ...[...this.text.matchAll(/\n/g)].map(({ index }) => index + 1)]
    const lines = this.#lines
    const line = lines.findLastIndex(start => start <= offset)
    return { line: line + 1, column: offset - (lines[line] ?? 0) + 1 }
  }

  #nodeNear(path: JsonPath): Node | undefined {
    for (let length = path.length; length >= 0; length--) {
      const node = this.#root && findNodeAtLocation(this.#root, path.slice(0, length))
      if (node !== undefined) return node
    }
    return undefined
  }

  #syntaxProblem({ error, offset }: ParseError): Problem {
    const name = printParseErrorCode(error)
    const words = syntaxWords[name] ?? `expected JSON (${name})`
    return this.problemAt(Math.min(offset, this.text.length), '', words)
  }

  /** JSON takes the last of two equal keys without a word; what the first one said is lost. */
  #duplicates(node: Node): Problem[] {
    const seen = new Set<string>()
    return (node.children ?? []).flatMap(child => {
      const [key, value] = child.type === 'property' ? (child.children ?? []) : [undefined, child]
      const name = key === undefined ? undefined : String(key.value)
      const twice =
        key !== undefined && name !== undefined && seen.has(name)
          ? [this.problemAt(key.offset, '', `the key ${JSON.stringify(name)} is here for the second time`)]
          : []
      if (name !== undefined) seen.add(name)
      return [...twice, ...(value === undefined ? [] : this.#duplicates(value))]
    })
  }
}

const syntaxWords: Record<string, string> = {
  InvalidSymbol: 'expected JSON, got an unquoted word',
  PropertyNameExpected: 'expected a key in double quotes (JSON has no comma after the last one)',
  ValueExpected: 'expected a value (JSON has no comma after the last one)',
  ColonExpected: 'expected a colon after the key',
  CommaExpected: 'expected a comma between two entries',
  CloseBraceExpected: 'expected }, got the end of the file',
  CloseBracketExpected: 'expected ], got the end of the file',
  EndOfFileExpected: 'expected the end of the file after the first value',
  InvalidCommentToken: 'expected no comment: JSON has none',
  UnexpectedEndOfString: 'expected a double quote at the end of the text',
}

/** Where Git left two sides of a merge in a text. */
export function conflictMarker(text: string): number | undefined {
  const start = /^<{7}(?: |$)/m.exec(text)
  if (start === null || !/^>{7}(?: |$)/m.test(text)) return undefined
  return start.index
}
