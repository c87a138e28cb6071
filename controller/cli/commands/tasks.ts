/** `thymesh tasks`: what was ordered of this operator's controllers, and what came of it. */

import { tasksSchema } from '../../api/schemas/task.ts'
import { tasksText, taskText } from '../../views/tasks.ts'
import { withAccess } from '../shell/access.ts'
import type { ProjectOptions } from '../shell/options.ts'
import { exitCodes, print } from '../shell/output.ts'

type TaskOptions = ProjectOptions & { id: string }

export async function list(options: ProjectOptions): Promise<undefined> {
  return await withAccess(options, async access => {
    const { tasks } = tasksSchema.parse(await access.tasks())
    print(options, { tasks }, tasksText(tasks))
    return undefined
  })
}

/** Its output on standard error as it comes, then the record. */
export async function show(options: TaskOptions): Promise<number> {
  return await withAccess(options, async access => {
    const task = await access.follow(options.id)
    if (task === 'left') return exitCodes.done
    print(options, task, taskText(task))
    return task.state === 'failed' ? exitCodes.failed : exitCodes.done
  })
}

export async function cancel(options: TaskOptions): Promise<undefined> {
  return await withAccess(options, async access => {
    const task = await access.cancel(options.id)
    print(options, task, taskText(task))
    return undefined
  })
}

/** The same order once more, as a new task; its output on standard error as it comes, then the record. */
export async function retry(options: TaskOptions): Promise<number> {
  return await withAccess(options, async access => {
    const task = await access.retry(options.id)
    if (task === 'left') return exitCodes.done
    print(options, task, taskText(task))
    return task.state === 'failed' ? exitCodes.failed : exitCodes.done
  })
}
