/** What the commands of the CLI share: global options, output, errors. */

import { Command, InvalidArgumentError } from 'commander'
import { type LogLevel, logLevels } from '../../node/log.ts'
import { messageOf, ThymeshError } from '../../protocol/errors.ts'
import { openProject, type Project } from '../project.ts'
import { gather, type Session, startSession } from '../session.ts'

export interface GlobalOptions {
  project: string
  json: boolean
  log?: LogLevel
}

/** Options that every command takes. */
export function command(name: string, description: string): Command {
  return new Command(name)
    .description(description)
    .option('--json', 'print one JSON object instead of text', false)
    .option('--log <level>', `log to standard error: ${logLevels.join(', ')}`, logLevel)
    .showHelpAfterError('(thymesh --help shows the commands, thymesh COMMAND --help the options of one)')
    .showSuggestionAfterError()
}

/** A command that works on a project. */
export function projectCommand(name: string, description: string): Command {
  return command(name, description).option('-p, --project <directory>', 'the project', '.')
}

export function positiveInteger(text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) throw new InvalidArgumentError('expected a whole number from 1')
  return value
}

export function seconds(text: string): number {
  const value = Number(text)
  if (!(value >= 0 && value <= 86_400)) throw new InvalidArgumentError('expected seconds, 0 to 86400')
  return value
}

export function collect(value: string, previous: string[]): string[] {
  return [...previous, value]
}

function logLevel(text: string): LogLevel {
  const level = logLevels.find(each => each === text)
  if (level === undefined) throw new InvalidArgumentError(`expected one of ${logLevels.join(', ')}`)
  return level
}

/** Standard output: text for people, or the one JSON object. */
export function print(options: GlobalOptions, json: object, text: string): void {
  process.stdout.write(`${options.json ? JSON.stringify(json) : text}\n`)
}

/** News for a person who waits; not part of the result. */
export function note(options: GlobalOptions, text: string): void {
  if (!options.json) process.stderr.write(`${text}\n`)
}

/** Runs a command's work; what it throws becomes a message with a hint, and exit code 1. */
export async function run(
  options: Pick<GlobalOptions, 'json'>,
  work: () => Promise<number | undefined>,
): Promise<void> {
  try {
    process.exitCode = (await work()) ?? 0
  } catch (thrown) {
    process.exitCode = 1
    const error = {
      code: thrown instanceof ThymeshError ? thrown.code : 'failed',
      message: messageOf(thrown),
      hint: thrown instanceof ThymeshError ? (thrown.hint ?? null) : null,
    }
    if (options.json) process.stdout.write(`${JSON.stringify({ error })}\n`)
    else process.stderr.write(`error: ${error.message}\n${error.hint === null ? '' : `${error.hint}\n`}`)
    if (!(thrown instanceof ThymeshError) && process.env.THYMESH_DEBUG) process.stderr.write(`${stackOf(thrown)}\n`)
  }
}

function stackOf(thrown: unknown): string {
  return thrown instanceof Error ? (thrown.stack ?? '') : ''
}

/** Runs work with the project's controller in the mesh, and stops it afterwards. */
export async function withSession(
  options: GlobalOptions,
  work: (session: Session, project: Project) => Promise<number | undefined>,
): Promise<number | undefined> {
  const project = await openProject(options.project)
  const session = await startSession(project, options.log === undefined ? {} : { log: options.log })
  try {
    return await work(session, project)
  } finally {
    await session.stop()
  }
}

/** Takes in the mesh's news before a command shows or decides something. */
export async function takeNews(session: Session, options: GlobalOptions, waitSeconds: number): Promise<void> {
  await gather(session, waitSeconds * 1000)
  if (session.peer.admission.members.length === 0) {
    note(options, 'No peer is in reach: this is what was known when one was last.')
  }
}
