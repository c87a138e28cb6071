/** Tasks as text: a line each, or one of them. */

import { visible } from '../../protocol/encoding/visible.ts'
import type { Task } from '../api/schemas/task.ts'
import { ago, table } from '../format/table.ts'

export function tasksText(tasks: readonly Task[]): string {
  if (tasks.length === 0) return 'No tasks yet.'
  const lines = tasks.map(task => [task.id, task.kind, ago(task.started), task.state, visible(wordsOf(task))])
  return table(['TASK', 'ORDER', 'BEGAN', 'STATE', 'RESULT'], lines)
}

export function taskText(task: Task): string {
  return `${task.kind} (${task.id}): ${task.state}${wordsOf(task) && `, ${visible(wordsOf(task))}`}`
}

function wordsOf({ error, result, progress }: Task): string {
  if (error !== null) return error.message
  if (progress !== null) return progress.step
  return result === null ? '' : JSON.stringify(result)
}
