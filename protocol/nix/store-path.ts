/** Store paths, `/nix/store/<hash>-<name>`: their schema and their two parts. */
import { z } from 'zod'
import { NixFormatError } from './format-error.ts'

/** The store directory of every fleet. Another directory means other hashes, so such a store can't share closures. */
export const storeDir = '/nix/store'

/** Nix's own limit: hash, `-` and name fit a directory entry, with space for temporary suffixes. */
const maxStoreNameLength = 211

/** Length of the hash part: 20 bytes in nix32. */
export const hashPartLength = 32

const prefix = `${storeDir}/`
/** As in Nix 2.20 and later (`libstore/path.cc`): leading dots are allowed, but not `.`, `..`, `.-…` and `..-…`. */
const pattern = /^\/nix\/store\/[0-9abcdfghijklmnpqrsvwxyz]{32}-(?!\.{1,2}(?:-|$))[0-9a-zA-Z+\-._?=]{1,211}$/

/** A full store path without anything below it. */
export const storePathSchema = z
  .string()
  .max(prefix.length + hashPartLength + 1 + maxStoreNameLength)
  .regex(pattern, 'expected a store path such as /nix/store/<32 nix32 characters>-<name>')

/** A full store path, validated by {@link storePathSchema}. */
export type StorePath = z.infer<typeof storePathSchema>

/** The two parts of a store path. */
export interface StorePathParts {
  /** 32 nix32 characters: the name of its narinfo, and what a scan for references looks for. */
  readonly hashPart: string
  readonly name: string
}

/** Whether a text is a full store path. */
export function isStorePath(text: string): boolean {
  return pattern.test(text)
}

/**
 * Splits a store path.
 *
 * @throws NixFormatError `store-path-invalid`
 */
export function parseStorePath(path: string): StorePathParts {
  if (!isStorePath(path)) {
    throw new NixFormatError(
      'store-path-invalid',
      `Expected a store path such as ${prefix}<32 nix32 characters>-<name>, got '${path.slice(0, 300)}'`,
    )
  }
  return {
    hashPart: path.slice(prefix.length, prefix.length + hashPartLength),
    name: path.slice(prefix.length + hashPartLength + 1),
  }
}

/** The last component, `<hash>-<name>`, as narinfo and `nix-store --dump-db` name references. */
export function storePathBaseName(path: StorePath): string {
  return path.slice(prefix.length)
}
