/** Commands about the command line itself: completions of shells, and manual pages. */

import type { CompletionOptions } from '../commands/completion.ts'
import type { ManPagesOptions } from '../commands/man-pages.ts'
import type { CommandGroup } from '../shell/shell.ts'

export const manualCommands: CommandGroup = shell => {
  const { program } = shell
  shell
    .command('completion', 'Print the completion of a shell: bash, zsh or fish. Packages install it.')
    .argument('<shell>', 'bash, zsh or fish')
    .action((name: string, options: Omit<CompletionOptions, 'shell' | 'program'>) =>
      shell.does<CompletionOptions>(async () => (await import('../commands/completion.ts')).completion)({
        ...{ ...options, shell: name, program },
      }),
    )
  shell
    .command('man-pages', 'Write manual pages of all commands into a folder.', { hidden: true })
    .argument('<directory>')
    .action((directory: string, options: Omit<ManPagesOptions, 'directory' | 'program'>) =>
      shell.does<ManPagesOptions>(async () => (await import('../commands/man-pages.ts')).manPages)({
        ...{ ...options, directory, program },
      }),
    )
}
