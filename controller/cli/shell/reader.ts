/** The reader that read-only commands ask: a running controller of the fleet, else one of their own. */

import { setTimeout as sleep } from 'node:timers/promises'
import { HintedError, ThymeshError } from '../../../protocol/errors.ts'
import { FleetHome } from '../../fleet/fleet-home.ts'
import { hintFor } from '../../format/hints.ts'
import { askRunning } from '../../local/client.ts'
import { socketFile } from '../../local/messages.ts'
import type { Project } from '../../project/project.ts'
import { openProject } from '../../project/project.ts'
import type { Session } from '../../session/session.ts'
import { nobodyInReach, openSession, takeNews } from './context.ts'
import { askAgainMs, startingMs } from './limits.ts'
import type { ProjectOptions, ReadOptions } from './options.ts'
import { note, print } from './output.ts'
import { type Answer, answerQuestion, type QuestionName, type QuestionOptions } from './questions.ts'

export class Reader {
  readonly #project: Project
  readonly #options: ProjectOptions
  #session: { session: Session; stop(): Promise<void> } | undefined
  #saidAlone = false

  constructor(project: Project, options: ProjectOptions) {
    this.#project = project
    this.#options = options
  }

  /** Asks; a controller of our own, if it takes one, has waited so long for news at first. */
  async ask<Name extends QuestionName>(
    query: Name,
    options: QuestionOptions<Name>,
    newsSeconds: number,
  ): Promise<Answer> {
    const file = socketFile(new FleetHome(this.#project.fleet).stateDirectory)
    for (const deadline = Date.now() + startingMs; ; await sleep(askAgainMs)) {
      if (this.#session !== undefined) return await answerQuestion(this.#session.session, query, options)
      const answer = await askAt(file, query, options, newsSeconds)
      if (answer !== undefined) {
        if (answer.alone) this.#sayAlone()
        return answer
      }
      try {
        this.#session = await openSession(this.#project, this.#options)
        await takeNews(this.#session.session, this.#options, newsSeconds)
      } catch (thrown) {
        const starts = thrown instanceof ThymeshError && thrown.code === 'in-use' && Date.now() < deadline
        if (!starts) throw thrown
      }
    }
  }

  async stop(): Promise<void> {
    await this.#session?.stop()
  }

  #sayAlone(): void {
    if (!this.#saidAlone) note(this.#options, nobodyInReach)
    this.#saidAlone = true
  }
}

/** The answer of the controller that runs already; nothing where none does. */
export async function askIfRunning<Name extends QuestionName>(
  project: Project,
  query: Name,
  options: QuestionOptions<Name>,
): Promise<Answer | undefined> {
  return await askAt(socketFile(new FleetHome(project.fleet).stateDirectory), query, options, 0)
}

async function askAt(file: string, query: QuestionName, options: object, newsSeconds: number) {
  const answer = await askRunning(file, { v: 1, query, newsSeconds, options: { ...options } })
  if (answer === undefined || !('error' in answer)) return answer
  const { code, message, hint } = answer.error
  throw new HintedError(code, message, {
    hint: hint ?? hintFor(code) ?? 'Look at the output of the controller that runs.',
  })
}

/** Asks once, and prints the answer. */
export async function show<Name extends QuestionName>(
  query: Name,
  options: ReadOptions,
  about: QuestionOptions<Name>,
): Promise<undefined> {
  return await withReader(options, async reader => {
    const { json, text } = await reader.ask(query, about, options.wait)
    print(options, json, text)
    return undefined
  })
}

export async function withReader<T>(options: ProjectOptions, work: (reader: Reader) => Promise<T>): Promise<T> {
  const reader = new Reader(await openProject(options.project), options)
  try {
    return await work(reader)
  } finally {
    await reader.stop()
  }
}
